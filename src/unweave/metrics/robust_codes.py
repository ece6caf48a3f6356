"""Codes without their defects: dead ones left out, units and outliers gone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.metrics.inputs import Problem

TAIL = 0.01
"""Rows at either end of a code that may be outliers."""

REACH = 0.25
"""How far beyond the central 98 % of its code a value may lie, in widths of these: 3.5 standard deviations of a normal
distribution. With twice as much, one row of 600 still bends a linear model's answers by 0.03."""


def without_outliers(codes: NDArray[Any], rows: NDArray[np.int64] | None = None) -> NDArray[Any]:
    """A copy of codes (N, D) with outliers drawn in; it keeps the dtype.

    A value further from the central 98 % of its code than a quarter of their width is moved to that distance. One
    outlier of a thousand rows would otherwise decide the variance, and with it what the penalty of a model weighs.
    The central 98 % are those of `rows`, of all rows where it is None.
    """
    values = np.array(codes)
    for code in values.T:  # one at a time and in place, since there may be millions of rows
        low, high = np.quantile(code if rows is None else code[rows], [TAIL, 1 - TAIL])
        if high > low:  # A code that is rarely anything but one value has no outliers.
            reach = REACH * (high - low)
            np.clip(code, low - reach, high + reach, out=code)
    return values


def standard_codes(problem: Problem) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Codes (N, d) that are not dead, without outliers, with mean 0 and variance 1, and their columns."""
    live = np.flatnonzero(~problem.dead)
    values = without_outliers(problem.codes[:, live].astype(np.float64))
    for code in values.T:
        code -= code.mean()
        code /= code.std()
    return values, live


def normal_scores(codes: NDArray[Any]) -> NDArray[np.float64]:
    """Codes (N, D) with every value replaced by the normal quantile of its rank; ties share their middle rank."""
    from scipy.special import ndtri  # SciPy takes a while to import

    scores = np.empty(codes.shape)
    for column, code in enumerate(codes.T):
        _, index, counts = np.unique(code, return_inverse=True, return_counts=True)
        scores[:, column] = ndtri((np.cumsum(counts) - counts / 2) / len(code))[index]
    return scores
