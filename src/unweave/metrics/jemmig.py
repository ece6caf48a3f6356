"""Joint entropy minus mutual information gap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unweave.core import ConfigError, Score
from unweave.metrics.binning import bins_of
from unweave.metrics.encoder_noise import SAMPLES, checked_logvar
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, as_problem, check_mode
from unweave.metrics.noisy_scores import score_noisy_pairs
from unweave.metrics.pair_scores import Definition
from unweave.metrics.shares import Floats, Shares, gaps, mean_over
from unweave.metrics.weights import Weights


def jemmig(
    codes: CodesLike,
    factors: FactorsLike,
    *,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = 20,
    seed: int = 0,
    weights: Weights = "equal",
    samples: int = SAMPLES,
    normalised: bool = False,
) -> Score:
    """How much is left to tell of a factor and its best code together, and how close the second best comes: nats.

    JEMMIG = mean over factors of H(z*, v) - I_1 + I_2, where z* is the code that says most about v (Do and Tran 2020,
    arXiv:1908.09961, section 4.2). Lower is better, unlike all other scores of this kind: 0 when a code and its factor
    fix each other and no other code knows of it. Where MIG asks only what the code says about the factor, this also
    asks that the code says nothing else: noise, or other factors, in the code raise it. It depends on the number of
    bins (or on the units of the codes, where it is differential): compare equal stamps only.

    Args:
        codes: codes (N, D). `Codes` with a log-variance are scored under that noise, as the authors do; see `rmig`.
        factors: labels (N, K).
        mode: as in `rmig`. In reference mode with a log-variance the entropies of codes are differential, so that the
            score may lie below 0.
        bootstrap: samples for the interval; 0 leaves it out.
        nulls: permutations of the rows for the score of random codes; 0 leaves it out.
        seed: seed of everything drawn.
        weights: of factors, in the mean over them; see `weights.factor_weights`.
        samples: samples of codes in reference mode with a log-variance.
        normalised: give 1 - JEMMIG / (H(v) + log bins) instead, in [0, 1] and higher is better.

    Returns:
        The score; its matrix is the joint entropy of codes and factors (D, K) in nats.

    Raises:
        ConfigError: normalised in reference mode with a log-variance, where there are no bins.
    """
    check_mode(mode)
    wanted, bins = JEMMIG, 0
    by_sampling = mode == "reference" and checked_logvar(codes) is not None
    if normalised:
        if by_sampling:
            raise ConfigError('normalised: differential entropies have no upper end. Use mode="robust", or the means.')
        bins = bins_of(len(as_problem(codes, factors).codes), mode)
        wanted = replace(JEMMIG, formula=lambda shares, weights: _normalised(shares, weights, bins), high=1)
    return score_noisy_pairs(
        replace(wanted, low=-np.inf) if by_sampling else wanted,
        codes,
        factors,
        mode,
        bootstrap=bootstrap,
        nulls=nulls,
        seed=seed,
        weights=weights,
        samples=samples,
        settings={"normalised": normalised},
    )


def _joint(shares: Shares) -> Floats:
    """Joint entropy of codes and factors, (..., D, K) in nats."""
    return np.asarray(shares.code_entropy + shares.entropy[..., None, :] - shares.nats)


def _left_to_tell(shares: Shares) -> Floats:
    """JEMMIG of each factor, (..., K) in nats."""
    best = shares.nats.argmax(axis=-2)[..., None, :]
    return np.asarray(np.take_along_axis(_joint(shares), best, axis=-2)[..., 0, :] - gaps(shares.nats.swapaxes(-1, -2)))


def _normalised(shares: Shares, weights: Floats, bins: int) -> Floats:
    return mean_over(1 - _left_to_tell(shares) / (shares.entropy + np.log(bins)), weights)


JEMMIG = Definition(
    "jemmig",
    lambda shares, weights: mean_over(_left_to_tell(shares), weights),
    _joint,
    high=np.inf,
    codes=2,
    rivals=True,
)
