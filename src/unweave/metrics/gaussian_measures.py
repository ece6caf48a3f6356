"""Measures of how far normal variables depend on one another, as functions of their covariance."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A measure of dependence, and what its interval needs.

    Attributes:
        value: the measure of a covariance; NaN or infinite where there is none.
        curvature: weights w (D, D) such that the measure is sum over pairs w_ij r_ij² for small correlations r.
        slopes: change per relative change of the variance of each code, (D,).
        influence: change of the measure per row that is added, (N,), from centred rows (N, D).
    """

    value: float
    curvature: Floats
    slopes: Floats
    influence: Callable[[Floats], Floats]


def total_correlation(covariance: Floats) -> Estimate:
    """Total correlation of a covariance (D, D), in nats; not finite where it is singular."""
    variance, size = np.diag(covariance), len(covariance)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = 0.5 * (np.log(variance).sum() - np.linalg.slogdet(covariance)[1])

    def influence(rows: Floats) -> Floats:
        inverse = np.linalg.pinv(covariance, hermitian=True)
        return np.asarray(0.5 * ((rows**2 / variance).sum(axis=1) - ((rows @ inverse) * rows).sum(axis=1)))

    return Estimate(float(value), np.full((size, size), 0.5), np.zeros(size), influence)


def wasserstein(covariance: Floats) -> Estimate:
    """Squared Wasserstein distance (Olkin and Pukelsheim 1982) of a covariance (D, D) to its diagonal."""
    deviation = np.sqrt(np.diag(covariance))
    vectors, roots = _root(covariance, deviation)
    value = 2 * np.trace(covariance) - 2 * roots.sum()
    diagonal, live = vectors**2 @ roots, deviation > 0

    def influence(rows: Floats) -> Floats:
        # d tr (S C S)^½ = ½ tr (S C S)^-½ S dC S + ½ sum of T_ii dC_ii / C_ii, with T the root.
        kept = roots > 0
        along = (rows * deviation) @ vectors[:, kept]
        change = (
            0.5 * (along**2 / roots[kept]).sum(axis=1) + 0.5 * (rows[:, live] / deviation[live]) ** 2 @ diagonal[live]
        )
        return np.asarray(2 * (rows**2).sum(axis=1) - 2 * change)

    variance = np.diag(covariance)
    total = variance[:, None] + variance
    curvature = np.divide(np.outer(variance, variance), total, out=np.zeros_like(total), where=total > 0)
    return Estimate(float(value), curvature, 2 * np.diag(covariance) - 2 * diagonal, influence)


def _root(covariance: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """Eigenvectors and eigenvalues of (S C S)^½, as singular values of S² times a root of the correlation matrix.

    Codes of very different units give eigenvalues that span more than the 16 digits that `eigh` of S C S keeps.
    """
    scale = np.where(deviation > 0, deviation, 1)
    correlation = covariance / np.outer(scale, scale)
    values, vectors = np.linalg.eigh(correlation)
    noise = len(values) * np.finfo(np.float64).eps * max(values[-1], 0)
    factor = deviation[:, None] ** 2 * vectors * np.sqrt(np.where(values > noise, values, 0))
    left, roots, _ = np.linalg.svd(factor)
    return left, roots


def published_wasserstein(covariance: Floats) -> float:
    """The same by the published computation, whose rounding noise shows where a code is almost dead (1e-5 of it).

    Where rounding makes the root complex, its real part is taken.
    """
    from scipy.linalg import sqrtm  # SciPy takes a while to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the matrix may be singular
        root = sqrtm(np.diag(covariance)[:, None] * covariance)
    return float(2 * np.trace(covariance) - 2 * np.trace(root).real)


def wasserstein_norm(covariance: Floats) -> Estimate:
    """Wasserstein distance per total variance."""
    whole, trace = wasserstein(covariance), float(np.trace(covariance))
    if trace == 0:
        return replace(whole, value=np.nan)

    def influence(rows: Floats) -> Floats:
        return np.asarray((whole.influence(rows) - whole.value / trace * (rows**2).sum(axis=1)) / trace)

    slopes = (whole.slopes - whole.value / trace * np.diag(covariance)) / trace
    return Estimate(whole.value / trace, whole.curvature / trace, slopes, influence)


Measure = Callable[[Floats], Estimate]
