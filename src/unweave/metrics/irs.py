"""IRS: interventional robustness score."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core import ConfigError, FactorTable, Score, Stamp
from unweave.core.seeds import generator
from unweave.metrics.binning import FACTOR_BINS, REFERENCE_BINS, classes, equal_width_bins
from unweave.metrics.correlations import pulled_in, residuals_by_class
from unweave.metrics.influence import Cells, Classes, Floats, explained, sample_rows
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, Problem, as_problem, check_mode
from unweave.metrics.resampling import interval, jackknife_interval, null_range
from unweave.metrics.stamps import make_stamp
from unweave.metrics.targets import raw_numbers

QUANTILE = 0.99
"""The deviation that the published definition takes for the largest one."""

GROUPS = 10
"""Groups of rows that the jackknife of reference mode leaves out in turn."""


def irs(
    codes: CodesLike,
    factors: FactorsLike,
    *,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = 20,
    seed: int = 0,
    quantile: float = QUANTILE,
) -> Score:
    """How still a code stays, at its best factor, while that factor is fixed and all others vary: mean over codes.

    Suter et al. (2019, arXiv:1811.00007, section 4). A cell of the matrix is 1 - spread of the code within the values
    of a factor / spread overall. At most 1; says nothing about whether every factor has a code.

    In reference mode spreads are a quantile of the deviations within a value and the largest deviation overall, and
    codes count by the latter. So random normal codes score 0.28, one outlier raises the score, a code in larger units
    counts more, and factors of more than 20 values are merged into 20. In robust mode both spreads are root mean
    squares after the extreme hundredth at each end of a code is pulled in; the one within is adjusted for what a mean
    takes off by chance (random codes: about 0); values count by their rows, and codes equally.

    Args:
        codes: codes (N, D).
        factors: labels (N, K); each factor on the rows that have it.
        mode: "reference" is the definition of disentanglement_lib; "robust" also cuts continuous and circular factors
            into 20 classes, and leaves out dead codes and constant factors.
        bootstrap: samples for the interval; 0 leaves it out.
        nulls: permutations of the rows for the score of random codes; 0 leaves it out.
        seed: seed of both.
        quantile: the quantile of reference mode, in [0, 1]; 1 in the paper.

    Returns:
        The score; its matrix holds the cells (D, K), 0 where something was left out.
    """
    check_mode(mode)
    problem = as_problem(codes, factors)
    if not 0 <= quantile <= 1:
        raise ConfigError(f"quantile: expected a number from 0 to 1, got {quantile}.")
    published = {"quantile": quantile, "factor_bins": REFERENCE_BINS, "interval": f"jackknife over {GROUPS} groups"}
    rule = published if mode == "reference" else {"spread": "root mean square, winsorised", "factor_bins": FACTOR_BINS}
    stamp = make_stamp("irs", mode, problem, rule | {"bootstrap": bootstrap, "nulls": nulls, "seed": seed})
    if mode == "reference":
        return _published(problem, stamp, quantile, bootstrap, nulls, seed)
    return _robust(problem, stamp, bootstrap, nulls, seed)


def _published(problem: Problem, stamp: Stamp, quantile: float, bootstrap: int, nulls: int, seed: int) -> Score:
    """The score of disentanglement_lib."""
    labels = [_bins(problem.factors, k) for k in range(len(problem.factors.factors))]
    active = np.flatnonzero(problem.codes.T.var(axis=1) > 0)
    details: dict[str, Any] = {"dropped_codes": tuple(c for c in range(problem.codes.shape[1]) if c not in active)}
    missing = [name for name, column in zip(problem.factors.names, labels, strict=True) if (column < 0).all()]
    if not labels or missing:
        reason = f"factor {missing[0]!r} has no labels." if missing else "there is no factor."
        return Score("irs", None, stamp, reason=reason, **details)
    if len(active) == 0:  # As published.
        matrix = np.zeros((problem.codes.shape[1], len(labels)))
        return Score(
            "irs", 0.0, stamp, matrix=matrix, interval=(0.0, 0.0), null=0.0, null_interval=(0.0, 0.0), **details
        )
    codes = problem.codes[:, active]
    cells, largest = _deviations(codes, labels, quantile)
    if (largest == 0).any():
        constant = active[np.flatnonzero(largest == 0)[0]]
        reason = f"the published definition divides 0 by 0 for code {constant}, which is constant up to rounding."
        return Score("irs", None, stamp, reason=f'{reason} Use mode="robust".', **details)
    value = _weighted(cells, largest)
    details["matrix"] = np.zeros((problem.codes.shape[1], len(labels)))
    details["matrix"][active] = cells
    if bootstrap and len(codes) >= 2 * GROUPS:
        groups = generator(seed, "irs", "groups").permutation(len(codes)) % GROUPS
        parts = [(codes[groups != g], [column[groups != g] for column in labels]) for g in range(GROUPS)]
        without = [_weighted(*_deviations(*part, quantile)) for part in parts]
        details["interval"] = jackknife_interval(value, np.array(without), -np.inf, 1)
    if nulls:
        random = generator(seed, "irs", "null")
        shuffled = [_weighted(*_deviations(random.permutation(codes), labels, quantile)) for _ in range(nulls)]
        details["null"], details["null_interval"] = null_range(np.array(shuffled), -np.inf, 1)
    return Score("irs", value, stamp, **details)


def _bins(table: FactorTable, factor: int) -> Classes:
    """The 20 bins of equal width of a factor, -1 where there is no label."""
    known, bins = table.known[:, factor], np.full(len(table), -1)
    if known.any():
        bins[known] = equal_width_bins(raw_numbers(table.factors[factor], table.values[known, factor]))
    return bins


def _deviations(codes: NDArray[Any], labels: list[Classes], quantile: float) -> tuple[Floats, Floats]:
    """Cells (d, K) and the largest deviation of each code from its mean (d,), in the codes' own precision."""
    largest = np.abs(codes - codes.mean(axis=0)).max(axis=0)
    within = np.zeros((codes.shape[1], len(labels)))
    for k, column in enumerate(labels):
        present = np.unique(column[column >= 0])
        for label in present:
            part = codes[column == label]
            within[:, k] += np.percentile(np.abs(part - part.mean(axis=0)), 100 * quantile, axis=0)
        within[:, k] /= max(len(present), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1 - within / largest[:, None], largest.astype(np.float64)


def _weighted(cells: Floats, largest: Floats) -> float:
    """Mean over codes of their best cell, weighted by their largest deviation."""
    return float(np.average(cells.max(axis=1), weights=largest))


def _robust(problem: Problem, stamp: Stamp, bootstrap: int, nulls: int, seed: int) -> Score:
    """The score by root mean squares."""
    table, live = problem.factors, np.flatnonzero(~problem.dead)
    columns = [_classes(table, k) for k in range(len(table.factors))]
    used = [k for k, column in enumerate(columns) if 1 < len(np.unique(column[column >= 0])) < (column >= 0).sum()]
    details: dict[str, Any] = {
        "dropped_codes": tuple(c for c in range(problem.codes.shape[1]) if c not in live),
        "dropped_factors": tuple(name for k, name in enumerate(table.names) if k not in used),
    }
    if len(live) == 0 or not used:
        reason = (
            "no code varies." if len(live) == 0 else "no factor can be fixed: each is constant or has too few rows."
        )
        return Score("irs", None, stamp, reason=reason, **details)
    codes, labels = problem.codes[:, live], [columns[k] for k in used]
    kept = sample_rows(len(codes), generator(seed, "irs", "sample")) if bootstrap else np.arange(0)
    cells = _cells(codes, labels, kept)
    value = float(_best(cells.values))
    details["matrix"] = np.zeros((problem.codes.shape[1], len(columns)))
    details["matrix"][np.ix_(live, np.array(used))] = np.clip(cells.values, 0, 1)
    if bootstrap:
        draws = _best(cells.bootstrap(bootstrap, generator(seed, "irs", "bootstrap")))
        details["interval"] = interval(value, draws, 0, 1)
    if nulls:
        random = generator(seed, "irs", "null")
        shuffled = [_best(_cells(random.permutation(codes), labels, kept[:0]).values) for _ in range(nulls)]
        details["null"], details["null_interval"] = null_range(np.array(shuffled), 0, 1)
    return Score("irs", value, stamp, **details)


def _classes(table: FactorTable, factor: int) -> Classes:
    """Classes of a factor, -1 where there is no label."""
    known, labels = table.known[:, factor], np.full(len(table), -1)
    found = classes(table.factors[factor], table.values[known, factor], "robust")
    labels[known] = -1 if found is None else found
    return labels


def _cells(codes: NDArray[Any], labels: list[Classes], kept: Classes) -> Cells:
    """Cells (d, k), each on the rows that have its factor, and the influence of the rows `kept`."""
    values = np.zeros((codes.shape[1], len(labels)))
    influence = np.zeros((len(kept), *values.shape))
    for k, column in enumerate(labels):
        known = np.flatnonzero(column >= 0)
        moved = np.zeros(len(codes))
        for d in range(codes.shape[1]):  # One at a time, which is what keeps the memory small.
            inside = pulled_in(codes[known, d, None])
            left, means = residuals_by_class(inside, column[known])
            grown = (len(known) - 1) / (len(known) - means)
            share, change = explained(left[:, 0] ** 2, inside[:, 0] ** 2)
            spread = np.sqrt(max(grown * (1 - share), 0))
            values[d, k] = 1 - spread
            moved[known] = change * (0.5 * grown / spread if spread > 0 else 0) * (len(codes) / len(known))
            influence[:, d, k] = moved[kept]
    return Cells(values, influence, len(codes))


def _best(cells: Floats) -> Floats:
    """Mean over codes of their best cell: (...) of (..., d, k)."""
    return np.asarray(np.clip(cells, 0, 1).max(axis=-1).mean(axis=-1))
