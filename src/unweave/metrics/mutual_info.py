"""Mutual information between codes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unweave.core import FactorTable, Score
from unweave.metrics.binning import ROBUST_BINS, code_bins
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, as_problem, check_mode
from unweave.metrics.pair_scores import Definition, Parts, pair_settings, score_table
from unweave.metrics.pairs import Block, PairTable
from unweave.metrics.shares import Floats, Shares
from unweave.metrics.stamps import make_stamp

CELL_ROWS = 5
"""Rows per pair of bins that robust mode aims at: both sides are binned, and sparser tables tell little."""

FEWEST_BINS = 4
"""Bins of a code at least."""


def mutual_info_score(
    codes: CodesLike,
    factors: FactorsLike | None = None,
    *,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = 20,
    seed: int = 0,
) -> Score:
    """How much codes say about each other, in nats: mean mutual information of two different codes. Lower is better.

    The unsupervised score of disentanglement_lib (Locatello et al. 2019, arXiv:1811.12359, section 5.4). From 0, codes
    that are independent in pairs, upwards; noise scores 0 too.

    Args:
        codes: codes (N, D), at least two.
        factors: not looked at; it is there so that a scorecard can call every metric alike.
        mode: "reference" takes plug-in information of 20 bins of equal width, which gives independent codes about
            361 / 2N. "robust" takes bins of equal frequency and information adjusted for chance, and leaves out dead
            codes.
        bootstrap: samples for the interval; 0 leaves it out.
        nulls: permutations of the rows of one code of each pair, for the score of independent codes; 0 leaves it out.
        seed: seed of both.

    Returns:
        The score; its matrix is the mutual information of codes with codes, (D, D) in nats, with 0 on the diagonal.
    """
    check_mode(mode)
    given = as_problem(codes, FactorTable.empty(len(codes)) if factors is None else factors)  # type: ignore[arg-type]
    problem = replace(given, factors=FactorTable.empty(len(given.codes)))
    array = problem.codes
    bins = max(FEWEST_BINS, min(ROBUST_BINS, round(np.sqrt(len(array) / CELL_ROWS))))
    binned, count = code_bins(array, mode, most=bins), array.shape[1]
    block = Block(np.arange(len(array)), tuple(range(count)), binned, binned)
    table = PairTable.of_blocks((block,), (count, count), len(array), mode)
    dead = problem.dead
    live = ~dead if mode == "robust" else np.ones(count, dtype=bool)
    dropped = () if mode == "reference" else tuple(np.flatnonzero(dead).tolist())
    parts = Parts(live, live, np.ones(count), dropped, (), None)
    settings = (
        pair_settings(mode)
        | ({"bins": bins} if mode == "robust" else {})
        | {"bootstrap": bootstrap, "nulls": nulls, "seed": seed}
    )
    stamp = make_stamp("mutual_info_score", mode, problem, settings)
    return score_table([MUTUAL_INFO], table, parts, stamp, bootstrap, nulls, seed)["mutual_info_score"]


def _mean_of_pairs(shares: Shares, weights: Floats) -> Floats:
    count = len(weights)
    return np.asarray(_off_diagonal(shares.excess).sum(axis=(-2, -1)) / (count * (count - 1)))


def _variance_by_chance(shares: Shares) -> float:
    """Variance of the score of independent codes, whose pairs are independent: each counts twice in the mean."""
    count = len(shares.spread)
    return float(2 * (_off_diagonal(shares.spread) ** 2).sum() / (count * (count - 1)) ** 2)


def _off_diagonal(nats: Floats) -> Floats:
    """Information (..., D, D) without that of a code about itself."""
    return np.where(np.eye(nats.shape[-1], dtype=bool), 0, nats)


MUTUAL_INFO = Definition(
    "mutual_info_score",
    _mean_of_pairs,
    lambda shares: _off_diagonal(shares.nats),
    high=np.inf,
    codes=2,
    second=_variance_by_chance,
)
