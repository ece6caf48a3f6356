"""The term that asks for every combination of two columns, for factors that vary together in the data."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from unweave.functional.support import hausdorff_support
from unweave.objectives.step import Step

PER_STEP = 10
"""Pairs of columns that take part in one step; a longer list takes turns."""

IDLE = 0.01
"""Nats that a column can carry through the encoder's noise, below which it is not in use."""


class FactorisedSupport:
    """Mean over pairs of columns of the Hausdorff distance to a factorised support (Roth et al. 2023).

    In standard deviations of the codes, not in nats. The paper draws pairs at random; here they take turns, so that a
    step is a function of its number. Columns that are not in use take no part: the distance knows no scale, so that the
    minute means of a column that noise drowns would count as much as any, and be most of what is averaged.
    """

    def __init__(self, columns: tuple[tuple[int, int], ...]) -> None:
        self.columns = columns

    def __call__(self, step: Step) -> Tensor:
        """The term of one training step."""
        live = in_use(step)
        columns = [(i, j) for i, j in self.columns if live[i] and live[j]]
        if not columns:
            return step.mean.new_zeros(())
        count = len(columns)
        chosen = [columns[(step.iteration * PER_STEP + k) % count] for k in range(min(count, PER_STEP))]
        return hausdorff_support(step.mean, torch.tensor(chosen, device=step.mean.device)).mean()


def in_use(step: Step) -> list[bool]:
    """Which columns vary by more than the encoder's noise hides: 1/2 log(1 + Var[mean] / E[variance]) >= `IDLE`."""
    signal, noise = step.mean.detach().var(0, correction=0), step.logvar.detach().exp().mean(0)
    found: list[bool] = (signal >= math.expm1(2 * IDLE) * noise).tolist()
    return found
