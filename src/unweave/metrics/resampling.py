"""Intervals and nulls."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def bootstrap_means(rows: Floats, draws: int, random: np.random.Generator) -> Floats:
    """Column means (draws, M) of `rows` (N, M) in bootstrap samples of its N rows."""
    total, means = len(rows), np.empty((draws, rows.shape[1]))
    for draw in range(draws):
        weights = np.bincount(random.integers(total, size=total), minlength=total)
        means[draw] = weights.astype(np.float64) @ rows / total
    return means


def interval(value: float, draws: Floats, low: float, high: float, *, tail: float = 0.025) -> tuple[float, float]:
    """Basic bootstrap interval: quantiles `tail` and 1 - `tail` of the draws, mirrored at the value.

    A bias that resampling adds once more is taken off by mirroring (Davison and Hinkley 1997, eq. 5.6). Clipped to the
    score's range and widened to hold the value itself.
    """
    upper, lower = 2 * value - np.quantile(draws, [tail, 1 - tail])
    return float(min(value, np.clip(lower, low, high))), float(max(value, np.clip(upper, low, high)))


def spread_interval(value: float, draws: Floats, low: float, high: float, *, width: float) -> tuple[float, float]:
    """Interval of `width` standard deviations of the draws on either side, clipped to the score's range.

    For draws that show the spread and not the bias, such as those to first order. The value may lie outside the range.
    """
    reach = width * float(draws.std())
    return float(np.clip(value - reach, low, high)), float(np.clip(value + reach, low, high))


def null_range(scores: Floats, low: float, high: float) -> tuple[float, tuple[float, float] | None]:
    """Mean score of random codes, and the range that one more random code falls into with 95 % probability.

    A prediction interval by Student's t, so that a handful of permutations is enough; clipped to the score's range.
    One permutation gives no range.
    """
    mean = float(scores.mean())
    if len(scores) < 2:
        return mean, None
    half = student_t(len(scores) - 1) * float(scores.std(ddof=1)) * np.sqrt(1 + 1 / len(scores))
    return mean, (float(max(low, mean - half)), float(min(high, mean + half)))


def jackknife_interval(value: float, without: Floats, low: float, high: float) -> tuple[float, float]:
    """Interval at 95 % from scores (G,) with one of G groups of rows left out each, clipped to the score's range.

    Delete-a-group jackknife with Student's t of G - 1 degrees of freedom (Efron and Stein 1981). On the wide side: for
    DCI, the standard error is about a third larger than the spread over fresh data sets of 600 and 1,500 rows, and
    intervals hold the mean score of that many rows in 97 to 100 % of cases.
    """
    groups = len(without)
    half = student_t(groups - 1) * np.sqrt((groups - 1) / groups * ((without - without.mean()) ** 2).sum())
    return float(max(low, value - half)), float(min(high, value + half))


def student_t(degrees: int, *, tail: float = 0.025) -> float:
    """The quantile of Student's t distribution that leaves `tail` above it."""
    from scipy.special import stdtrit  # SciPy takes a while to import

    return float(stdtrit(degrees, 1 - tail))
