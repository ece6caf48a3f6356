"""p(x|z): how far an observation is from what the decoder says, and what the decoder's output looks like."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from unweave.functional.likelihood import bernoulli_nll, gaussian_nll, laplace_nll

_SCALED = {"gaussian": gaussian_nll, "laplace": laplace_nll}


class Likelihood(nn.Module):
    """Likelihood of observations given the decoder's raw output of the same shape.

    `bernoulli` reads the output as logits. `gaussian` and `laplace` read it as the mean and learn one log-scale for all
    pixels or components, kept above `floor` so that a perfect reconstruction cannot drive it to minus infinity.
    """

    log_scale: Tensor | None

    def __init__(self, kind: Literal["bernoulli", "gaussian", "laplace"], *, floor: float = -6.0) -> None:
        super().__init__()
        self.kind, self.floor = kind, floor
        self.log_scale = nn.Parameter(torch.zeros(())) if kind in _SCALED else None

    def nll(self, output: Tensor, x: Tensor) -> Tensor:
        """-log p(x|z) per sample, summed over all else, in nats: shape (batch,)."""
        if self.log_scale is None:
            loss = bernoulli_nll(output, x)
        else:
            loss = _SCALED[self.kind](output, self.log_scale.clamp_min(self.floor), x)
        return loss.flatten(1).sum(1)

    def mean(self, output: Tensor) -> Tensor:
        """E[x|z]."""
        return output.sigmoid() if self.kind == "bernoulli" else output
