"""Modularity."""

from __future__ import annotations

import numpy as np

from unweave.core import Score
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, as_problem, check_mode
from unweave.metrics.pair_scores import Definition, score_pairs
from unweave.metrics.shares import Floats, Shares, mean_over


def modularity(
    codes: CodesLike,
    factors: FactorsLike,
    *,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = 20,
    seed: int = 0,
) -> Score:
    """How far each code says something about one factor only; it does not ask how much, nor whether all are captured.

    Mean over codes of 1 - sum of I² over the other factors / ((K - 1) max I²) (Ridgeway and Mozer 2018,
    arXiv:1802.05312, section 2). In [0, 1]; 1 when every code serves one factor. The published definition gives random
    codes 0.6 to 0.9, since it takes the ratio of noise to noise; the robust one about 0.

    Args:
        codes: codes (N, D).
        factors: labels (N, K), at least two factors.
        mode: "reference" is the definition of disentanglement_lib: 20 bins of equal width, plug-in information, the
            mean over all codes, where a code without any information counts 0. "robust" takes bins of equal frequency
            and information adjusted for chance, and averages over the codes that say more than chance about some
            factor; 0 when none does.
        bootstrap: samples for the interval; 0 leaves it out.
        nulls: permutations of the rows for the score of random codes; 0 leaves it out.
        seed: seed of both.

    Returns:
        The score; its matrix is the mutual information (D, K) in nats.
    """
    check_mode(mode)
    problem = as_problem(codes, factors)
    return score_pairs(
        "modularity", [MODULARITY], problem, mode, bootstrap=bootstrap, nulls=nulls, seed=seed, constants=True
    )["modularity"]


def _modularity(shares: Shares, weights: Floats) -> Floats:
    del weights  # The mean is over codes.
    return mean_over(one_factor_only(shares.excess, shares.spread), shares.informative)


def one_factor_only(information: Floats, spread: Floats | float = 0.0) -> Floats:
    """1 - sum of squares over all factors but the best / ((K - 1) best²): (..., D) of (..., D, K), K at least 2.

    The squares of information that only varies with a known spread (D, K) around 0 would add up: its variance is taken
    off them, so that the sum is right on average. 0 for a code without information.
    """
    best = information.max(axis=-1)
    squares = information**2 - np.where(information == best[..., None], 0, np.square(spread))
    others = squares.sum(axis=-1) - best**2
    share = np.divide(others, best**2 * (information.shape[-1] - 1), out=np.ones_like(best), where=best > 0)
    return np.asarray(1 - share)


MODULARITY = Definition("modularity", _modularity, lambda shares: shares.nats, factors=2)
