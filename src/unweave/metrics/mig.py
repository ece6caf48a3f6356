"""Mutual information gap."""

from __future__ import annotations

from unweave.core import ConfigError, Score
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, as_problem, check_mode
from unweave.metrics.pair_scores import Definition, score_pairs
from unweave.metrics.shares import Floats, Shares, gaps, mean_over
from unweave.metrics.weights import Groups, Weights


def mig(
    codes: CodesLike,
    factors: FactorsLike,
    *,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = 20,
    seed: int = 0,
    weights: Weights = "equal",
    groups: Groups | None = None,
) -> Score:
    """How much more the best code says about a factor than the second best, as a share of the factor's entropy.

    MIG = mean over factors of (I_1 - I_2) / H (Chen et al. 2018, arXiv:1802.04942, eq. 6). In [0, 1]; random codes give
    about 0, one code per factor gives 1. A factor that lives in two codes (sine and cosine of an angle, a copy) gives
    about 0, however well it is captured, unless `groups` says that they belong together; a code that serves two factors
    is not punished.

    Args:
        codes: codes (N, D).
        factors: labels (N, K).
        mode: "reference" is the definition of disentanglement_lib: 20 bins of equal width, plug-in information.
            "robust" takes bins of equal frequency and information adjusted for chance, and leaves out constant factors
            and dead codes.
        bootstrap: samples for the interval; 0 leaves it out.
        nulls: permutations of the rows for the score of random codes; 0 leaves it out.
        seed: seed of both.
        weights: of factors, in the mean over them; see `weights.factor_weights`.
        groups: columns of codes that count as one, such as sine and cosine of an angle or a one-hot code; the others
            stand alone. A group's information is that of its joint bins (`partition.joint_bins`). Robust mode only.

    Returns:
        The score; its matrix is the mutual information in nats, (D, K), or (G, K) with G groups in the order of their
        first columns.

    Raises:
        ConfigError: groups in reference mode, which has no definition for them.
    """
    check_mode(mode)
    if groups and mode == "reference":
        raise ConfigError('groups: no published definition of MIG knows groups of codes. Use mode="robust".')
    problem = as_problem(codes, factors)
    return score_pairs(
        "mig", [MIG], problem, mode, bootstrap=bootstrap, nulls=nulls, seed=seed, weights=weights, groups=groups
    )["mig"]


def gap_of_shares(shares: Shares, weights: Floats) -> Floats:
    """Mean over factors of the gap between the two codes that say most, as a share of the entropy: (...)."""
    return mean_over(gaps(shares.share.swapaxes(-1, -2)), weights)


MIG = Definition("mig", gap_of_shares, lambda shares: shares.nats, codes=2, rivals=True)
