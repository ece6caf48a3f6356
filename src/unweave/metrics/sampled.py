"""Scores of experiments, with interval and null."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from unweave.core import Score
from unweave.core.seeds import generator
from unweave.metrics.arena import Arena
from unweave.metrics.experiment import Experiment, Floats, Outcome, Run, Sizes, Trial
from unweave.metrics.inputs import Mode, Problem
from unweave.metrics.resampling import null_range, student_t
from unweave.metrics.sources import Keys, RowSource
from unweave.metrics.stamps import make_stamp

MAX_NULLS = 5
"""Permutations at most: each one repeats the whole experiment."""

GROUPS = 20
"""Groups of rows that the jackknife leaves out in turn."""

INTERVAL = f"points, learning, and a jackknife over {GROUPS} groups of rows"
"""What an interval is made of; a grid is no sample of rows."""

REFITS = 3
"""Times that the classifier is learnt again, to see what the choice of its points costs."""


def experiment_score(
    name: str, experiment: Experiment, arena: Arena, sizes: Sizes, *, mode: Mode, bootstrap: int, nulls: int, seed: int
) -> Score:
    """The test accuracy of an experiment in an arena, with interval, null and matrix."""
    nulls = min(nulls, MAX_NULLS)
    settings = {
        **arena.settings,
        **asdict(sizes),
        **experiment.settings(mode),
        "bootstrap": bootstrap,
        "nulls": nulls,
        "seed": seed,
    }
    details: dict[str, Any] = {"dropped_factors": arena.dropped}

    def score(value: float | None, problem: Problem, reason: str | None = None) -> Score:
        libraries = ("scikit-learn",) if experiment.pairs else ()
        stamp = make_stamp(name, mode, replace(problem, factors=arena.factors), settings, libraries=libraries)
        return Score(name, value, stamp, reason=reason, **details)

    if arena.reason is not None:
        return score(None, arena.resolve([])[0], arena.reason)
    run = Run.of(experiment, arena, sizes.shared_by(len(arena.folds)), mode, generator(seed, name, "points"))
    table, live = run.prepared()
    details["dropped_codes"] = tuple(np.setdiff1d(np.arange(run.problem.codes.shape[1]), live).tolist())
    if mode == "robust" and len(live) == 0:
        return score(None, run.problem, "no code varies.")
    outcomes = run.outcomes(table)
    if outcomes is None:
        return score(None, run.problem, f"{sizes.train} points are too few to learn which factor was held.")
    value = run.accuracy(outcomes)
    details["matrix"] = run.matrix(outcomes, live)
    if bootstrap:
        spread = _Spread(run, table, outcomes, generator(seed, name, "bootstrap"))
        details["interval"] = spread.interval(value)
    if nulls:
        random = generator(seed, name, "null")
        found = [run.outcomes(run.prepared(random)[0]) for _ in range(nulls)]
        scores = np.array([run.accuracy(o) for o in found if o is not None])
        details["null"], details["null_interval"] = null_range(scores, 0, 1)
    return score(value, run.problem)


@dataclass(frozen=True)
class _Spread:
    """How far the accuracy of a run lies from that of other points and rows."""

    run: Run
    table: Floats
    outcomes: Sequence[Outcome]
    random: np.random.Generator

    def interval(self, value: float) -> tuple[float, float]:
        """Interval at 95 % around the log-odds of the accuracy.

        Near 1 an accuracy is less certain below than above, which log-odds show. They are infinite at 1, so their
        standard error counts as 1 at most.
        """
        points = sum(len(outcome.tested) for outcome in self.outcomes)
        share, deviation = (value * points + 0.5) / (points + 1), np.sqrt(self.variance())
        quantile = student_t(GROUPS - 1) if self.run.arena.sampled else 1.96
        half = quantile * min(1, deviation / (share * (1 - share)))
        low, high = (1 / (1 + (1 - share) / share * np.exp(sign * half)) for sign in (1, -1))
        return float(max(0, min(low, value))), float(min(1, max(high, value)))

    def variance(self) -> float:
        """Variance of the accuracy over test points, over what is learnt from, and over the rows of a labelled set.

        For the test points it is that of a share, with two more right and two more wrong answers (Agresti and Coull
        1998), so that it is not 0 where all are right.
        """
        right, weights = self.run.answers(self.outcomes)
        share = (right.sum() + 2) / (len(right) + 4)
        points = share * (1 - share) * (weights**2).sum() / weights.sum() ** 2
        refits = np.array([r for r in (self._relearnt() for _ in range(REFITS)) if r is not None])
        over_refits = float(refits.var(ddof=1)) if len(refits) > 1 else 0.0
        return float(max(points, noise(right, weights)) + over_refits + self._over_rows())

    def _over_rows(self) -> float:
        """Variance over the rows, by a jackknife over groups of them (Efron and Stein 1981).

        The points stay the same but for the rows that are left out, of what is learnt from and of what is tested on.
        What the number of test points leaves to chance is taken off again.

        A jackknife averages squared local changes, which is more than the variance of what bends (Poincaré's
        inequality). Wrong answers do: near 1 they come from a few values whose rows happen to lie badly, and their
        share e grows exponentially with how badly. Where log e is normal with variance s², the mean squared local
        change of e is s² / (1 - exp(-s²)) times its variance; s² is the jackknife's variance of a value's share over
        its square. That holds for the mean over data sets. In a set with few wrong answers local changes are small
        too, and with the whole correction intervals held the truth in 86 % of sets at a score of 0.98; without it, in
        all of them where scores are lower. So the deviation is taken half of the way, as a factor.
        """
        if not self.run.arena.sampled:
            return 0.0
        rows = len(self.table)
        groups = self.random.permutation(rows) % min(GROUPS, rows)
        right = np.concatenate([self._without(trial, groups) for trial in self.run.trials], axis=1)
        answered, weights = self.run.answers(self.outcomes)
        change = right - right.mean(axis=0)
        whole, tamed, units = 0.0, 0.0, self._units()
        for unit in range(units.max() + 1):
            own = units == unit
            variance = jackknife_variance(change[:, own], weights[own]) if weights[own].any() else 0.0
            if variance > 0:
                wrong = max(1 - answered[own].mean(), 1 / own.sum())
                part = (weights[own].sum() / weights.sum()) ** 2 * variance
                whole, tamed = whole + part, tamed + part * bent(variance / wrong**2)
        return jackknife_variance(change, weights) * (np.sqrt(tamed / whole) if whole > 0 else 1.0)

    def _units(self) -> Keys:
        """Which test points share a half of the rows, a factor and, where a point holds one, a value: (P,)."""
        found = []
        for number, (fold, trial) in enumerate(zip(self.run.arena.folds, self.run.trials, strict=True)):
            held = fold[1].held(trial.test) if isinstance(fold[1], RowSource) else np.zeros_like(trial.test.factor)
            found.append(np.stack([np.full(len(held), number), trial.test.factor, held]))
        return np.asarray(np.unique(np.concatenate(found, axis=1), axis=1, return_inverse=True)[1], dtype=np.int64)

    def _without(self, trial: Trial, groups: Keys) -> Floats:
        """Right answers (G, P) of one fold, learnt and given without each group of rows."""
        taught, tested = (self.run.shown_without(self.table, draws, groups) for draws in (trial.train, trial.test))
        right = []
        for learnt, asked in zip(taught, tested, strict=True):
            guess = self.run.experiment.learn(learnt, trial.train.factor, self.run.mode)
            right.append(guess(asked) == trial.test.factor if guess is not None else np.zeros(len(asked)))
        return np.stack(right).astype(np.float64)

    def _relearnt(self) -> float | None:
        """Accuracy when every fold learns from a bootstrap sample of its points."""
        found = []
        for outcome, trial in zip(self.outcomes, self.run.trials, strict=True):
            some = self.random.integers(len(outcome.taught), size=len(outcome.taught))
            guess = self.run.experiment.learn(outcome.taught[some], trial.train.factor[some], self.run.mode)
            if guess is None:
                return None
            found.append(replace(outcome, guess=guess))
        return self.run.accuracy(found)


def jackknife_variance(change: Floats, weights: Floats) -> float:
    """Variance of a weighted mean from the changes (G, P) that leaving out each of G groups makes to its P values.

    What independent values of the changes leave to chance is taken off; at least 0.
    """
    scores = change @ weights / weights.sum()
    chance = sum(noise(row, weights) for row in change)
    return float(max(((scores**2).sum() - chance) * (len(change) - 1) / len(change), 0))


def bent(variance: float) -> float:
    """(1 - exp(-s²)) / s²: the variance of a lognormal variable in units of its mean squared local change."""
    return float(-np.expm1(-variance) / variance)


def noise(values: Floats, weights: Floats) -> float:
    """Variance of a weighted mean of independent values."""
    mean = values @ weights / weights.sum()
    return float((weights**2 * (values - mean) ** 2).sum() / weights.sum() ** 2)
