"""Directions in the code that change what a probe reads: as little as possible, and nothing that other probes read.

A probe's weights say how to read a factor; they are not the way to move it (Haufe et al. 2014): where codes are
correlated, moving along the weights leaves the data. All directions here are least in some metric among those that
change the outputs of the factor's own probe by `target` per coordinate.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SAME = 1e-9
"""Relative size of a singular value that counts as 0: outputs of classes depend on each other."""


def plain(weights: Floats, target: Floats) -> Floats:
    """The shortest directions: along the probe's own weights.

    Args:
        weights: of the probe, (D, C).
        target: change of its outputs per coordinate, (m, C).

    Returns:
        (m, D).
    """
    return np.asarray(target @ np.linalg.pinv(weights, rcond=_SAME))


def pattern(weights: Floats, target: Floats, covariance: Floats) -> Floats:
    """The directions of least Mahalanobis length: how the codes vary with what the probe reads (Haufe et al. 2014).

    R = T (Wᵀ Σ W)⁺ Wᵀ Σ, (m, D); the minimum of |R|² in the metric of Σ⁻¹ under R W = T.
    """
    return isolated(weights, target, (), covariance)


def isolated(weights: Floats, target: Floats, others: Sequence[Floats], covariance: Floats) -> Floats:
    """The directions of least Mahalanobis length that leave the outputs of other probes as they are.

    The null-space projection in the metric of the codes: the minimum of |R|² in the metric of Σ⁻¹ under R W = T and
    R V = 0 for the weights V (D, c) of every other probe. With exact regressions of z = A v and as many codes as
    factors these are the columns of A, however correlated the factors v are. Where the factor is read from nothing but
    what others read, R W = T has no solution, and R W is as near to it as can be.

    Returns:
        (m, D).
    """
    every = np.hstack([weights, *others]) if others else weights
    # Each probe counts in its own unit, so that one of large weights does not decide what counts as 0.
    scale = np.sqrt(np.maximum(np.einsum("dc,de,ec->c", every, covariance, every), np.finfo(float).tiny))
    unit = every / scale
    wanted = np.hstack([target / scale[: weights.shape[1]], np.zeros((len(target), every.shape[1] - weights.shape[1]))])
    gram = unit.T @ covariance @ unit
    return np.asarray(wanted @ np.linalg.pinv(gram, rcond=_SAME, hermitian=True) @ unit.T @ covariance)


def length(directions: Floats, covariance: Floats) -> float:
    """Root mean square of the Mahalanobis lengths of directions (m, D)."""
    away = np.linalg.solve(np.linalg.cholesky(covariance), directions.T)
    return float(np.sqrt((away**2).sum() / len(directions)))


def calibrated(directions: Floats, weights: Floats, target: Floats) -> Floats:
    """Directions (m, D) in the one scale at which the probe sees, as nearly as can be, the whole `target` (m, C)."""
    seen = directions @ weights
    square = float((seen**2).sum())
    return directions * (float((seen * target).sum()) / square) if square > 0 else np.zeros_like(directions)
