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


def spread_interval(
    value: float, draws: Floats, low: float, high: float, *, width: float, second: float = 0.0
) -> tuple[float, float]:
    """Interval of `width` standard deviations of the draws on either side, clipped to the score's range.

    For draws that show the spread and not the bias, such as those to first order. The value may lie outside the range.
    `second` is the variance of the second order alone, that of the score where the first order is 0. There the draws,
    whose first order is then nothing but what chance makes of it, have twice that variance; so it is taken off once.
    """
    reach = width * float(np.sqrt(max(draws.var() - second, second)))
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


def halves_interval(value: float, halves: Floats, *, least: float = 0) -> tuple[float, float]:
    """Interval at 95 % of a score in [0, 1] from the scores (R, 2) of R random divisions of the rows in two.

    Random groups (Wolter 2007, chapter 2), two of them, divided again and again: the two halves share no row, so a
    quarter of their squared difference has the variance of their mean, and a score of all rows varies as the mean of
    two independent scores of half of the rows. That holds too for what single rows tip over, such as the splits of
    trees; a jackknife of G groups multiplies that by G - 1, and its standard errors for DCI were a third too large.

    Half of the rows also teach less, so halves score lower, and scores near 0 or 1 vary less than those between. So
    differences are those of arcsin(sqrt(score)), whose variance does not depend on the score where it is a share of
    answers, and nearly not where it is a sum of squares (Anscombe 1948). Student's t with R degrees of freedom; at
    least `least` on either side.
    """
    angles = np.arcsin(np.sqrt(np.clip(halves, 0, 1)))
    deviation = float(np.sqrt(((angles[:, 0] - angles[:, 1]) ** 2).mean()) / 2)
    angle, half = float(np.arcsin(np.sqrt(value))), student_t(len(halves)) * deviation
    low, high = (float(np.sin(np.clip(angle + side * half, 0, np.pi / 2)) ** 2) for side in (-1, 1))
    return max(0.0, min(low, value - least)), min(1.0, max(high, value + least))


def jackknife_interval(value: float, without: Floats, low: float, high: float) -> tuple[float, float]:
    """Interval at 95 % from scores (G,) with one of G groups of rows left out each, clipped to the score's range.

    Delete-a-group jackknife with Student's t of G - 1 degrees of freedom (Efron and Stein 1981), for smooth scores.
    """
    groups = len(without)
    half = student_t(groups - 1) * np.sqrt((groups - 1) / groups * ((without - without.mean()) ** 2).sum())
    return float(max(low, value - half)), float(min(high, value + half))


def student_t(degrees: int, *, tail: float = 0.025) -> float:
    """The quantile of Student's t distribution that leaves `tail` above it."""
    from scipy.special import stdtrit  # SciPy takes a while to import

    return float(stdtrit(degrees, 1 - tail))
