"""Linear probes that read all factors from codes at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unweave.core import Factor
from unweave.metrics.inputs import Problem
from unweave.metrics.linear import fit_logistic, fit_ridge

Floats = NDArray[np.float64]
Read = Callable[[Floats], Floats]


def fit_reader(problem: Problem) -> Callable[[ArrayLike], Floats]:
    """A function from codes (n, D) to factors (n, K), as in the table: class codes, measurements, angles.

    Logistic regression for classes, ridge regression for a continuous factor and for sine and cosine of a circular one,
    each fitted on the rows that have the label. A factor without two different labels is read as 0.
    """
    codes = problem.codes.astype(np.float64)
    mean, spread = codes.mean(axis=0), np.where(problem.dead, 1, codes.std(axis=0))
    table, known = problem.factors, problem.factors.known
    reads = [
        _fit((codes[known[:, k]] - mean) / spread, table.values[known[:, k], k], factor)
        for k, factor in enumerate(table.factors)
    ]

    def read(new: ArrayLike) -> Floats:
        standard = (np.asarray(new, dtype=np.float64) - mean) / spread
        return np.stack([one(standard) for one in reads], axis=1)

    return read


def _fit(codes: Floats, labels: Floats, factor: Factor) -> Read:
    """A function from standardised codes (n, D) to values (n,) of one factor."""
    if len(np.unique(labels)) < 2:
        return lambda new: np.zeros(len(new))
    if factor.is_discrete:
        values, index = np.unique(labels, return_inverse=True)
        classes = fit_logistic(codes, index, len(values))
        return lambda new: np.asarray(values[classes(new).argmax(axis=1)])
    if factor.kind == "continuous":
        number = fit_ridge(codes, labels[:, None])
        return lambda new: number(new)[:, 0]
    angle = 2 * np.pi * labels / factor.period
    around = fit_ridge(codes, np.stack([np.sin(angle), np.cos(angle)], axis=1))

    def turn(new: Floats) -> Floats:
        sine, cosine = around(new).T
        return np.asarray(np.arctan2(sine, cosine) % (2 * np.pi) / (2 * np.pi) * factor.period)

    return turn
