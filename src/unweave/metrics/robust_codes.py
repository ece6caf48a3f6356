"""Codes without their defects: dead ones left out, units and outliers gone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.metrics.inputs import Problem

TAIL = 0.01
"""Rows at either end of a code that may be outliers."""


def standard_codes(problem: Problem) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Codes (N, d) that are not dead, with mean 0 and variance 1, and their columns.

    A value further from the central 98 % of its code than they are wide is moved to that distance: seven standard
    deviations of a normal distribution. One outlier of a thousand rows would otherwise decide the variance.
    """
    live = np.flatnonzero(~problem.dead)
    values = problem.codes[:, live].astype(np.float64)
    for code in values.T:  # one at a time and in place, since there may be millions of rows
        low, high = np.quantile(code, [TAIL, 1 - TAIL])
        if high > low:  # A code that is rarely anything but one value has no outliers.
            np.clip(code, 2 * low - high, 2 * high - low, out=code)
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
