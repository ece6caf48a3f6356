"""What labels bought: how well a probe reads a factor of held-out rows after 10, 20, 50, … labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from unweave.core.factors import Factor, FactorTable
from unweave.core.seeds import generator
from unweave.metrics.linear import fit_logistic, fit_ridge
from unweave.metrics.resampling import interval
from unweave.projects.labels.plan import order_by_plan

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Verdict = Literal["rising", "flat", "falling", "open"]

DRAWS = 10
PLANNED_DRAWS = 5
MOST_LABELS = 2000
"""Labels up to which a curve goes; who has more has no question of a planner."""

MOST_PLANNED = 500
"""Labels up to which the planner's order is followed."""

FLAT = 0.01
"""Gain of a doubling below which a curve is called flat."""

_STEP = 1.4
_PLANNED_SHARE = 0.8
_FEWEST_TESTED = 10
_FEW_GROUPS = 8


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
class Curve:
    """The learning curve of one factor.

    Attributes:
        factor: its name.
        score: `accuracy`, or `R2`.
        chance: score of guessing the commonest class of the training rows, or their mean.
        tested: held-out rows that have a label of it.
        random: with labels of rows drawn at random.
        planned: with labels of rows in the planner's order.
        gains: planned less random at each budget of both; labels are (budget, budget).
        doubling: from half of all labels to all of them, at random.
        verdict: `rising`, `flat`, `falling`, or `open` when the held-out rows cannot tell.
        reason: why there is no curve, or None.
    """

    factor: str
    score: Literal["accuracy", "R2"]
    chance: float = 0.0
    tested: int = 0
    random: tuple[Point, ...] = ()
    planned: tuple[Point, ...] = ()
    gains: tuple[Change, ...] = ()
    doubling: Change | None = None
    verdict: Verdict | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {**asdict(self), "sentence": self.sentence}

    @property
    def sentence(self) -> str:
        """What it comes down to."""
        if self.reason is not None:
            return f"{self.factor}: there is no curve: {self.reason}"
        if self.doubling is None:
            return f"{self.factor}: too few labels for a doubling."
        (half, whole), (low, high) = self.doubling.labels, self.doubling.interval
        bought = f"doubling from {half:,} to {whole:,} labels bought {self.doubling.value:+.2f} ({low:+.2f} to {high:+.2f})"
        word = "accuracy" if self.score == "accuracy" else "R²"
        judged = {
            "rising": "the curve is not flat: more labels still help",
            "flat": "the curve is flat: more labels of this kind would buy next to nothing",
            "falling": "the curve falls: what these rows teach does not hold for the held-out rows",
            "open": f"{self.tested:,} held-out rows cannot tell whether the curve is flat",
        }
        return f"{self.factor}: {bought} of {word}; {judged[self.verdict or 'open']}."


