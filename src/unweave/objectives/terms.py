"""The terms themselves: each is a few lines over `functional`."""

from __future__ import annotations

from torch import Tensor

from unweave.functional.gaussian import gaussian_kl
from unweave.objectives.step import Step


class Reconstruction:
    """-log p(x|z): the distortion."""

    def __call__(self, step: Step) -> Tensor:
        """Mean over the batch."""
        return step.nll.mean()


class KL:
    """KL(q(z|x) || N(0, I)): the rate."""

    def __call__(self, step: Step) -> Tensor:
        """Sum over latents, mean over the batch."""
        return gaussian_kl(step.mean, step.logvar).sum(-1).mean()
