"""The terms themselves: each is a few lines over `functional`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from unweave.functional.categorical import categorical_kl
from unweave.functional.gaussian import gaussian_kl
from unweave.functional.groups import Groups, group_sum
from unweave.functional.information import shared_information
from unweave.objectives.step import Step


class Reconstruction:
    """-log p(x|z): the distortion."""

    def __call__(self, step: Step) -> Tensor:
        """Mean over the batch."""
        return step.nll.mean()


@dataclass(frozen=True)
class KL:
    """KL(q(z|x) || N(0, I)): the rate.

    Attributes:
        free_bits: nats that every group of dimensions may spend for nothing (Kingma et al. 2016, appendix C.8, eq. 15):
            below them its mean over the batch counts as `free_bits` and has no gradient.
        groups: dimensions that count as one.
    """

    free_bits: float = 0.0
    groups: Groups | None = None

    def __call__(self, step: Step) -> Tensor:
        """Sum over latents, mean over the batch."""
        kl = gaussian_kl(step.mean, step.logvar)
        if self.free_bits == 0:
            return kl.sum(-1).mean()
        return group_sum(kl, self.groups).mean(0).clamp_min(self.free_bits).sum()


class CategoricalKL:
    """KL(q(c|x) || uniform) of all categorical codes together: their rate."""

    def __call__(self, step: Step) -> Tensor:
        """Sum over codes, mean over the batch."""
        return torch.stack([categorical_kl(log_p).sum(-1).mean() for log_p in step.classes]).sum()


class SharedInformation:
    """Minus the bound on the mutual information of the classes of a row and a changed copy of it."""

    def __call__(self, step: Step) -> Tensor:
        """Sum over codes, mean over the batch."""
        pairs = zip(step.classes, step.copies, strict=True)
        return -torch.stack([shared_information(log_p, log_q).mean() for log_p, log_q in pairs]).sum()


class Balance:
    """KL(mean of q(c|x) over the batch || uniform): `CategoricalKL` less the information of class and row."""

    def __call__(self, step: Step) -> Tensor:
        """Sum over codes."""
        means = [log_p.logsumexp(0, keepdim=True) - math.log(len(log_p)) for log_p in step.classes]
        return torch.stack([categorical_kl(log_mean).sum() for log_mean in means]).sum()
