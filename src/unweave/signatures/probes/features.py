"""Features in which a linear model is a smooth non-linear one of the codes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LANDMARKS = 100
_PAIRS = 1000
_FLOOR = 1e-6


def bent_features(x: Floats, random: np.random.Generator) -> Floats:
    """Standardised codes (N, D) with up to `LANDMARKS` columns that approximate a Gaussian kernel, (N, D + M).

    Nyström's method (Williams and Seeger 2001, eq. 8) with landmarks drawn from the rows; the kernel is as wide as the
    median distance of two rows. The new columns have as much variance as the codes, all together, so that one penalty
    suits both. The codes stay, so a linear truth costs next to nothing.
    """
    rows = random.permutation(len(x))
    marks = x[rows[: min(LANDMARKS, max(2, len(x) // 2))]]
    some = x[rows[: min(len(x), _PAIRS)]]
    width = float(np.median(_distances(some, np.roll(some, 1, axis=0), paired=True)))
    scale = 1 / width if width > 0 else 1.0
    values, axes = np.linalg.eigh(np.exp(-scale * _distances(marks, marks)))
    kept = values > _FLOOR * values[-1]
    features = np.exp(-scale * _distances(x, marks)) @ (axes[:, kept] / np.sqrt(values[kept]))
    features -= features.mean(axis=0)
    variance = float(features.var(axis=0).sum())
    share = float(x.var(axis=0).sum()) / variance if variance > 0 else 0.0
    return np.hstack([x, features * np.sqrt(share)])


def _distances(x: Floats, y: Floats, *, paired: bool = False) -> Floats:
    """Squared distances (N, M), or (N,) of pairs."""
    if paired:
        return np.asarray(((x - y) ** 2).sum(axis=1))
    square = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1) - 2 * x @ y.T
    return np.asarray(np.maximum(square, 0))
