"""Explicitness: how well a linear model ranks the rows of each class first."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unweave.core import Score
from unweave.core.seeds import generator
from unweave.metrics.binning import FACTOR_BINS, classes
from unweave.metrics.influence import Cells, Floats, area_under_curve, sample_rows
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, Problem, as_problem, check_mode
from unweave.metrics.resampling import interval, null_range
from unweave.metrics.robust_codes import without_outliers
from unweave.metrics.splitting import Rows, train_test
from unweave.metrics.stamps import make_stamp, no_classes
from unweave.metrics.weights import Weights, factor_weights

MAX_NULLS = 3
"""Permutations at most: each one fits a model per factor again."""

MAX_ROWS = 6000
"""Rows that are learnt from and tested on at most in robust mode, unless asked otherwise."""

TAIL = 0.01
"""Tail of the interval's quantiles: the model stays as it is while rows are resampled, which leaves its part out."""


def explicitness(
    codes: CodesLike,
    factors: FactorsLike,
    *,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = MAX_NULLS,
    seed: int = 0,
    train_rows: int | None = None,
    max_rows: int | None = None,
    weights: Weights = "equal",
) -> Score:
    """How well logistic regression on all codes ranks the rows of each class: mean area under the ROC curve.

    Ridgeway and Mozer (2018, arXiv:1802.05312, section 3). In [0, 1]; random codes give about 0.5, so read it beside
    its null. It says nothing about disentanglement (any rotation of the codes scores the same), and what is there but
    not linear is not seen.

    Args:
        codes: codes (N, D), standardised by the rows that are learnt from.
        factors: labels (N, K); each factor on the rows that have it.
        mode: "reference" is the definition of disentanglement_lib, its test score: every class must occur among the
            rows that are learnt from and those that are tested. "robust" averages over the classes that are tested,
            draws outliers in, cuts continuous and circular factors into classes, and leaves out constant factors and
            dead codes.
        bootstrap: samples of the test rows for the interval; 0 leaves it out. Models stay as they are.
        nulls: permutations of the rows for the score of random codes, three at most; 0 leaves them out.
        seed: seed of the split, the samples and the permutations.
        train_rows: the first rows are learnt from and the rest tested on; None takes a random two thirds.
        max_rows: with more rows than this, a random part of them; None takes 6,000 in robust mode and all in reference
            mode.
        weights: of factors, in the mean over them; see `weights.factor_weights`.

    Returns:
        The score; its matrix holds the area of each factor, (1, K), 0 for what was left out.
    """
    check_mode(mode)
    problem = as_problem(codes, factors)
    wanted = factor_weights(problem.factors, weights)
    most = MAX_ROWS if max_rows is None and mode == "robust" else max_rows
    train, test = train_test(len(problem.codes), train_rows, most, generator(seed, "explicitness", "split"))
    nulls = min(nulls, MAX_NULLS)
    settings = {
        "model": "logistic regression, penalty 1",
        "split": "random, two thirds" if train_rows is None else "first rows",
        "train_rows": len(train),
        "test_rows": len(test),
        "factor_bins": FACTOR_BINS,
        "bootstrap": bootstrap,
        "nulls": nulls,
        "seed": seed,
        "weights": wanted.tolist(),
    }
    stamp = make_stamp("explicitness", mode, problem, settings, libraries=("scikit-learn",))
    live = np.flatnonzero(~problem.take(train).constant)  # a model reads means, also those that noise drowns
    live = live if mode == "robust" else np.arange(problem.codes.shape[1])
    readings = [_Reading.of(problem, k, train, test, mode) for k in range(len(problem.factors.factors))]
    used = [k for k, reading in enumerate(readings) if reading.usable]
    details: dict[str, Any] = {
        "dropped_codes": tuple(c for c in range(problem.codes.shape[1]) if c not in live),
        "dropped_factors": tuple(name for k, name in enumerate(problem.factors.names) if k not in used),
    }
    array = _standardised(problem.codes[:, live], train, mode)
    reason = _reason(problem, readings, used, mode, array, wanted)
    if reason is not None:
        return Score("explicitness", None, stamp, reason=reason, **details)
    share = wanted[used] / wanted[used].sum()
    chosen = [readings[k] for k in used]
    cells = _areas(chosen, array, test, generator(seed, "explicitness", "sample"), bootstrap > 0)
    value = float(cells.values @ share)
    details["matrix"] = np.zeros((1, len(readings)))
    details["matrix"][0, used] = cells.values
    if bootstrap:
        draws = cells.bootstrap(bootstrap, generator(seed, "explicitness", "bootstrap"))
        details["interval"] = interval(value, np.clip(draws, 0, 1) @ share, 0, 1, tail=TAIL)
    if nulls:
        random = generator(seed, "explicitness", "null")
        shuffled = [_areas(chosen, random.permutation(array), test, random, False).values @ share for _ in range(nulls)]
        details["null"], details["null_interval"] = null_range(np.array(shuffled), 0, 1)
    return Score("explicitness", value, stamp, **details)


