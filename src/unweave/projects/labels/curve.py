"""What labels bought: how well a probe reads a factor of held-out rows after 10, 20, 50, … labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from unweave.core.factors import Factor, FactorTable
from unweave.core.seeds import generator
from unweave.metrics.label_budgets import BudgetScores, Change, Point, row_samples
from unweave.projects.labels.plan import order_by_plan
from unweave.projects.labels.probe import ProbeTask

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
"""Gain of a doubling below which a curve is called flat, however sure the gain is."""

_STEP = 1.4
_PLANNED_SHARE = 0.8
_FEWEST_TESTED = 10


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
        bought = (
            f"doubling from {half:,} to {whole:,} labels bought {self.doubling.value:+.2f} ({low:+.2f} to {high:+.2f})"
        )
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
    probe = ProbeTask.of(factor, (fit - mean) / spread, labels, (test[tested] - mean) / spread, truth)
    count = min(len(has), MOST_LABELS)
    budgets = budgets_up_to(count)
    orders = [rng.permutation(len(has))[:count] for _ in range(draws)]
    samples = row_samples(len(tested), groups[tested] if groups is not None else None, bootstrap, rng)
    random = BudgetScores.of(probe, orders, budgets, samples, rng)
    reached = tuple(b for b in budgets if b <= min(MOST_PLANNED, int(_PLANNED_SHARE * len(has))))
    planned, gains = None, list[Change]()
    if reached:
        planned = BudgetScores.of(probe, _planned_orders(fit, table, reached, seed, rng), reached, samples, rng)
        gains = [planned.change(b, random, b) for b in reached]
    doubling = random.change(count, random, count // 2) if count // 2 in budgets else None
    return Curve(
        factor.name,
        score,
        chance=probe.chance,
        tested=len(tested),
        random=random.points(),
        planned=planned.points() if planned else (),
        gains=tuple(gains),
        doubling=doubling,
        verdict=verdict_of(doubling),
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


def verdict_of(doubling: Change | None) -> Verdict | None:
    """What the interval of a doubling says."""
    if doubling is None:
        return None
    low, high = doubling.interval
    if high < FLAT:
        return "falling" if high < 0 and low < -FLAT else "flat"
    return "rising" if low > 0 else "open"
