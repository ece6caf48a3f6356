"""How far codes depend on one another, as if they were normal: total correlation and Wasserstein correlation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core import Score
from unweave.core.seeds import generator
from unweave.metrics.gaussian_measures import (
    Estimate,
    Floats,
    Measure,
    published_wasserstein,
    total_correlation,
    wasserstein,
    wasserstein_norm,
)
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, as_problem, check_mode, unlabelled
from unweave.metrics.resampling import null_range
from unweave.metrics.robust_codes import normal_scores
from unweave.metrics.stamps import make_stamp

SINGULAR = 1e-10
"""Smallest eigenvalue of a correlation matrix below which codes count as functions of one another."""


def gaussian_total_correlation(
    codes: CodesLike,
    factors: FactorsLike | None = None,
    *,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = 20,
    seed: int = 0,
) -> Score:
    """Total correlation of a normal distribution with the covariance C of the codes, in nats; less is better.

    TC = (sum of log C_ii - log det C) / 2 (Locatello et al. 2019, arXiv:1811.12359, section 5.3, as in
    disentanglement_lib). 0 for uncorrelated codes, infinite when a code is a linear function of others. The units of
    the codes do not matter. Labels are not looked at: independent noise has the best score there is. On means it is
    lower than on samples.

    Args:
        codes: codes (N, D).
        factors: not used; all metrics take them.
        mode: "reference" is the published estimate. "robust" leaves out dead codes, takes the correlation of normal
            scores (ranks mapped to a normal distribution, so that neither outliers nor bent scales count) and takes off
            what the estimate has too much for normal codes, (D - 1) D / 4N and more; it is cut off at 0.
        bootstrap: 0 leaves the interval out; otherwise it is that of the delta method, which stands for resampling.
        nulls: permutations of the rows of each code alone for the score of independent codes; 0 leaves them out.
        seed: seed of the permutations.

    Returns:
        The score; its matrix is the covariance (D, D), in robust mode the correlation of normal scores.
    """
    return _score("gaussian_total_correlation", total_correlation, codes, factors, mode, bootstrap, nulls, seed)


def wasserstein_correlation(
    codes: CodesLike,
    factors: FactorsLike | None = None,
    *,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = 20,
    seed: int = 0,
) -> Score:
    """Squared Wasserstein distance between normal codes with covariance C and independent ones; less is better.

    W = 2 tr C - 2 tr (S C S)^(1/2) with S² the diagonal of C (as in disentanglement_lib). 0 for uncorrelated codes. In
    reference mode it has the squared units of the codes. In robust mode codes are normal scores of variance 1, and W
    lies between 0 and 2 D; chance, (D - 1) D / 4N, is taken off. Arguments are those of `gaussian_total_correlation`.
    """
    return _score("wasserstein_correlation", wasserstein, codes, factors, mode, bootstrap, nulls, seed)


def wasserstein_correlation_norm(
    codes: CodesLike,
    factors: FactorsLike | None = None,
    *,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = 20,
    seed: int = 0,
) -> Score:
    """Wasserstein correlation divided by the total variance of the codes, W / tr C; less is better.

    In [0, 2). Multiplying all codes changes nothing, multiplying one of them does in reference mode. Arguments are
    those of `gaussian_total_correlation`.
    """
    return _score("wasserstein_correlation_norm", wasserstein_norm, codes, factors, mode, bootstrap, nulls, seed)


def _score(
    name: str,
    measure: Measure,
    codes: CodesLike,
    factors: FactorsLike | None,
    mode: Mode,
    bootstrap: int,
    nulls: int,
    seed: int,
) -> Score:
    """One of the scores, from what the user passes."""
    check_mode(mode)
    problem = unlabelled(codes) if factors is None else as_problem(codes, factors)
    robust = mode == "robust"
    settings = {
        "codes": "normal scores" if robust else "as they are",
        "bias": "taken off" if robust else "left",
        "interval": "delta method" if bootstrap else "none",
        "nulls": nulls,
        "seed": seed,
    }
    stamp = make_stamp(name, mode, problem, settings)
    live = np.flatnonzero(~problem.dead) if robust else np.arange(problem.codes.shape[1])
    dropped = tuple(np.setdiff1d(np.arange(problem.codes.shape[1]), live).tolist())
    details: dict[str, Any] = {"dropped_codes": dropped}
    if len(live) < 2 or len(problem.codes) < 2:
        few = f"dependence is between two codes that vary; there are {len(live)} codes and {len(problem.codes)} rows."
        return Score(name, None, stamp, reason=few, **details)
    rows = np.ascontiguousarray(problem.codes[:, live], dtype=np.float64)
    rows = _standard(normal_scores(rows)) if robust else rows
    # `np.cov` of the transposed view sums as disentanglement_lib does, to the bit: where a code is dead but for
    # rounding noise, that decides between a number and NaN.
    covariance = np.cov(rows.T)
    estimate = measure(covariance)
    if not robust and measure is not total_correlation and np.trace(covariance) > 0:
        unit = np.trace(covariance) if measure is wasserstein_norm else 1.0
        estimate = replace(estimate, value=float(published_wasserstein(covariance) / unit))
    details["matrix"] = _spread_out(covariance, live, problem.codes.shape[1])
    reason = _reason(estimate, covariance, measure, len(rows), live, robust)
    if reason is not None:
        return Score(name, None, stamp, reason=reason, **details)
    value = _unbiased(estimate, measure, len(rows)) if robust else estimate.value
    if bootstrap and not _dependent(covariance, measure):
        half = float(1.96 * np.sqrt(_variance(estimate, rows, robust)))
        details["interval"] = (min(value, max(0.0, value - half)), value + half)
    if nulls:
        random = generator(seed, name, "null")
        found = (measure(np.cov(random.permuted(rows, axis=0).T)) for _ in range(nulls))
        scores = np.array([_unbiased(e, measure, len(rows)) if robust else e.value for e in found])
        if np.isfinite(scores).all():
            details["null"], details["null_interval"] = null_range(scores, 0, np.inf)
    return Score(name, value, stamp, **details)


def _standard(rows: Floats) -> Floats:
    return np.asarray((rows - rows.mean(axis=0)) / rows.std(axis=0, ddof=1))


def _spread_out(matrix: Floats, live: NDArray[np.int64], size: int) -> Floats:
    """The matrix (d, d) of some of D codes as (D, D), with zeros for the others."""
    full = np.zeros((size, size))
    full[np.ix_(live, live)] = matrix
    return full


def _unbiased(estimate: Estimate, measure: Measure, rows: int) -> float:
    """The estimate without what it has too much on average, not below 0.

    Exact for the total correlation of normal codes, whatever it is: with n = rows - 1 degrees of freedom, the log
    determinant of a Wishart matrix has the mean log det C + sum over i of psi((n - i + 1) / 2) + log 2/n (Bishop 2006,
    B.81). For Wasserstein, that of uncorrelated codes, whose squared correlations have the mean 1/n.
    """
    free, size = rows - 1, len(estimate.curvature)
    if measure is not total_correlation:
        return max(0.0, estimate.value - float(np.triu(estimate.curvature, 1).sum()) / free)
    from scipy.special import digamma  # SciPy takes a while to import

    bias = 0.5 * (digamma(free / 2) - digamma((free - np.arange(size)) / 2)).sum()
    return max(0.0, estimate.value - float(bias))


def _variance(estimate: Estimate, rows: Floats, standard: bool) -> float:
    """Variance of an estimate by the delta method, with its second order; `standard` rows have variance 1 by design.

    The first order overrates the variance of uncorrelated codes by as much as it is: sum over pairs of 2 w² / N², where
    r² is 1/N times a chi-squared variable.
    """
    total, centred = len(rows), rows - rows.mean(axis=0)
    second = 2 * float((np.triu(estimate.curvature, 1) ** 2).sum()) / total**2
    influence = estimate.influence(centred) - (centred**2 @ estimate.slopes if standard else 0)
    return max(float(influence.var()) / total - second, second)


def _dependent(covariance: Floats, measure: Measure) -> bool:
    """Whether total correlation is infinite but for rounding."""
    if measure is not total_correlation:
        return False
    deviation = np.sqrt(np.diag(covariance))
    return bool((deviation == 0).any() or np.linalg.eigvalsh(covariance / np.outer(deviation, deviation))[0] < SINGULAR)


def _reason(
    estimate: Estimate, covariance: Floats, measure: Measure, rows: int, live: NDArray[np.int64], robust: bool
) -> str | None:
    """Why there is no number, or None."""
    size = len(covariance)
    if robust and rows <= size:
        return f"{rows} rows are too few for the covariance of {size} codes; more rows than codes are needed."
    if robust and _dependent(covariance, measure):
        code = live[np.abs(np.linalg.eigh(covariance)[1][:, 0]).argmax()]
        return f"infinite: code {code} is a linear function of the others, a copy for example."
    if np.isfinite(estimate.value):
        return None
    if (np.diag(covariance) == 0).any():
        return f'code {int((np.diag(covariance) == 0).argmax())} does not vary. Use mode="robust", which leaves it out.'
    return "infinite: a code is a linear function of the others, a copy for example."