def budgets_up_to(labels: int) -> tuple[int, ...]:
    """10, 20, 50, 100, …, and in the end half of all labels and all of them, without steps that are next to no step."""
    top = {labels // 2, labels} if labels >= 4 else {labels}
    ladder = (step * 10**power for power in range(1, 5) for step in (1, 2, 5))
    return tuple(sorted({b for b in ladder if b < labels and all(max(b / t, t / b) > _STEP for t in top)} | top))


def label_curve(
    train: Floats,
    train_labels: FactorTable,
    test: Floats,
    test_labels: FactorTable,
    *,
    groups: Rows | None = None,
    draws: int = DRAWS,
    bootstrap: int = 1000,
    seed: int = 0,
) -> Curve:
    """The curve of the one factor of both tables.

    Intervals resample draws and held-out rows together, so they say what other labels and other held-out rows would
    have given; differences resample both scores alike.

    Args:
        train: codes (n, D) of rows that may be labelled; those without a label of the factor are left out.
        train_labels: their labels.
        test: codes (m, D) of held-out rows.
        test_labels: their labels.
        groups: (m,) group of each held-out row; groups are then resampled as a whole when there are at least 8.
        draws: random orders of the labels.
        bootstrap: resamples behind each interval.
        seed: of orders and resamples.
    """
    factor = train_labels.factors[0]
    score: Literal["accuracy", "R2"] = "accuracy" if factor.is_discrete else "R2"
    rng = generator(seed, "labels", "curve", factor.name)
    has, tested = np.flatnonzero(train_labels.known[:, 0]), np.flatnonzero(test_labels.known[:, 0])
    labels, truth = train_labels.values[has, 0], test_labels.values[tested, 0]
    reason = _reason(factor, labels, truth)
    if reason is not None:
        return Curve(factor.name, score, tested=len(tested), reason=reason)
    mean, spread = train.mean(0), train.std(0)
    spread = np.where(spread > 0, spread, 1)
    fit, table = train[has], train_labels.take(has)
    probe = _Probe.of(factor, (fit - mean) / spread, labels, (test[tested] - mean) / spread, truth)
    count = min(len(has), MOST_LABELS)
    budgets = budgets_up_to(count)
    orders = [rng.permutation(len(has))[:count] for _ in range(draws)]
    samples = _samples(len(tested), groups[tested] if groups is not None else None, bootstrap, rng)
    random = _Scores.of(probe, orders, budgets, samples, rng)
    reached = tuple(b for b in budgets if b <= min(MOST_PLANNED, int(_PLANNED_SHARE * len(has))))
    planned, gains = None, ()
    if reached:
        planned = _Scores.of(probe, _planned_orders(fit, table, reached, seed, rng), reached, samples, rng)
        gains = tuple(planned.change(b, random, b) for b in reached)
    doubling = random.change(count, random, count // 2) if count // 2 in budgets else None
    return Curve(
        factor.name,
        score,
        chance=probe.chance,
        tested=len(tested),
        random=random.points(),
        planned=planned.points() if planned else (),
        gains=gains,
        doubling=doubling,
        verdict=_verdict(doubling),
    )


def _planned_orders(
    points: Floats, table: FactorTable, budgets: Sequence[int], seed: int, rng: np.random.Generator
) -> list[Rows]:
    """The planner's orders, each as if a fifth of the rows had not been there: otherwise all would be the same."""
    orders = []
    for draw in range(PLANNED_DRAWS):
        there = np.sort(rng.permutation(len(points))[: int(np.ceil(_PLANNED_SHARE * len(points)))])
        orders.append(there[order_by_plan(points[there], table.take(there), budgets, seed + draw)])
    return orders


def _reason(factor: Factor, labels: Floats, truth: Floats) -> str | None:
    if len(labels) < 4:
        return f"{len(labels)} training rows have a label; `unweave labels plan` says which to label."
    if len(truth) < _FEWEST_TESTED:
        return f"{len(truth)} held-out rows have a label, {_FEWEST_TESTED} are needed to see anything."
    for what, values in (("training", labels), ("held-out", truth)):
        if (values == values[0]).all():
            only = factor.values[int(values[0])] if factor.values else f"{values[0]:g}"
            return f"every {what} row is {only!r}, so there is nothing to read."
    return None


def _verdict(doubling: Change | None) -> Verdict | None:
    if doubling is None:
        return None
    low, high = doubling.interval
    if low > 0:
        return "rising"
    return "open" if high >= FLAT else "falling" if high < 0 else "flat"


@dataclass(frozen=True)
class _Probe:
    """A probe's task: targets are class numbers (n,) of a factor of classes, or columns of numbers (n, C)."""

    classes: int
    fit: Floats
    target: NDArray[Any]
    test: Floats
    truth: NDArray[Any]

    @classmethod
    def of(cls, factor: Factor, fit: Floats, labels: Floats, test: Floats, truth: Floats) -> _Probe:
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
class _Scores:
    """Scores at budgets: the value and its resamples (bootstrap,) of each."""

    values: Mapping[int, float]
    resampled: Mapping[int, Floats]
    low: float

    @classmethod
    def of(
        cls, probe: _Probe, orders: Sequence[Rows], budgets: Sequence[int], samples: Floats, rng: np.random.Generator
    ) -> _Scores:
        values, resampled = {}, {}
        weights = rng.multinomial(len(orders), np.full(len(orders), 1 / len(orders)), len(samples)) / len(orders)
        for budget in budgets:
            outcomes = np.stack([probe.outcome(order[:budget]) for order in orders], axis=1)  # (m, draws, M)
            values[budget] = float(probe.score(outcomes.mean((0, 1))))
            means = (samples @ outcomes.reshape(len(outcomes), -1)).reshape(-1, *outcomes.shape[1:])
            resampled[budget] = probe.score(np.einsum("bd,bdk->bk", weights, means))
        return cls(values, resampled, 0.0 if probe.classes else -np.inf)

    def points(self) -> tuple[Point, ...]:
        return tuple(
            Point(budget, value, interval(value, self.resampled[budget], self.low, 1))
            for budget, value in self.values.items()
        )

    def change(self, labels: int, other: _Scores, before: int) -> Change:
        """How much this score at `labels` lies above the other at `before`."""
        value = self.values[labels] - other.values[before]
        return Change(
            (before, labels), value, interval(value, self.resampled[labels] - other.resampled[before], -np.inf, np.inf)
        )


def _samples(rows: int, groups: Rows | None, bootstrap: int, rng: np.random.Generator) -> Floats:
    """Weights (bootstrap, rows) of held-out rows in bootstrap samples, each summing to 1; groups go as a whole."""
    units = np.arange(rows) if groups is None else np.unique(groups, return_inverse=True)[1].ravel()
    if units.max() + 1 < _FEW_GROUPS:
        units = np.arange(rows)
    count = int(units.max()) + 1
    drawn = rng.multinomial(count, np.full(count, 1 / count), bootstrap)[:, units].astype(np.float64)
    return np.asarray(drawn / drawn.sum(1, keepdims=True))
