"""Scores of experiments, with interval and null."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from unweave.core import Score
from unweave.core.seeds import generator
from unweave.metrics.arena import Arena
from unweave.metrics.experiment import Experiment, Floats, Outcome, Run, Sizes
from unweave.metrics.inputs import Mode, Problem
from unweave.metrics.resampling import null_range
from unweave.metrics.sources import draw
from unweave.metrics.stamps import make_stamp

MAX_NULLS = 5
"""Permutations at most: each one repeats the whole experiment."""

SMALL = 400
"""Points per half of the rows when the spread over rows is measured; the noise of so few points is taken off again."""

REFITS = 5
"""Times that the classifier is learnt again, to see what the choice of its points and rows costs."""


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

    def score(value: float | None, codes: Floats, reason: str | None = None) -> Score:
        libraries = ("scikit-learn",) if experiment.pairs else ()
        stamp = make_stamp(name, mode, Problem(codes, arena.factors), settings, libraries=libraries)
        return Score(name, value, stamp, reason=reason, **details)

    if arena.reason is not None:
        return score(None, arena.resolve([])[0], arena.reason)
    run = Run.of(experiment, arena, sizes.shared_by(len(arena.folds)), mode, generator(seed, name, "points"))
    table, live = run.prepared(run.codes)
    details["dropped_codes"] = tuple(np.setdiff1d(np.arange(run.codes.shape[1]), live).tolist())
    if mode == "robust" and len(live) == 0:
        return score(None, run.codes, "no code varies.")
    outcomes = run.outcomes(table)
    if outcomes is None:
        return score(None, run.codes, f"{sizes.train} points are too few to learn which factor was held.")
    value = run.accuracy(outcomes)
    details["matrix"] = run.matrix(outcomes, live)
    if bootstrap:
        half = 1.96 * np.sqrt(_Spread(run, table, outcomes, generator(seed, name, "bootstrap")).variance(bootstrap))
        details["interval"] = float(max(0, value - half)), float(min(1, value + half))
    if nulls:
        random = generator(seed, name, "null")
        found = [run.outcomes(run.prepared(random.permutation(run.codes))[0]) for _ in range(nulls)]
        scores = np.array([run.accuracy(o) for o in found if o is not None])
        details["null"], details["null_interval"] = null_range(scores, 0, 1)
    return score(value, run.codes)


@dataclass(frozen=True)
class _Spread:
    """How far the accuracy of a run lies from that of other points and rows."""

    run: Run
    table: Floats
    outcomes: Sequence[Outcome]
    random: np.random.Generator

    def variance(self, draws: int) -> float:
        """Variance of the accuracy over test points, over what is learnt from, and over the rows of a labelled set.

        For the test points it is that of a share, with two more right and two more wrong answers (Agresti and Coull
        1998), so that it is not 0 where all are right. Parts of the rows are drawn without replacement: their scores
        vary as the score of all rows does, but for a known ratio (delete-d jackknife, Shao and Wu 1989). The classifier
        is kept then, and learnt again from other rows in a few variants; near its optimum one does not move the other.
        """
        right, weights = self.run.answers(self.outcomes)
        share = (right.sum() + 2) / (len(right) + 4)
        points = share * (1 - share) * (weights**2).sum() / weights.sum() ** 2
        refits = np.array([r for r in (self._relearnt() for _ in range(REFITS)) if r is not None])
        rows = self._over_rows(draws) if self.run.arena.sampled else 0.0
        if rows is None or len(refits) < 2:
            return 1.0  # The rows are too few to take a part of them: anything is possible.
        return float(max(points, _noise(right, weights)) + refits.var(ddof=1) + rows)

    def _over_rows(self, draws: int) -> float | None:
        """Variance over the rows that test; None where they are too few to take parts of them."""
        found = [f for f in (self._partly() for _ in range(draws)) if f is not None]
        if len(found) < 2:
            return None
        scores, noise, ratio = np.array(found).T
        return max(float((scores.var(ddof=1) - noise.mean()) * ratio[0]), 0.0)

    def _relearnt(self) -> float | None:
        """Accuracy when every fold learns from other points: of a part of its rows, or of the same grid."""
        found = []
        for outcome, trial, (source, _) in zip(self.outcomes, self.run.trials, self.run.arena.folds, strict=True):
            part = source.part(self.random)
            if part is None:
                some = self.random.integers(len(outcome.taught), size=len(outcome.taught))
                taught, factor = outcome.taught[some], trial.train.factor[some]
            elif part[0].complete:
                sizes = self.run.sizes
                points = draw(part[0], sizes.train, sizes.batch, self.random, pairs=self.run.experiment.pairs)
                taught, factor = self.run.shown(self.table, points), points.factor
            else:
                return None
            guess = self.run.experiment.learn(taught, factor, self.run.mode)
            if guess is None:
                return None
            found.append(replace(outcome, guess=guess))
        return self.run.accuracy(found)

    def _partly(self) -> tuple[float, float, float] | None:
        """Accuracy on a few points of a part of the rows, the variance of so few, and the ratio of the part."""
        right, factors, ratio = [], [], 0.0
        for outcome, (_, source) in zip(self.outcomes, self.run.arena.folds, strict=True):
            part = source.part(self.random)
            if part is None or not part[0].complete:
                return None
            some, ratio = part
            count = SMALL // len(self.outcomes)
            points = draw(some, count, self.run.sizes.batch, self.random, pairs=self.run.experiment.pairs)
            right.append(outcome.guess(self.run.shown(self.table, points)) == points.factor)
            factors.append(points.factor)
        answers, weights = np.concatenate(right).astype(float), self.run.arena.weights[np.concatenate(factors)]
        if weights.sum() == 0:
            return None
        return float(answers @ weights / weights.sum()), _noise(answers, weights), ratio


def _noise(right: Floats, weights: Floats) -> float:
    """Variance of a weighted share."""
    mean = right @ weights / weights.sum()
    return float((weights**2 * (right - mean) ** 2).sum() / weights.sum() ** 2 * len(right) / max(len(right) - 1, 1))
