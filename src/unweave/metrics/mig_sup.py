"""Mutual information gap over factors."""

from __future__ import annotations

from unweave.core import Score
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, as_problem, check_mode
from unweave.metrics.pair_scores import Definition, score_pairs
from unweave.metrics.shares import Floats, Shares, gaps, mean_over


def mig_sup(
    codes: CodesLike,
    factors: FactorsLike,
    *,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = 20,
    seed: int = 0,
) -> Score:
    """How much more a code says about its best factor than about the second best, in shares of the factors' entropies.

    MIG-sup = mean over codes of the gap over factors of I / H (Li et al. 2020, arXiv:2002.10549, section 4). In
    [0, 1]; random codes give about 0, codes that serve one factor each give 1. It sees what MIG does not, a code that
    serves two factors, and misses what MIG sees, a factor in two codes: copies score 1.

    Args:
        codes: codes (N, D).
        factors: labels (N, K), at least two factors.
        mode: implementations disagree on when to normalise. "reference" divides the plug-in information of 20 bins of
            equal width by the factors' entropies first, and leaves out codes that do not vary. "robust" takes bins of
            equal frequency and information adjusted for chance, and averages over the codes that say more than
            chance about some factor; 0 when none does.
        bootstrap: samples for the interval; 0 leaves it out.
        nulls: permutations of the rows for the score of random codes; 0 leaves it out.
        seed: seed of both.

    Returns:
        The score; its matrix is the information as a share of the factor's entropy, (D, K).
    """
    check_mode(mode)
    problem = as_problem(codes, factors)
    return score_pairs(
        "mig_sup", [MIG_SUP], problem, mode, bootstrap=bootstrap, nulls=nulls, seed=seed, drop_dead=True
    )["mig_sup"]


def _gap_over_factors(shares: Shares, weights: Floats) -> Floats:
    del weights  # The mean is over codes.
    return mean_over(gaps(shares.share), shares.informative)


MIG_SUP = Definition("mig_sup", _gap_over_factors, lambda shares: shares.share, factors=2)
