"""How well a probe reads held-out rows after 10, 30, 100, … labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import DataError
from unweave.core.factors import FactorTable
from unweave.core.seeds import generator
from unweave.metrics.label_budgets import BudgetScores, Point, outcomes_of, row_samples, score_means
from unweave.signatures.chart import Chart
from unweave.signatures.probes.all import labelled_part
from unweave.signatures.probes.cross import choose, final
from unweave.signatures.probes.folds import make_folds
from unweave.signatures.probes.task import ProbeKind, Task, make_task

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

BUDGETS = (10, 30, 100, 300, 1000)
DRAWS = 5
MOST_TESTED = 4000
_TESTED_FOLDS = (0, 1)
_FEWEST_TESTED = 10


@dataclass(frozen=True)
class ProbeCurve:
    """The learning curve of one factor.

    Attributes:
        factor: its name.
        score: `accuracy`, or `r2`.
        chance: score of guessing the commonest class of the rows learnt from, or their mean.
        tested: held-out rows.
        points: scores by number of labels, the last with all rows that are not held out.
        reason: why there is no curve, or None.
    """

    factor: str
    score: str
    chance: float = 0.0
    tested: int = 0
    points: tuple[Point, ...] = ()
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return asdict(self)


def curves(
    codes: NDArray[Any],
    table: FactorTable,
    *,
    budgets: Sequence[int] = BUDGETS,
    groups: NDArray[Any] | None = None,
    correlated: Sequence[tuple[str, str]] = (),
    kinds: Mapping[str, ProbeKind] | None = None,
    balanced: bool = False,
    draws: int = DRAWS,
    bootstrap: int = 200,
    seed: int = 0,
) -> Mapping[str, ProbeCurve]:
    """Learning curves of all factors of a table.

    Two fifths of the labelled rows are held out, groups as a whole; labels of the others are drawn at random. Every
    probe chooses its penalty on the labels that it has. Intervals resample draws and held-out rows (or groups, where
    there are at least 8) together.

    Args:
        codes, table, groups, correlated, kinds, balanced, seed: see `probe_factors`.
        budgets: numbers of labels; those that there are not are left out.
        draws: random orders of the labels.
        bootstrap: resamples behind each interval.
    """
    found = {}
    for name in table.names:
        factor = table.factors[table.index(name)]
        score = "accuracy" if factor.kind == "categorical" else "r2"
        try:
            rows, target, labels, weights = labelled_part(codes, table, name, groups, correlated)
            task = make_task(
                np.asarray(codes)[rows],
                target,
                labels,
                kind=(kinds or {}).get(name, "auto"),
                groups=None if groups is None else np.asarray(groups)[rows],
                weights=None if weights is None else weights.values,
                balanced=balanced,
            )
            found[name] = _curve(task, score, budgets, draws, bootstrap, seed)
        except DataError as error:
            found[name] = ProbeCurve(name, score, reason=str(error))
    return found


def _curve(task: Task, score: str, budgets: Sequence[int], draws: int, bootstrap: int, seed: int) -> ProbeCurve:
    folds = make_folds(task, len(task), seed)
    rng = generator(seed, "probe curve", task.name)
    held = np.isin(folds.number, _TESTED_FOLDS if folds.count > 2 else _TESTED_FOLDS[:1])
    train, test = np.flatnonzero(~held), np.sort(rng.permutation(np.flatnonzero(held))[:MOST_TESTED])
    if len(test) < _FEWEST_TESTED:
        raise DataError(f"{len(test)} rows are held out, {_FEWEST_TESTED} are needed to see anything.")
    probe = _Probe(task, train, test, seed)
    samples = row_samples(len(test), None if task.units is None else task.units[test], bootstrap, rng)
    samples = samples * task.weights[test]
    samples /= samples.sum(axis=1, keepdims=True)
    reached = [b for b in sorted(set(budgets)) if b < len(train)] + [len(train)]
    orders = [rng.permutation(len(train)) for _ in range(draws)]
    scores = BudgetScores.of(probe, orders, reached, samples, rng)
    return ProbeCurve(task.name, score, probe.chance, len(test), scores.points())


@dataclass(frozen=True)
class _Probe:
    """A probe that learns from some of the training rows and is tested on the held-out ones."""

    task: Task
    train: Rows
    test: Rows
    seed: int

    @property
    def classes(self) -> int:
        """Number of classes, 0 where numbers are read."""
        return self.task.target.classes if self.task.target.factor.kind == "categorical" else 0

    @property
    def chance(self) -> float:
        """Score of the commonest class of the training rows, or of their mean."""
        labels, truth = self.task.labels[self.train], self.task.labels[self.test]
        if self.classes:
            return float((truth == np.bincount(labels.astype(np.int64)).argmax()).mean())
        chart = Chart(self.task.target)
        goal = chart.of(truth)
        mean = np.broadcast_to(chart.of(labels).mean(axis=0), goal.shape)
        return float(score_means(outcomes_of(mean, goal).mean(axis=0), 0))

    def outcome(self, rows: Rows) -> Floats:
        """See `metrics.label_budgets.Probe`."""
        task = self.task
        told, truth = self._outputs(task.take(self.train[rows])), task.labels[self.test]
        if self.classes:
            return np.asarray(told.argmax(axis=1) == truth, dtype=np.float64)[:, None]
        return outcomes_of(told, Chart(task.target).of(truth))

    def _outputs(self, learnt: Task) -> Floats:
        """Outputs (m, M) for the held-out rows."""
        chart = Chart(learnt.target)
        if (learnt.labels == learnt.labels[0]).all():
            return np.repeat(chart.of(learnt.labels[:1]), len(self.test), axis=0)
        learner = learnt.learner()
        try:
            folds = make_folds(learnt, learner.most, self.seed)
        except DataError:  # So few labels that groups cannot be held out: a penalty in between.
            penalty = learner.default
        else:
            penalty = choose(learnt, learner, folds)
        weights, offset = final(learnt, learner, penalty)
        return self.task.x[self.test] @ weights + offset
