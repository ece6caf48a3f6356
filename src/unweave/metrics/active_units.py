"""Active units."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from unweave.core import Codes, FactorTable, Score
from unweave.core.seeds import generator
from unweave.metrics.inputs import Problem, check_codes
from unweave.metrics.resampling import bootstrap_means
from unweave.metrics.stamps import make_stamp

THRESHOLD = 0.01
"""Variance of the code's mean above which a unit is active."""


def active_units(codes: Codes | ArrayLike, *, bootstrap: int = 200, seed: int = 0) -> Score:
    """How many codes the encoder uses: the number whose mean varies with the observation by more than 0.01.

    A_u = Var_x(E[z_u | x]) > 0.01 (Burda et al. 2016, arXiv:1509.00519, section 4.3). From 0 (posterior collapse) to D.
    Only meaningful for codes on the scale of a standard normal prior: multiplying the codes changes it. It has no score
    of random codes, since it does not look at factors.

    Args:
        codes: codes (N, D).
        bootstrap: samples for the interval; 0 leaves it out.
        seed: seed of the interval.

    Returns:
        The score; its matrix is the variance of each code, (D, 1).
    """
    values = check_codes(codes.mean if isinstance(codes, Codes) else np.asarray(codes))
    problem = Problem(values, FactorTable.empty(len(values)))
    stamp = make_stamp(
        "active_units", "reference", problem, {"threshold": THRESHOLD, "bootstrap": bootstrap, "seed": seed}
    )
    centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
    variance = (centred**2).mean(axis=0)
    count = float(np.count_nonzero(variance > THRESHOLD))
    between = None
    if bootstrap:
        draws = bootstrap_means(np.hstack([centred, centred**2]), bootstrap, generator(seed, "active_units"))
        mean, square = np.split(draws, 2, axis=1)
        counts = np.append(np.count_nonzero(square - mean**2 > THRESHOLD, axis=1), count)
        low, high = np.quantile(counts, [0.025, 0.975], method="inverted_cdf")
        between = min(float(low), count), max(float(high), count)
    return Score("active_units", count, stamp, interval=between, matrix=variance[:, None])
