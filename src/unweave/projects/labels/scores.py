"""Scores of a probe after so many labels, with resamples of draws and held-out rows behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.factors import Factor
from unweave.metrics.linear import fit_logistic, fit_ridge
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


@dataclass(frozen=True)
class ProbeTask:
    """A probe's task: targets are class numbers (n,) of a factor of classes, or columns of numbers (n, C)."""

    classes: int
    fit: Floats
    target: NDArray[Any]
    test: Floats
    truth: NDArray[Any]

    @classmethod
    def of(cls, factor: Factor, fit: Floats, labels: Floats, test: Floats, truth: Floats) -> ProbeTask:
        """The task of codes (n, D) and (m, D) with their labels (n,) and (m,)."""
        if factor.is_discrete:
            classes = int(max(labels.max(), truth.max())) + 1
            return cls(classes, fit, labels.astype(np.int64), test, truth.astype(np.int64))
        if factor.kind == "circular":
            angles = (2 * np.pi * values / factor.period for values in (labels, truth))
            target, truth = (np.stack([np.sin(a), np.cos(a)], 1) for a in angles)
            return cls(0, fit, target, test, truth)
        return cls(0, fit, labels[:, None], test, truth[:, None])

    @property
    def chance(self) -> float:
        """Score of the commonest class, or of the mean."""
        if self.classes:
            return float((self.truth == np.bincount(self.target).argmax()).mean())
        return float(self.score(self._errors(np.broadcast_to(self.target.mean(0), self.truth.shape)).mean(0)))

    def outcome(self, rows: Rows) -> Floats:
        """What a probe of some labels gives each held-out row, (m, M), as `score` takes its means."""
        target = self.target[rows]
        if not self.classes:
            return self._errors(fit_ridge(self.fit[rows], target)(self.test))
        if (target == target[0]).all():
            return np.asarray(self.truth == target[0], dtype=np.float64)[:, None]
        told = fit_logistic(self.fit[rows], target, self.classes)(self.test).argmax(1)
        return np.asarray(told == self.truth, dtype=np.float64)[:, None]

    def _errors(self, told: Floats) -> Floats:
        return np.hstack([((told - self.truth) ** 2).sum(1, keepdims=True), self.truth, self.truth**2])

    def score(self, means: Floats) -> Floats:
        """Accuracy or R² (...) of mean outcomes (..., M)."""
        if self.classes:
            return np.asarray(means[..., 0])
        target, square = np.split(means[..., 1:], 2, axis=-1)
        variance = (square - target**2).sum(-1)
        return np.asarray(1 - means[..., 0] / np.maximum(variance, np.finfo(np.float64).tiny))


@dataclass(frozen=True)
class BudgetScores:
    """Scores at budgets: the value and its resamples (bootstrap,) of each."""

    values: Mapping[int, float]
    resampled: Mapping[int, Floats]
    low: float

    @classmethod
    def of(
        cls, probe: ProbeTask, orders: Sequence[Rows], budgets: Sequence[int], samples: Floats, rng: np.random.Generator
    ) -> BudgetScores:
        """Scores of the first labels of every order; `samples` (bootstrap, m) are of `row_samples`."""
        values, resampled = {}, {}
        weights = rng.multinomial(len(orders), np.full(len(orders), 1 / len(orders)), len(samples)) / len(orders)
        for budget in budgets:
            outcomes = np.stack([probe.outcome(order[:budget]) for order in orders], axis=1)  # (m, draws, M)
            values[budget] = float(probe.score(outcomes.mean((0, 1))))
            means = (samples @ outcomes.reshape(len(outcomes), -1)).reshape(-1, *outcomes.shape[1:])
            resampled[budget] = probe.score(np.einsum("bd,bdk->bk", weights, means))
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