@dataclass(frozen=True)
class _Reading:
    """One factor: the rows that it is learnt from and tested on, and their classes.

    Attributes:
        train, test: rows of the problem that have the label.
        learnt, asked: their classes, integers from 0; a class that is not learnt cannot be ranked, so tested rows have
            a class that is.
        missing: whether a class is only learnt or only tested.
    """

    train: Rows
    test: Rows
    learnt: NDArray[np.int64]
    asked: NDArray[np.int64]
    missing: bool

    @classmethod
    def of(cls, problem: Problem, factor: int, train: Rows, test: Rows, mode: Mode) -> Self:
        table = problem.factors
        known, labels = table.known[:, factor], np.full(len(table), -1)
        found = classes(table.factors[factor], table.values[known, factor], mode)
        labels[known] = -1 if found is None else found
        train, test = (rows[labels[rows] >= 0] for rows in (train, test))
        present = np.unique(labels[train])
        missing = not np.array_equal(present, np.unique(labels[test]))
        test = test[np.isin(labels[test], present)]
        learnt, asked = np.searchsorted(present, labels[train]), np.searchsorted(present, labels[test])
        return cls(train, test, learnt, asked, missing)

    @property
    def usable(self) -> bool:
        """Whether there is something to tell apart, both in what is learnt from and in what is tested."""
        return len(np.unique(self.learnt)) > 1 and len(np.unique(self.asked)) > 1

    def area(self, codes: NDArray[Any]) -> tuple[float, Floats]:
        """Area under the curve of the test rows, and the influence of each."""
        from sklearn.linear_model import LogisticRegression  # scikit-learn takes a second to import

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="lbfgs failed to converge")  # 100 steps are the definition
            model = LogisticRegression().fit(codes[self.train], self.learnt)
        return area_under_curve(model.predict_proba(codes[self.test]), self.asked)


def _standardised(codes: NDArray[Any], train: Rows, mode: Mode) -> NDArray[Any]:
    """Codes in units of their spread among the rows that are learnt from; without outliers in robust mode."""
    if mode == "robust":
        codes = without_outliers(codes, train)
    part = codes[train]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((codes - part.mean(axis=0)) / part.std(axis=0))


def _areas(
    readings: Sequence[_Reading], codes: NDArray[Any], test: Rows, random: np.random.Generator, resampled: bool
) -> Cells:
    """Area of each factor, (k,), and the influence of the test rows if they are to be resampled."""
    kept = sample_rows(len(test), random) if resampled else np.arange(0)
    values, influence = np.zeros(len(readings)), np.zeros((len(kept), len(readings)))
    for k, reading in enumerate(readings):
        values[k], change = reading.area(codes)
        moved = np.zeros(len(test))
        moved[np.searchsorted(test, reading.test)] = change * len(test) / len(change)
        influence[:, k] = moved[kept]
    return Cells(values, influence, len(test))


def _reason(
    problem: Problem, readings: Sequence[_Reading], used: list[int], mode: Mode, codes: NDArray[Any], weights: Floats
) -> str | None:
    """Why there is no score, or None."""
    if codes.shape[1] == 0:
        return "no code varies."
    names = problem.factors.names
    left_out = [k for k in range(len(readings)) if k not in used]
    if mode == "reference":
        if left_out:
            return no_classes(names[left_out[0]])
        if not np.isfinite(codes).all():
            constant = int(np.flatnonzero(~np.isfinite(codes).all(axis=0))[0])
            return f'the published definition divides by the spread of code {constant}, which is 0. Use mode="robust".'
        torn = [name for name, reading in zip(names, readings, strict=True) if reading.missing]
        if torn:
            return (
                f"the published definition needs every class of factor {torn[0]!r} both among the rows that are learnt "
                'from and among those that are tested. Use mode="robust".'
            )
    if not used or weights[used].sum() == 0:
        return "no factor can be read: each is constant, has no labels, has too few rows, or has weight 0."
    return None
