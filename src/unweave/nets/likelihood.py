"""p(x|z): how far an observation is from what the decoder says, and what the decoder's output looks like."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from unweave.functional.likelihood import bernoulli_nll, gaussian_nll, laplace_nll

LikelihoodKind = Literal["bernoulli", "gaussian", "laplace", "sigma"]

_SCALED = {"gaussian": gaussian_nll, "laplace": laplace_nll}
_MEMORY = 0.99


class Likelihood(nn.Module):
    """Likelihood of observations given the decoder's raw output of the same shape.

    `bernoulli` reads the output as logits. The others read it as the mean: `gaussian` and `laplace` learn one log-scale
    for all pixels or components, kept above `floor` so that a perfect reconstruction cannot drive it to minus infinity.
    `sigma` is a Gaussian whose variance is the mean squared error of the batch, where its likelihood is greatest, and
    moves with the output (sigma-VAE, Rybkin et al. 2021, eq. 5); in evaluation it is the running mean over training.
    """

    log_scale: Tensor | None
    variance: Tensor | None

    def __init__(self, kind: LikelihoodKind, *, floor: float = -6.0) -> None:
        super().__init__()
        self.kind, self.floor = kind, floor
        self.log_scale = nn.Parameter(torch.zeros(())) if kind in _SCALED else None
        self.register_buffer("variance", torch.ones(()) if kind == "sigma" else None)

    def nll(self, output: Tensor, x: Tensor) -> Tensor:
        """-log p(x|z) per sample, summed over all else, in nats: shape (batch,)."""
        if self.log_scale is not None:
            loss = _SCALED[self.kind](output, self.log_scale.clamp_min(self.floor), x)
        elif self.variance is not None:
            loss = gaussian_nll(output, 0.5 * self._best_variance(output, x).log(), x)
        else:
            loss = bernoulli_nll(output, x)
        return loss.flatten(1).sum(1)

    def _best_variance(self, output: Tensor, x: Tensor) -> Tensor:
        """Of the batch in training, of the batches before in evaluation; never below that of `floor`."""
        assert self.variance is not None
        if not self.training:
            return self.variance
        best = (output - x).square().mean().clamp_min(math.exp(2 * self.floor))
        with torch.no_grad():
            self.variance.mul_(_MEMORY).add_((1 - _MEMORY) * best)
        return best

    def mean(self, output: Tensor) -> Tensor:
        """E[x|z]."""
        return output.sigmoid() if self.kind == "bernoulli" else output
