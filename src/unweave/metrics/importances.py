"""From importances of codes for factors to disentanglement and completeness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FLOOR = 1e-11
"""Added to every importance by disentanglement_lib, so that a row of zeros has an entropy."""


def disentanglement(importances: Floats) -> float:
    """How far each code serves one factor only, in [0, 1]: importances (D, K), K at least 2.

    Mean over codes, weighted by their importance, of 1 - H_K(row), where H_K is the entropy with base K of the row made
    a distribution (Eastwood and Williams 2018, section 2). All zeros give 0.
    """
    spread = _one_sided(importances)
    weights = importances.sum(axis=1) if importances.sum() > 0 else np.ones(len(importances))
    return float(spread @ weights / weights.sum())


def completeness(importances: Floats) -> float:
    """How far each factor is served by one code only, in [0, 1]: importances (D, K), D at least 2.

    The same as disentanglement with the roles exchanged: entropies of columns, with base D.
    """
    return disentanglement(importances.T)


def _one_sided(rows: Floats) -> Floats:
    """1 - entropy of each row, with the number of columns as base: (R,) of (R, C)."""
    shares = rows + _FLOOR
    shares = shares / shares.sum(axis=1, keepdims=True)
    return np.asarray(1 + (shares * np.log(shares)).sum(axis=1) / np.log(rows.shape[1]))
