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

Average = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""Mean and log-variance of two Gaussians to those of their average."""


class PairedAutoencoder(Autoencoder):
    """An autoencoder that gives the two rows of a pair one posterior in the dimensions that they share.

    Args:
        nets: see `Autoencoder`.
        average: of two posteriors.
        last: number of dimensions, the last ones, that all pairs share; None decides for every pair from its own
            posteriors (`shared_dimensions`).
    """

    def __init__(self, nets: Nets, average: Average, last: int | None = None) -> None:
        super().__init__(nets)
        self._average, self._last = average, last

    def step(self, batch: Batch) -> Step:
        """One forward pass over both rows of every pair: a step of 2 x batch rows."""
        if batch.partner is None:
            raise ConfigError("this method learns from pairs, and the batch has no partners. Give data.pairs.")
        x = torch.cat([batch.x, batch.partner])
        q, labelled = self.posteriors(x, batch.labelled)
        return self.decoded(self.shared(q), x, batch, labelled)

    def shared(self, q: Posterior) -> Posterior:
        """The posteriors of the first rows of all pairs, then of the second, averaged where a pair shares."""
        (mean, other_mean), (logvar, other_logvar) = q.mean.chunk(2), q.logvar.chunk(2)
        if self._last is None:
            mask = shared_dimensions(gaussian_divergence(mean, logvar, other_mean, other_logvar))
        else:
            mask = torch.arange(mean.shape[1], device=mean.device) >= mean.shape[1] - self._last
        means, logvars = self._average(mean, logvar, other_mean, other_logvar)
        return Posterior(
            torch.cat([torch.where(mask, means, own) for own in (mean, other_mean)]),
            torch.cat([torch.where(mask, logvars, own) for own in (logvar, other_logvar)]),
            q.classes,
        )


class PairedVAE(SingleLossVAE):
    """A VAE whose only player is a `PairedAutoencoder`."""

    def __init__(self, nets: Nets, objective: Objective, average: Average, last: int | None = None) -> None:
        super().__init__(nets, objective)
        self.vae = PairedAutoencoder(nets, average, last)
