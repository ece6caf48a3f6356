"""From importances of codes for factors to disentanglement and completeness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FLOOR = 1e-11
"""Added to every importance by disentanglement_lib, so that a row of zeros has an entropy."""


def disentanglement(importances: Floats, weights: Floats | None = None) -> float:
    """How far each code serves one factor only, in [0, 1]: importances (D, K), K at least 2.

    Mean over codes, weighted by their importance, of 1 - H_K(row), where H_K is the entropy with base K of the row made
    a distribution (Eastwood and Williams 2018, section 2). All zeros give 0. Weights of factors (K,) say how much the
    importance for each of them counts in a code's weight; equal ones are the published definition.
    """
    counted = importances if weights is None else importances * weights
    return _mean(_one_sided(importances), counted.sum(axis=1))


def completeness(importances: Floats, weights: Floats | None = None) -> float:
    """How far each factor is served by one code only, in [0, 1]: importances (D, K), D at least 2.

    The same as disentanglement with the roles exchanged: entropies of columns, with base D, in a mean over factors.
    """
    counted = importances if weights is None else importances * weights
    return _mean(_one_sided(importances.T), counted.sum(axis=0))


def _mean(values: Floats, weights: Floats) -> float:
    """Weighted mean of values (R,); the plain one when all weights are 0."""
    return float(values @ weights / weights.sum()) if weights.sum() > 0 else float(values.mean())


def _one_sided(rows: Floats) -> Floats:
    """1 - entropy of each row, with the number of columns as base: (R,) of (R, C)."""
    shares = rows + _FLOOR
    shares = shares / shares.sum(axis=1, keepdims=True)
    return np.asarray(1 + (shares * np.log(shares)).sum(axis=1) / np.log(rows.shape[1]))
