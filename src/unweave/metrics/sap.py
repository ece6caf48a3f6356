"""SAP: separated attribute predictability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unweave.core import Score, Scorecard, Stamp
from unweave.core.seeds import generator
from unweave.metrics.binning import classes
from unweave.metrics.correlations import residuals
from unweave.metrics.influence import Cells, Floats, accuracy, balanced_accuracy, explained, sample_rows
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, Problem, as_problem, check_mode
from unweave.metrics.margins import COST, fit_margins
from unweave.metrics.neighbours import FEWEST, PARTS, average, vote
from unweave.metrics.resampling import interval, null_range
from unweave.metrics.splitting import Rows, train_test
from unweave.metrics.stamps import make_stamp, no_classes
from unweave.metrics.targets import measurements, raw_numbers
from unweave.metrics.weights import Weights, factor_weights

NAMES = ("sap", "sap.continuous")
"""The scores, in the order in which they are given."""

SMALLEST = 1e-12
"""A code of at most this variance is correlated with nothing in the published definition."""

MAX_ROWS = 30_000
"""Rows that are learnt from and tested on at most in robust mode, unless asked otherwise."""

TAIL = 0.01
"""Tail of the intervals' quantiles. Models stay as they are while rows are resampled, which leaves their part out: over
four simulated cases of 1,000 rows intervals cover 86 to 95 % with 0.025."""


def sap(
    codes: CodesLike,
    factors: FactorsLike,
    *,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = 20,
    seed: int = 0,
    train_rows: int | None = None,
    max_rows: int | None = None,
    weights: Weights = "equal",
) -> Scorecard:
    """How much better the best single code predicts a factor than the second best: mean gap over factors.

    Kumar et al. (2018, arXiv:1711.00848, section 3). In [0, 1]; random codes give about 0. As in MIG, a factor that
    lives in two codes gives about 0, however well it is captured.

    * `sap`: the codes classify. In reference mode the cells are test accuracies of linear support vector machines,
      which can only tell the ends of an ordered code apart: perfect codes of a factor with 8 values score 0.2, and
      units matter. In robust mode each value is predicted by the rows around it in the order of the code; a cell is
      the test accuracy, all classes equally frequent, from chance (0) to perfect (1), or the test R² of a continuous or
      circular factor. Perfect codes score 1; any increasing transformation of a code changes nothing.
    * `sap.continuous`: the cells are squared correlations, on the rows that are learnt from. In robust mode the
      extreme hundredth at each end of a code is pulled in; classes are correlated by their means (eta², adjusted for
      their number), so that names need no order, and a circular factor by its sine and cosine together.

    Args:
        codes: codes (N, D).
        factors: labels (N, K).
        mode: "reference" is the definition of disentanglement_lib; "robust" also leaves out constant factors and dead
            codes.
        bootstrap: samples for the intervals; 0 leaves them out. Models stay as they are.
        nulls: permutations of the rows for the scores of random codes; 0 leaves them out.
        seed: seed of the split, the samples and the permutations.
        train_rows: the first rows are learnt from and the rest tested on; None takes a random two thirds.
        max_rows: with more rows than this, a random part of them; None takes 30,000 in robust mode and all in reference
            mode.
        weights: of factors, in the mean over them; see `weights.factor_weights`.

    Returns:
        Two scores; their matrix holds the cells (D, K), 0 where something was left out.
    """
    check_mode(mode)
    problem = as_problem(codes, factors)
    wanted = factor_weights(problem.factors, weights)
    most = MAX_ROWS if max_rows is None and mode == "robust" else max_rows
    split = train_test(len(problem.codes), train_rows, most, generator(seed, "sap", "split"))
    settings = {
        "split": "random, two thirds" if train_rows is None else "first rows",
        "train_rows": len(split[0]),
        "test_rows": len(split[1]),
        "bootstrap": bootstrap,
        "nulls": nulls,
        "seed": seed,
        "weights": wanted.tolist(),
    }
    scores = {}
    for name in NAMES:
        stamp = make_stamp("sap", mode, problem, settings | _model(name, mode))
        table = _Table.of(name, problem, split, mode, wanted)
        scores[name] = table.score(stamp, bootstrap, nulls, seed)
    return Scorecard(scores)


def _model(name: str, mode: Mode) -> dict[str, Any]:
    """What fills the cells, for the stamp."""
    if name == "sap.continuous":
        return {"cells": "squared correlation" + (", winsorised, adjusted" if mode == "robust" else "")}
    if mode == "reference":
        return {"cells": "accuracy", "model": "linear support vector machine", "cost": COST}
    return {"cells": "accuracy above chance, or R2", "model": "neighbours", "fewest": FEWEST, "parts": PARTS}


@dataclass(frozen=True)
class _Table:
    """One of the scores, before rows are resampled or permuted.

    Attributes:
        name: which.
        problem, split, mode: what is scored.
        weights: of the factors, (K,).
        live: codes that take part.
        used: factors that take part.
    """

    name: str
    problem: Problem
    split: tuple[Rows, Rows]
    mode: Mode
    weights: Floats
    live: NDArray[np.int64]
    used: NDArray[np.int64]

    @classmethod
    def of(cls, name: str, problem: Problem, split: tuple[Rows, Rows], mode: Mode, weights: Floats) -> Self:
        """The table of a score; dead codes and factors that cannot be predicted are left out."""
        whole = cls(name, problem, split, mode, weights, np.arange(0), np.arange(0))
        live = np.flatnonzero(~problem.take(split[0]).dead) if mode == "robust" else np.arange(problem.codes.shape[1])
        used = [k for k in range(len(problem.factors.factors)) if whole.usable(k)]
        return cls(name, problem, split, mode, weights, live, np.array(used, dtype=np.int64))

    def score(self, stamp: Stamp, bootstrap: int, nulls: int, seed: int) -> Score:
        """The score with its interval and its null."""
        names = self.problem.factors.names
        details: dict[str, Any] = {
            "dropped_codes": tuple(d for d in range(self.problem.codes.shape[1]) if d not in self.live),
            "dropped_factors": tuple(name for k, name in enumerate(names) if k not in self.used),
        }
        reason = self.reason
        if reason is not None:
            return Score(self.name, None, stamp, reason=reason, **details)
        cells = self.cells(self.problem, generator(seed, self.name, "sample") if bootstrap else None)
        details["matrix"] = np.zeros((self.problem.codes.shape[1], len(names)))
        shown = cells.values if self.mode == "reference" else np.clip(cells.values, 0, 1)
        details["matrix"][np.ix_(self.live, self.used)] = shown
        value = float(self.gap(cells.values))
        if bootstrap:
            draws = self.gap(cells.bootstrap(bootstrap, generator(seed, self.name, "bootstrap")))
            details["interval"] = interval(value, draws, 0, 1, tail=TAIL)
        if nulls:
            random = generator(seed, self.name, "null")
            found = [self.gap(self.cells(self.shuffled(random), None).values) for _ in range(nulls)]
            details["null"], details["null_interval"] = null_range(np.array(found), 0, 1)
        return Score(self.name, value, stamp, **details)

    @property
    def reason(self) -> str | None:
        """Why there is no score, or None."""
        left_out = [name for k, name in enumerate(self.problem.factors.names) if k not in self.used]
        if self.problem.codes.shape[1] < 2:
            return "SAP compares two codes, and there is only one."
        if self.mode == "reference" and left_out:
            return no_classes(left_out[0])
        if len(self.used) == 0 or self.weights[self.used].sum() == 0:
            return "no factor can be predicted: each is constant, has no labels, has too few rows, or has weight 0."
        return None

    def gap(self, cells: Floats) -> Floats:
        """The score (...) of cells (..., d, k). A code that was left out stays a rival, and predicts nothing."""
        dead = np.zeros((*cells.shape[:-2], self.problem.codes.shape[1] - len(self.live), cells.shape[-1]))
        cells = cells if self.mode == "reference" else np.clip(cells, 0, 1)
        return gap(np.concatenate([cells, dead], axis=-2), self.weights[self.used])

    def shuffled(self, random: np.random.Generator) -> Problem:
        """The problem with random codes: the same codes, given to other rows."""
        return Problem(random.permutation(self.problem.codes), self.problem.factors)

    def usable(self, factor: int) -> bool:
        """Whether a factor varies where it is learnt and, if it is tested, in the rows that test."""
        known = [rows[self.problem.factors.known[rows, factor]] for rows in self.split]
        values = [self.problem.factors.values[rows, factor] for rows in known]
        if len(np.unique(values[0])) < 2:
            return False
        if self.name == "sap.continuous":
            return True
        labels = self.labels(factor)
        if labels is None:
            return len(np.unique(values[1])) > 1
        return len(np.unique(labels[known[0]])) > 1 and len(values[1]) > 0

    def labels(self, factor: int) -> NDArray[np.int64] | None:
        """Classes of a factor on all rows, -1 where there is no label; None where it is predicted by regression."""
        table = self.problem.factors
        if self.mode == "robust" and not table.factors[factor].is_discrete:
            return None
        known, labels = table.known[:, factor], np.full(len(table), -1)
        found = classes(table.factors[factor], table.values[known, factor], self.mode)
        labels[known] = -1 if found is None else found
        return labels

    def cells(self, problem: Problem, random: np.random.Generator | None) -> Cells:
        """All cells, of the rows that this score is measured on; their influence is only known with `random`."""
        rows = self.split[0] if self.name == "sap.continuous" else self.split[1]
        kept = sample_rows(len(rows), random) if random is not None else np.arange(0)
        values = np.zeros((len(self.live), len(self.used)))
        influence = np.zeros((len(kept), *values.shape))
        fill = self.correlated if self.name == "sap.continuous" else self.predicted
        for column, factor in enumerate(self.used):
            known = problem.factors.known[rows, factor]
            moved = np.zeros(len(rows))
            for row, (value, change) in enumerate(fill(problem, int(factor))):
                moved[known] = change * (len(rows) / len(change))
                values[row, column], influence[:, row, column] = value, moved[kept]
        return Cells(values, influence, len(rows))

    def predicted(self, problem: Problem, factor: int) -> list[tuple[float, Floats]]:
        """How well each code predicts a factor on the test rows that have it, and the influence of these rows."""
        train, test = (rows[problem.factors.known[rows, factor]] for rows in self.split)
        codes, labels = problem.codes[:, self.live], self.labels(factor)
        if labels is None:
            target = measurements(problem.factors.factors[factor], problem.factors.values[:, factor])
            deviation = ((target[test] - target[test].mean(axis=0)) ** 2).sum(axis=1)
            told = [average(code[train], target[train], code[test]) for code in codes.T]
            return [explained(((t - target[test]) ** 2).sum(axis=1), deviation) for t in told]
        present, learnt = np.unique(labels[train], return_inverse=True)
        if self.mode == "reference":
            machines = [fit_margins(code[train], learnt, len(present)) for code in codes.T]
            answers = [present[m.predict(code[test])] for m, code in zip(machines, codes.T, strict=True)]
            return [accuracy(answer == labels[test]) for answer in answers]
        room = 1 - 1 / len(present)
        answers = [present[vote(code[train], learnt, len(present), code[test])] for code in codes.T]
        found = [balanced_accuracy(answer == labels[test], labels[test]) for answer in answers]
        return [((value - 1 + room) / room, change / room) for value, change in found]

    def correlated(self, problem: Problem, factor: int) -> list[tuple[float, Floats]]:
        """How well each code correlates with a factor on the train rows that have it, and the influence of these."""
        train = self.split[0][problem.factors.known[self.split[0], factor]]
        labels = problem.factors.take(train).select([problem.factors.names[factor]])
        found = []
        for code in self.live:  # One at a time, which is what keeps the memory small.
            part = Problem(problem.codes[train, code, None], labels)
            if self.mode == "reference":
                found.append(_squared_correlation(part))
                continue
            inside, left, used = residuals(part)
            grown = (len(train) - 1) / max(len(train) - used, 1)
            value, change = explained(left[:, 0] ** 2, inside[:, 0] ** 2)
            found.append((1 - grown * (1 - value), grown * change))
        return found


def gap(cells: Floats, weights: Floats) -> Floats:
    """Weighted mean over factors of the gap between the two best codes: (...) of (..., D, K) and (K,)."""
    top = np.sort(cells, axis=-2)
    return np.asarray((top[..., -1, :] - top[..., -2, :]) @ weights / weights.sum())


def _squared_correlation(part: Problem) -> tuple[float, Floats]:
    """Squared correlation of the one code with the one factor, and the influence of each row."""
    numbers, code = raw_numbers(part.factors.factors[0], part.factors.values[:, 0]), part.codes[:, 0]
    covariance = np.cov(code, numbers, ddof=1)
    if covariance[0, 0] <= SMALLEST:
        return 0.0, np.zeros(len(code))
    x, y = code - code.mean(), numbers - numbers.mean()
    left = x - y * (x @ y) / (y @ y)
    return float(covariance[0, 1] ** 2 / (covariance[0, 0] * covariance[1, 1])), explained(left**2, x**2)[1]
