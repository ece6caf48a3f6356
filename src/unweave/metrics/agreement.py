"""How the codes of two models relate to one another, and how far that is one to one."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PENALTY = 0.1
"""Penalty of the lasso on absolute weights, for codes of variance 1."""


def standardised(codes: Floats) -> Floats:
    """Codes (M, N, D) with mean 0 and variance 1 per model and dimension; what does not vary is 0."""
    centred, spread = codes - codes.mean(axis=1, keepdims=True), codes.std(axis=1, keepdims=True)
    return np.asarray(centred / np.where(spread > 0, spread, 1))


def relative_strength(relation: Floats) -> float:
    """How far a relation (R, C) without sign is one to one: mean of max² / sum over columns, and over rows, halved.

    Duan et al. (2020), eq. 4. In [0, 1] for relations up to 1. A row or column of zeros, or with NaN, counts as 0.
    """
    sides = []
    for axis in (0, 1):
        total = relation.sum(axis=axis)
        strength = np.divide(relation.max(axis=axis) ** 2, total, out=np.zeros_like(total), where=total > 0)
        sides.append(np.nan_to_num(strength).mean())
    return float(np.mean(sides))


def lasso_weights(codes: Floats) -> Floats:
    """Absolute weights (M, M, D, D): [i, j, a, b] is that of code a of model i in a lasso for code b of model j.

    Codes (M, N, D), standardised; 0 where i = j. One fit per model has the codes of all others as targets, which gives
    the same weights as a fit per pair.
    """
    from sklearn.exceptions import ConvergenceWarning  # scikit-learn takes a second to import
    from sklearn.linear_model import Lasso

    models, rows, size = codes.shape
    found = np.zeros((models, models, size, size))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for i in range(models):
            others = np.array([j for j in range(models) if j != i])
            targets = np.moveaxis(codes[others], 1, 0).reshape(rows, -1)
            weights = np.abs(Lasso(alpha=PENALTY).fit(codes[i], targets).coef_).reshape(len(others), size, size)
            found[i, others] = np.swapaxes(weights, 1, 2)
    return found


def rank_correlations(codes: Floats) -> Floats:
    """Absolute rank correlations (M, M, D, D) of codes (M, N, D), NaN for what does not vary; 0 where i = j."""
    from scipy.stats import rankdata  # SciPy takes a while to import

    models, rows, size = codes.shape
    ranks = rankdata(codes, axis=1)
    centred = np.moveaxis(ranks - ranks.mean(axis=1, keepdims=True), 1, 0).reshape(rows, -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = centred / np.sqrt((centred**2).sum(axis=0))
        found = np.abs(unit.T @ unit).reshape(models, size, models, size).transpose(0, 2, 1, 3)
    found[np.arange(models), np.arange(models)] = 0
    return np.asarray(found)


def rotated(codes: Floats, some: NDArray[np.bool_], random: np.random.Generator) -> Floats:
    """Codes (N, D) with some of the dimensions rotated at random (uniform over rotations and reflections)."""
    basis, triangle = np.linalg.qr(random.standard_normal((int(some.sum()), int(some.sum()))))
    turned = codes.copy()
    turned[:, some] = codes[:, some] @ (basis * np.sign(np.diag(triangle)))
    return turned
