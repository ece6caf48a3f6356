"""Scores after so many labels, with resamples of draws and held-out rows behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unweave.metrics.resampling import interval

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

FEW_GROUPS = 8
"""Groups of held-out rows below which resampling them as a whole says nothing."""


@dataclass(frozen=True)
class Point:
    """The score after so many labels, and its 95 % interval over draws and held-out rows."""

    labels: int
    value: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Change:
    """How much one score lies above another, with the 95 % interval of the difference."""

    labels: tuple[int, int]
    value: float
    interval: tuple[float, float]


class Probe(Protocol):
    """What learns from labels and is tested on held-out rows, always the same."""

    @property
    def classes(self) -> int:
        """Number of classes, 0 where numbers are read."""

    def outcome(self, rows: Rows) -> Floats:
        """What a probe of some labels gives each held-out row, (m, M), as `score_means` takes its means."""


def score_means(means: Floats, classes: int) -> Floats:
    """Accuracy (...) of mean outcomes (..., 1): 1 for the right class; or R² of mean outcomes (..., 1 + 2 C).

    Those are the squared error, the C columns of the target, and their squares.
    """
    if classes:
        return np.asarray(means[..., 0])
    target, square = np.split(means[..., 1:], 2, axis=-1)
    variance = (square - target**2).sum(-1)
    return np.asarray(1 - means[..., 0] / np.maximum(variance, np.finfo(np.float64).tiny))


def outcomes_of(told: Floats, truth: Floats) -> Floats:
    """Outcomes (m, 1 + 2 C) of numbers told (m, C) beside the truth (m, C)."""
    return np.hstack([((told - truth) ** 2).sum(axis=1, keepdims=True), truth, truth**2])


@dataclass(frozen=True)
class BudgetScores:
    """Scores at budgets: the value and its resamples (bootstrap,) of each."""

    values: Mapping[int, float]
    resampled: Mapping[int, Floats]
    low: float

    @classmethod
    def of(
        cls, probe: Probe, orders: Sequence[Rows], budgets: Sequence[int], samples: Floats, rng: np.random.Generator
    ) -> BudgetScores:
        """Scores of the first labels of every order; `samples` (bootstrap, m) are of `row_samples`."""
        values, resampled = {}, {}
        weights = rng.multinomial(len(orders), np.full(len(orders), 1 / len(orders)), len(samples)) / len(orders)
        for budget in budgets:
            outcomes = np.stack([probe.outcome(order[:budget]) for order in orders], axis=1)  # (m, draws, M)
            values[budget] = float(score_means(outcomes.mean((0, 1)), probe.classes))
            means = (samples @ outcomes.reshape(len(outcomes), -1)).reshape(-1, *outcomes.shape[1:])
            resampled[budget] = score_means(np.einsum("bd,bdk->bk", weights, means), probe.classes)
        return cls(values, resampled, 0.0 if probe.classes else -np.inf)

    def points(self) -> tuple[Point, ...]:
        """Values with their intervals."""
        return tuple(
            Point(budget, value, interval(value, self.resampled[budget], self.low, 1))
            for budget, value in self.values.items()
        )

    def change(self, labels: int, other: BudgetScores, before: int) -> Change:
        """How much this score at `labels` lies above the other at `before`."""
        value = self.values[labels] - other.values[before]
        return Change(
            (before, labels), value, interval(value, self.resampled[labels] - other.resampled[before], -np.inf, np.inf)
        )


def row_samples(rows: int, groups: Rows | None, bootstrap: int, rng: np.random.Generator) -> Floats:
    """Weights (bootstrap, rows) of held-out rows in bootstrap samples, each summing to 1; groups go as a whole."""
    units = np.arange(rows) if groups is None else np.unique(groups, return_inverse=True)[1].ravel()
    if units.max() + 1 < FEW_GROUPS:
        units = np.arange(rows)
    count = int(units.max()) + 1
    drawn = rng.multinomial(count, np.full(count, 1 / count), bootstrap)[:, units].astype(np.float64)
    return np.asarray(drawn / drawn.sum(1, keepdims=True))
