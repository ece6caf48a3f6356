"""The term that asks for every combination of two columns, for factors that vary together in the data."""

from __future__ import annotations

import torch
from torch import Tensor

from unweave.functional.support import hausdorff_support
from unweave.objectives.step import Step

PER_STEP = 10
"""Pairs of columns that take part in one step; a longer list takes turns."""


class FactorisedSupport:
    """Mean over pairs of columns of the Hausdorff distance to a factorised support (Roth et al. 2023).

    In standard deviations of the codes, not in nats. The paper draws pairs at random; here they take turns, so that a
    step is a function of its number.
    """

    def __init__(self, columns: tuple[tuple[int, int], ...]) -> None:
        self.columns = columns

    def __call__(self, step: Step) -> Tensor:
        """The term of one training step."""
        count = len(self.columns)
        chosen = [self.columns[(step.iteration * PER_STEP + k) % count] for k in range(min(count, PER_STEP))]
        return hausdorff_support(step.mean, torch.tensor(chosen, device=step.mean.device)).mean()
