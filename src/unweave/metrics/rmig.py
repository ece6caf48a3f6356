"""Robust mutual information gap."""

from __future__ import annotations

import numpy as np

from unweave.core import Score
from unweave.metrics.encoder_noise import SAMPLES
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode
from unweave.metrics.noisy_scores import score_noisy_pairs
from unweave.metrics.pair_scores import Definition
from unweave.metrics.shares import Floats, Shares, gaps, mean_over
from unweave.metrics.weights import Weights


def rmig(
    codes: CodesLike,
    factors: FactorsLike,
    *,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = 20,
    seed: int = 0,
    weights: Weights = "equal",
    samples: int = SAMPLES,
) -> Score:
    """How much more the best code says about a factor than the second best, in nats.

    RMIG = mean over factors of I_1 - I_2 (Do and Tran 2020, arXiv:1908.09961, section 4.2): MIG before it is divided by
    the entropy of the factor, so factors with many values weigh more. From 0, random codes, up to the mean entropy of
    the factors.

    Args:
        codes: codes (N, D). `Codes` with a log-variance are scored under that noise, as the authors do: what an encoder
            says about a factor is less than what its means say. Otherwise the means are scored.
        factors: labels (N, K).
        mode: "reference" with a log-variance is the authors' estimate by sampling; it compares every sample with every
            row, about 1 s for 3,000 rows and 10 codes. Without, plug-in information of 20 bins of equal width. "robust"
            takes bins of equal frequency (of one sample of each row's code) and information adjusted for chance.
        bootstrap: samples for the interval; 0 leaves it out.
        nulls: permutations of the rows for the score of random codes, three at most where noise is sampled; 0 leaves it
            out.
        seed: seed of everything drawn.
        weights: of factors, in the mean over them; see `weights.factor_weights`.
        samples: samples of codes in reference mode with a log-variance.

    Returns:
        The score; its matrix is the mutual information (D, K) in nats.
    """
    return score_noisy_pairs(
        RMIG,
        codes,
        factors,
        mode,
        bootstrap=bootstrap,
        nulls=nulls,
        seed=seed,
        weights=weights,
        samples=samples,
        settings={},
    )


def _gap_in_nats(shares: Shares, weights: Floats) -> Floats:
    return mean_over(gaps(shares.nats.swapaxes(-1, -2)), weights)


RMIG = Definition("rmig", _gap_in_nats, lambda shares: shares.nats, high=np.inf, codes=2, rivals=True)
