"""An objective is a named, weighted sum of terms; logs carry the same names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from unweave.objectives.step import Step

Schedule = Callable[[int], float]
"""Weight at an iteration. It belongs to the objective, never to a term."""


class Term(Protocol):
    """A scalar: summed over pixels or latents, averaged over the batch, in nats."""

    def __call__(self, step: Step) -> Tensor:
        """The term of one training step."""
        ...


def constant(value: float) -> Schedule:
    """The same weight at every iteration."""
    return lambda _: value


def linear(start: float, stop: float, *, over: int) -> Schedule:
    """From `start` to `stop` in `over` iterations, then flat."""
    return lambda iteration: start + (stop - start) * min(iteration / over, 1.0)


@dataclass(frozen=True, slots=True)
class Losses:
    """`total` is what a player minimises; `parts` are the unweighted terms, in nats."""

    total: Tensor
    parts: Mapping[str, Tensor]


@dataclass(frozen=True)
class Objective:
    """`{"name": (weight, term)}`."""

    terms: Mapping[str, tuple[Schedule, Term]]

    def __call__(self, step: Step) -> Losses:
        """All terms of one step and their weighted sum."""
        parts = {name: term(step) for name, (_, term) in self.terms.items()}
        total = torch.zeros((), device=step.x.device)
        for name, (weight, _) in self.terms.items():
            total = total + weight(step.iteration) * parts[name]
        return Losses(total, parts)
