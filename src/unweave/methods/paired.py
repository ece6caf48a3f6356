"""The machinery of VAEs that learn from pairs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from unweave.core.errors import ConfigError
from unweave.functional.pairs import gaussian_divergence, shared_dimensions
from unweave.methods.autoencoder import Autoencoder, SingleLossVAE
from unweave.nets.build import Nets
from unweave.objectives.method import Batch, Posterior
from unweave.objectives.objective import Objective
from unweave.objectives.step import Step

Combine = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""Mean and log-variance of a row and of its partner to those that the row is decoded with where the pair shares."""


class PairedAutoencoder(Autoencoder):
    """An autoencoder that decodes the rows of a pair from both, or each from the other, in the dimensions they share.

    Args:
        nets: see `Autoencoder`.
        combine: the two posteriors; an average gives both rows the same, `the_other` exchanges them.
        last: number of dimensions, the last ones, that all pairs share; None decides for every pair from its own
            posteriors (`shared_dimensions`).
    """

    def __init__(self, nets: Nets, combine: Combine, last: int | None = None) -> None:
        super().__init__(nets)
        self._combine, self._last = combine, last

    def step(self, batch: Batch) -> Step:
        """One forward pass over both rows of every pair: a step of 2 x batch rows."""
        if batch.partner is None:
            raise ConfigError("this method learns from pairs, and the batch has no partners. Give data.pairs.")
        x = torch.cat([batch.x, batch.partner])
        q, labelled = self.posteriors(x, batch.labelled)
        return self.decoded(self.shared(q), x, batch, labelled)

    def shared(self, q: Posterior) -> Posterior:
        """The posteriors of the first rows of all pairs, then of the second, combined where a pair shares."""
        (mean, other_mean), (logvar, other_logvar) = q.mean.chunk(2), q.logvar.chunk(2)
        if self._last is None:
            mask = shared_dimensions(gaussian_divergence(mean, logvar, other_mean, other_logvar))
        else:
            mask = torch.arange(mean.shape[1], device=mean.device) >= mean.shape[1] - self._last
        first = self._combine(mean, logvar, other_mean, other_logvar)
        second = self._combine(other_mean, other_logvar, mean, logvar)
        means, logvars = (torch.cat(both) for both in zip(first, second, strict=True))
        masks = mask.expand_as(mean).repeat(2, 1)
        return Posterior(torch.where(masks, means, q.mean), torch.where(masks, logvars, q.logvar), q.classes)


class PairedVAE(SingleLossVAE):
    """A VAE whose only player is a `PairedAutoencoder`."""

    def __init__(self, nets: Nets, objective: Objective, combine: Combine, last: int | None = None) -> None:
        super().__init__(nets, objective)
        self.vae = PairedAutoencoder(nets, combine, last)
