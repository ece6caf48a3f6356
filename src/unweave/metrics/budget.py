"""What codes are worth downstream: how well a probe reads the factors after so many labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unweave.core import ConfigError, Score, Scorecard
from unweave.core.seeds import generator
from unweave.metrics.influence import Classes, Floats, accuracy, explained, taught_variance
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, Problem, as_problem, check_mode
from unweave.metrics.linear import PENALTY, fit_logistic, fit_ridge
from unweave.metrics.resampling import null_range, student_t
from unweave.metrics.robust_codes import without_outliers
from unweave.metrics.splitting import Rows, train_test
from unweave.metrics.stamps import make_stamp
from unweave.metrics.targets import measurements
from unweave.metrics.weights import Weights, factor_weights

BUDGETS = (10, 100, 1000)
"""Numbers of labels, each a score of its own."""

DRAWS = 6
"""Times that labels are drawn."""

MOST = 9
"""Tenths of the rows that a draw may take, for the spread over draws to be seen."""

MAX_NULLS = 3
"""Permutations at most."""

MAX_TEST_ROWS = 10_000
"""Rows that are tested on at most."""


def budget(
    codes: CodesLike,
    factors: FactorsLike,
    *,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = MAX_NULLS,
    seed: int = 0,
    train_rows: int | None = None,
    budgets: Sequence[int] = BUDGETS,
    weights: Weights = "equal",
) -> Scorecard:
    """How well a linear probe reads the factors from the codes of a few labelled rows: `labels.10`, `labels.100`, ….

    The downstream score of a representation: what its codes are worth to somebody who labels that many rows. For each
    factor, labels are drawn several times, a probe learns from them, and it is tested on rows that were never drawn.
    Classes give the accuracy of logistic regression, measurements the R² of ridge regression, 0 at least; a circular
    factor the R² of its sine and cosine together. Mean over draws and factors, in [0, 1]. Random codes give the
    frequency of the commonest class, so read it beside its null.

    Args:
        codes: codes (N, D), standardised by the rows from which labels are drawn.
        factors: labels (N, K); each factor on the rows that have it. Draws are stratified: every class, if the budget
            allows, and then in proportion.
        mode: "reference" takes the codes as they are; "robust" draws outliers in.
        bootstrap: 0 leaves the intervals out; otherwise they come from the spread over draws and over test rows.
        nulls: permutations of the rows for the scores of random codes, three at most; 0 leaves them out.
        seed: seed of the split, the draws and the permutations.
        train_rows: labels are drawn from the first rows and the rest is tested; None takes a random two thirds.
        budgets: numbers of labels, at least 2 each.
        weights: of factors, in the mean over them; see `weights.factor_weights`.

    Returns:
        One score per budget; its matrix holds the accuracy or R² of every draw and factor, (draws, K). A budget beyond
        the rows to draw from has a reason instead.

    Raises:
        ConfigError: a budget below 2.
    """
    check_mode(mode)
    problem = as_problem(codes, factors)
    if any(labels < 2 for labels in budgets):
        raise ConfigError(f"budgets: expected numbers of labels from 2 up, got {list(budgets)}.")
    wanted = factor_weights(problem.factors, weights)
    pool, test = train_test(len(problem.codes), train_rows, None, generator(seed, "budget", "split"))
    test = generator(seed, "budget", "test").permutation(test)[:MAX_TEST_ROWS]
    live = ~problem.take(pool).constant  # a probe reads means, also those that the encoder's noise drowns
    targets = [_Target.of(problem, k, pool, test) for k in range(len(problem.factors.factors))]
    used = [k for k, target in enumerate(targets) if target.usable]
    scores = {}
    for labels in budgets:
        settings = {
            "model": "logistic or ridge regression",
            "penalty": PENALTY,
            "labels": labels,
            "draws": DRAWS,
            "split": "random, two thirds" if train_rows is None else "first rows",
            "train_rows": len(pool),
            "test_rows": len(test),
            "nulls": min(nulls, MAX_NULLS),
            "seed": seed,
            "weights": wanted.tolist(),
        }
        stamp = make_stamp("budget", mode, problem, settings, libraries=("scikit-learn",))
        details: dict[str, Any] = {
            "dropped_codes": tuple(np.flatnonzero(~live).tolist()),
            "dropped_factors": tuple(name for k, name in enumerate(problem.factors.names) if k not in used),
        }
        name = f"labels.{labels}"
        reason = _reason(targets, used, live, labels, wanted)
        if reason is not None:
            scores[name] = Score(name, None, stamp, reason=reason, **details)
            continue
        chosen, share = [targets[k] for k in used], wanted[used] / wanted[used].sum()
        array = _standardised(problem.codes[:, live], pool, mode)
        read = [target.read(array, labels, seed) for target in chosen]
        values = np.stack([draws for draws, _ in read], axis=1)
        details["matrix"] = np.zeros((DRAWS, len(targets)))
        details["matrix"][:, used] = values
        value = float(values.mean(axis=0) @ share)
        if bootstrap:
            half = _half_width(chosen, read, share, array, labels, seed)
            details["interval"] = max(value - half, 0.0), min(value + half, 1.0)
        if nulls:
            random, found = generator(seed, "budget", "null"), []
            for _ in range(min(nulls, MAX_NULLS)):
                shuffled = random.permutation(array)
                found.append(share @ [target.read(shuffled, labels, seed)[0].mean() for target in chosen])
            details["null"], details["null_interval"] = null_range(np.array(found), 0, 1)
        scores[name] = Score(name, value, stamp, **details)
    return Scorecard(scores)


@dataclass(frozen=True)
class _Target:
    """What is read of one factor.

    Attributes:
        name: the factor's name.
        pool, test: rows of the problem that have the label, to draw from and to test on.
        numbers: what a regression predicts on all rows of the problem, (N, C); None for classes.
        classes: classes on all rows of the problem, int64 (N,); 0 where there is no label or no classes.
        has: which of the rows that test have the label, bool (n,).
    """

    name: str
    pool: Rows
    test: Rows
    numbers: Floats | None
    classes: Classes
    has: NDArray[np.bool_]

    @classmethod
    def of(cls, problem: Problem, column: int, pool: Rows, test: Rows) -> Self:
        """The target of one factor."""
        factor, values = problem.factors.factors[column], problem.factors.values[:, column]
        known = problem.factors.known[:, column]
        numbers = None if factor.is_discrete else measurements(factor, values)
        classes = np.unique(values, return_inverse=True)[1] if factor.is_discrete else np.zeros(len(values), np.int64)
        return cls(factor.name, pool[known[pool]], test[known[test]], numbers, classes, known[test])

    @property
    def usable(self) -> bool:
        """Whether there is something to learn, and something to test."""
        if len(self.test) < 2:
            return False
        if self.numbers is None:
            return len(np.unique(self.classes[self.pool])) > 1
        return all(len(np.unique(self.numbers[rows], axis=0)) > 1 for rows in (self.pool, self.test))

    def draw(self, labels: int, random: np.random.Generator) -> Rows:
        """Rows that get a label: one of every class, the frequent ones first, then in proportion.

        Smaller budgets draw a part of what larger ones do.
        """
        order = random.permutation(len(self.pool))
        _, index, counts = np.unique(self.classes[self.pool][order], return_inverse=True, return_counts=True)
        grouped = np.argsort(index, kind="stable")
        place = np.empty(len(order))
        place[grouped] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
        turn = (place + random.random(len(counts))[index]) / counts[index]
        return self.pool[order[np.lexsort((turn, place > 0))[:labels]]]

    def read(self, codes: Floats, labels: int, seed: int) -> tuple[Floats, Floats]:
        """Accuracy or R² of every draw, (draws,), and the influence of all rows that test on each, (draws, n)."""
        values, influence = np.zeros(DRAWS), np.zeros((DRAWS, len(self.has)))
        for draw in range(DRAWS):
            rows = self.draw(labels, generator(seed, "budget", self.name, draw))
            values[draw], moved = self.outcome(codes, rows)
            influence[draw, self.has] = moved * len(self.has) / len(self.test)
        return values, influence

    def outcome(self, codes: Floats, rows: Rows) -> tuple[float, Floats]:
        """Accuracy or R², at least 0, of a probe that learnt from some rows, and the influence of those that test."""
        asked = codes[self.test]
        if self.numbers is None:
            labels = self.classes[rows]
            if len(np.unique(labels)) < 2:
                return accuracy(self.classes[self.test] == labels[0])
            model = fit_logistic(codes[rows], labels, int(self.classes.max()) + 1)
            return accuracy(model(asked).argmax(axis=1) == self.classes[self.test])
        truth = self.numbers[self.test]
        error = ((fit_ridge(codes[rows], self.numbers[rows])(asked) - truth) ** 2).sum(axis=1)
        value, influence = explained(error, ((truth - truth.mean(axis=0)) ** 2).sum(axis=1))
        return (value, influence) if value > 0 else (0.0, np.zeros(len(truth)))


def _standardised(codes: NDArray[Any], pool: Rows, mode: Mode) -> Floats:
    """Codes in units of their spread among the rows to draw from; without outliers in robust mode."""
    array = codes.astype(np.float64)
    if mode == "robust":
        array = without_outliers(array, pool)
    return np.asarray((array - array[pool].mean(axis=0)) / array[pool].std(axis=0))


def _half_width(
    targets: Sequence[_Target],
    read: Sequence[tuple[Floats, Floats]],
    share: Floats,
    codes: Floats,
    labels: int,
    seed: int,
) -> float:
    """Half of the interval: labels might have been drawn from other rows, and other rows might have tested.

    Draws without replacement from M rows vary by (1 - n/M) of what draws from all rows in the world would, and have n/M
    of that in common. Where that leaves next to nothing, nine tenths of the rows are drawn instead to see it.
    """
    drawn, tested = 0.0, np.zeros(read[0][1].shape[1])
    for target, weight, (values, influence) in zip(targets, share, read, strict=True):
        fewer = min(labels, MOST * len(target.pool) // 10)
        seen = (values, influence) if fewer == labels else target.read(codes, fewer, seed)
        part = fewer / len(target.pool)
        drawn += weight**2 * taught_variance(*seen) * (1 / DRAWS + part / (1 - part))
        tested += weight * influence.mean(axis=0)
    degrees = (DRAWS - 1) * len(targets)
    return float(np.sqrt(student_t(degrees) ** 2 * drawn + 1.96**2 * tested.var() / len(tested)))


def _reason(
    targets: Sequence[_Target], used: list[int], live: NDArray[np.bool_], labels: int, weights: Floats
) -> str | None:
    """Why a budget has no score, or None."""
    if not live.any():
        return "no code varies."
    if not used or weights[used].sum() == 0:
        return "no factor can be read: each is constant, has no labels, has too few rows, or has weight 0."
    scarce = min((targets[k] for k in used), key=lambda target: len(target.pool))
    if len(scarce.pool) < labels:
        return f"there are {len(scarce.pool)} rows with a label of factor {scarce.name!r} to draw {labels} from."
    return None
