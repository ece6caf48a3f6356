"""Labels as numbers: what a factor's labels mean to models that learn or correlate with numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unweave.core import Factor

Floats = NDArray[np.float64]


def raw_numbers(factor: Factor, labels: Floats) -> Floats:
    """Labels (N,) as the numbers that were given: published definitions count with them, not with class codes.

    Classes whose names are all numbers ("0", "2", "10") become these; any other labels stay as they are.
    """
    try:
        names = np.array([float(name) for name in factor.values or ()])
    except ValueError:
        return labels
    return names[labels.astype(np.int64)] if len(names) and np.isfinite(names).all() else labels


def measurements(factor: Factor, labels: Floats) -> Floats:
    """What a regression predicts of a factor that is not discrete: (N, 1), or sine and cosine (N, 2) of a circular one.

    Both columns of a circular factor together know nothing of where the circle was cut.
    """
    if factor.kind != "circular":
        return labels[:, None]
    angle = 2 * np.pi * labels / factor.period
    return np.stack([np.sin(angle), np.cos(angle)], axis=1)
