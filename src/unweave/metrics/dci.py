"""DCI: disentanglement, completeness, informativeness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unweave.core import Score, Scorecard, Stamp
from unweave.core.seeds import derive, generator
from unweave.metrics.binning import FACTOR_BINS
from unweave.metrics.importances import completeness, disentanglement
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, Problem, as_problem, check_mode
from unweave.metrics.refits import Fit, Floats, Task, fit_all
from unweave.metrics.resampling import halves_interval, null_range
from unweave.metrics.splitting import train_test
from unweave.metrics.stamps import make_stamp, no_classes
from unweave.metrics.weights import Groups, Weights, code_groups, factor_weights

MAX_ROWS = 3000
"""Rows that are learnt from and tested on at most in robust mode, unless asked otherwise."""

MAX_NULLS = 3
"""Permutations at most: each one refits the trees of every factor."""

DIVISIONS = 6
"""Times that the rows are divided in two halves, for the interval. A fit to each costs 0.6 of a fit to all rows, so
the interval costs seven more evaluations."""

FEWEST = 6
"""Rows that are learnt from, and that test, below which halves say nothing and there is no interval."""

NAMES = ("dci.disentanglement", "dci.completeness", "dci.informativeness", "dci.informativeness_train")
"""The scores, in the order in which they are given."""


def dci(
    codes: CodesLike,
    factors: FactorsLike,
    *,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = MAX_NULLS,
    seed: int = 0,
    train_rows: int | None = None,
    max_rows: int | None = None,
    workers: int | None = None,
    weights: Weights = "equal",
    groups: Groups | None = None,
) -> Scorecard:
    """Disentanglement, completeness and informativeness (Eastwood and Williams 2018, section 2).

    Gradient-boosted trees learn each factor from the codes; the importances of the codes are aggregated. In [0, 1]:

    * `dci.disentanglement`: 1 when every code serves one factor. Random codes give about 0.
    * `dci.completeness`: 1 when every factor is served by one code. Random codes give about 0; copies lower it.
    * `dci.informativeness`: test accuracy, mean over factors. Random codes give the share of the commonest class, so
      read it beside its null. With 40 ordered classes an error by one step counts as wrong: good codes look poor.

    * `dci.informativeness_train`: the same on the rows that were learnt from; far above it, the trees overfit.

    The learner decides the numbers: never compare them with those of another one.

    Args:
        codes: codes (N, D).
        factors: labels (N, K).
        mode: "reference" is the definition of disentanglement_lib. "robust" standardises codes, cuts continuous factors
            into classes, and leaves out constant factors and dead codes.
        bootstrap: 0 leaves the intervals out; else they come from fits to the two halves of six random divisions of
            the rows (Student's t with 6 degrees of freedom), since refitting for every bootstrap sample would take
            hours. That of `dci.informativeness_train` is of a share of right answers: half of the rows are learnt by
            heart where all are not.
        nulls: permutations of the rows for the scores of random codes, three at most; 0 leaves them out.
        seed: seed of the split, of ties between splits of trees, of halves and of permutations.
        train_rows: the first rows are learnt from and the rest tested on; None takes a random two thirds.
        max_rows: with more rows than this, a random part of them; None takes 3,000 in robust mode and all in reference
            mode.
        workers: threads; None takes one per usable core. The scores do not depend on it.
        weights: of factors, in the means over them and in the weights of codes; see `weights.factor_weights`.
        groups: columns of codes that count as one, such as sine and cosine of an angle; importances are added up within
            a group, and the others stand alone.

    Returns:
        Four scores. The matrix of the first two holds the importances (D, K), or (G, K) with G groups in the order of
        their first columns; that of the others the accuracy of each factor (1, K). What was left out is 0.
    """
    check_mode(mode)
    problem = as_problem(codes, factors)
    wanted, members = factor_weights(problem.factors, weights), code_groups(groups, problem.codes.shape[1])
    most = MAX_ROWS if max_rows is None and mode == "robust" else max_rows
    split = train_test(len(problem.codes), train_rows, most, generator(seed, "dci", "split"))
    nulls = min(nulls, MAX_NULLS)
    settings = {
        "learner": "gradient-boosted trees, 100 of depth 3 at rate 0.1",
        "split": "random, two thirds" if train_rows is None else "first rows",
        "train_rows": len(split[0]),
        "test_rows": len(split[1]),
        "factor_bins": FACTOR_BINS,
        "interval": f"halves of the rows, {DIVISIONS} times" if bootstrap else "none",
        "nulls": nulls,
        "seed": seed,
        "weights": wanted.tolist(),
        "groups": [list(group) for group in members if len(group) > 1],
    }
    stamp = make_stamp("dci", mode, problem, settings, libraries=("numba",))
    task = Task.of(problem, mode, *split)
    variants = [task]
    if bootstrap and min(len(split[0]), len(split[1])) >= FEWEST:
        for draw in range(DIVISIONS):
            variants += task.halves(generator(seed, "dci", "halves", draw))
    left_out = len(variants)
    variants += [task.shuffled(generator(seed, "dci", "null", draw)) for draw in range(nulls)]
    reason = _reason(problem, task, mode, wanted)
    fits = fit_all(variants if reason is None else [], derive(seed, "dci", "trees"), workers)
    found = _Found(problem, task, stamp, wanted, members, reason, fits[:left_out], fits[left_out:])
    return Scorecard({name: found.score(name) for name in NAMES})


@dataclass(frozen=True)
class _Found:
    """Fits on all rows (first) and on random halves of them (the others), and fits on random codes."""

    problem: Problem
    task: Task
    stamp: Stamp
    weights: Floats
    members: tuple[tuple[int, ...], ...]
    reason: str | None
    fits: Sequence[Fit]
    nulls: Sequence[Fit]

    def score(self, name: str) -> Score:
        """One of the four scores."""
        names, codes = self.problem.factors.names, self.problem.codes.shape[1]
        details: dict[str, Any] = {
            "dropped_codes": tuple(c for c in range(codes) if c not in self.task.live),
            "dropped_factors": tuple(factor for k, factor in enumerate(names) if k not in self.task.used),
        }
        reason = self.reason
        if reason is None and name == "dci.disentanglement" and len(self.task.used) < 2:
            reason = "disentanglement compares factors, and only one can be scored."
        if reason is None and name == "dci.completeness" and len(self.groups) < 2:
            reason = "completeness compares codes (or groups of codes), and only one varies."
        if reason is not None:
            return Score(name, None, self.stamp, reason=reason, **details)
        value, *halves = [self.value(name, fit) for fit in self.fits]
        if halves:
            details["interval"] = self.interval(name, value, np.reshape(halves, (-1, 2)))
        if self.nulls:
            random = np.array([self.value(name, fit) for fit in self.nulls])
            details["null"], details["null_interval"] = null_range(random, 0, 1)
        return Score(name, value, self.stamp, matrix=self.matrix(name), **details)

    @property
    def groups(self) -> list[int]:
        """Groups in which a code takes part."""
        return [g for g, group in enumerate(self.members) if np.isin(group, self.task.live).any()]

    def importances(self, fit: Fit) -> Floats:
        """Importances of all groups of codes for the factors that take part, (G, k)."""
        codes = np.zeros((self.problem.codes.shape[1], len(self.task.used)))
        codes[self.task.live] = fit.importances
        return np.stack([codes[list(group)].sum(axis=0) for group in self.members])

    def value(self, name: str, fit: Fit) -> float:
        """A score by one fit."""
        weights = self.weights[self.task.used]
        if name in _ACCURACIES:
            return float(getattr(fit, _ACCURACIES[name]) @ weights / weights.sum())
        importances = self.importances(fit)[self.groups]
        return (disentanglement if name == "dci.disentanglement" else completeness)(importances, weights)

    def interval(self, name: str, value: float, halves: Floats) -> tuple[float, float]:
        """Interval of a score, at least one answer wide on either side of an accuracy."""
        if name not in _ACCURACIES:
            return halves_interval(value, halves)
        learnt = name == "dci.informativeness_train"
        rows = self.task.train if learnt else ~self.task.train
        answers = np.maximum(np.count_nonzero(self.task.labels[rows] >= 0, axis=0), 1)
        least = 1 / float(answers.sum())
        if not learnt:
            return halves_interval(value, halves, least=least)
        share, right = self.weights[self.task.used] / self.weights[self.task.used].sum(), self.fits[0].train_accuracy
        half = max(1.96 * float(np.sqrt((share**2 * right * (1 - right) / answers).sum())), least)
        return max(0.0, value - half), min(1.0, value + half)

    def matrix(self, name: str) -> Floats:
        """What is behind a score: accuracies (1, K) or importances (G, K)."""
        shape = (1 if name in _ACCURACIES else len(self.members), len(self.problem.factors.names))
        matrix = np.zeros(shape)
        fit = self.fits[0]
        matrix[:, self.task.used] = getattr(fit, _ACCURACIES[name]) if name in _ACCURACIES else self.importances(fit)
        return matrix


_ACCURACIES = {"dci.informativeness": "accuracy", "dci.informativeness_train": "train_accuracy"}
"""Scores that are accuracies, and where a fit has them."""


def _reason(problem: Problem, task: Task, mode: Mode, weights: Floats) -> str | None:
    """Why nothing can be scored, or None."""
    names = [name for k, name in enumerate(problem.factors.names) if k not in task.used]
    if len(task.live) == 0:
        return "no code varies."
    if mode == "reference" and names:
        return no_classes(names[0])
    if len(task.used) == 0:
        return "no factor can be learnt: each is constant, has no labels, or has too few rows."
    if weights[task.used].sum() == 0:
        return "the factors that can be learnt all have weight 0."
    return None
