"""InfoMEC: modularity, explicitness and compactness as information."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core import Score, Scorecard, Stamp
from unweave.core.seeds import generator
from unweave.metrics.infoe import STRENGTH, Readable
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, Problem, as_problem, check_mode
from unweave.metrics.nearest import NEIGHBOURS, NearestTable
from unweave.metrics.pair_scores import WIDTH, Definition, Parts, Table, pair_parts, pair_settings, score_table
from unweave.metrics.pairs import Block, PairTable
from unweave.metrics.resampling import null_range, spread_interval
from unweave.metrics.shares import Floats, Shares, mean_over
from unweave.metrics.stamps import make_stamp, no_classes
from unweave.metrics.weights import Weights, factor_weights

MAX_NULLS = 3
"""Permutations at most: each one fits a model per factor again."""

NARROW = 20
"""A code counts in the published definition when its range is more than 1 / 20 of the largest range."""

NAMES = ("infomec.infom", "infomec.infoe", "infomec.infoc")
"""The scores, in the order in which they are given."""


def infomec(
    codes: CodesLike,
    factors: FactorsLike,
    *,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = MAX_NULLS,
    seed: int = 0,
    weights: Weights = "equal",
    discrete: bool = False,
) -> Scorecard:
    """Modularity, explicitness and compactness as information (Hsu et al. 2023, arXiv:2305.18378, section 4).

    * `infomec.infom`: mean over codes of the best factor's part in what the code says about all factors together, on a
      scale where equal parts give 0 and one factor only gives 1.
    * `infomec.infoe`: mean over factors of the part of its entropy that logistic regression on all codes reads.
    * `infomec.infoc`: mean over factors of the best code's part in what all codes say about it, scaled like `infom`.

    All in [0, 1]. Read the first and the last beside the second: where little is read, they are ratios of little. The
    published definition gives random codes an `infom` of 0.6.

    Args:
        codes: codes (N, D).
        factors: labels (N, K).
        mode: "reference" is the authors' definition: information by 10 nearest neighbours, codes of a small range left
            out (so that units matter), models judged on the rows that they are fitted to, against equal chances.
            "robust" takes the information of robust MIG and counts only what is more than chance, in codes and in
            factors (0 when nothing is); models are fitted to one half of the rows and judged on the other, in turns,
            against the frequencies of the classes.
        bootstrap: samples for the intervals; 0 leaves them out. Models stay as they are.
        nulls: permutations of the rows for the scores of random codes, three at most; 0 leaves them out.
        seed: seed of everything drawn.
        weights: of factors, in the means over them; see `weights.factor_weights`.
        discrete: whether the values of codes are symbols, as the authors treat quantised codes: every value is a bin,
            and models read one input per value. Robust mode keeps up to 60 values apart either way.

    Returns:
        Three scores. The matrix of the first and the last is the information as a share of the factor's entropy, (D,
        K); that of the second is what is read of each factor, (1, K).
    """
    check_mode(mode)
    problem, nulls = as_problem(codes, factors), min(nulls, MAX_NULLS)
    wanted = factor_weights(problem.factors, weights)
    if mode == "robust":
        pairs = PairTable.of(problem, mode)
        table: Table = pairs
        parts = pair_parts(problem, pairs, [(code,) for code in range(problem.codes.shape[1])], wanted)
    else:
        table, parts = _published(problem, wanted, seed, discrete)
    settings = _settings(mode, discrete) | {
        "bootstrap": bootstrap,
        "nulls": nulls,
        "seed": seed,
        "weights": wanted.tolist(),
    }
    stamp = make_stamp("infomec", mode, problem, settings, libraries=("scikit-learn",))
    card = score_table([INFOM, INFOC], table, parts, stamp, bootstrap, nulls, seed)
    infoe = _infoe(problem, mode, parts, stamp, bootstrap, nulls, seed, discrete)
    return Scorecard(
        {"infomec.infom": card["infomec.infom"], "infomec.infoe": infoe, "infomec.infoc": card["infomec.infoc"]}
    )


def _settings(mode: Mode, discrete: bool) -> dict[str, Any]:
    if mode == "robust":
        model = {"model": f"logistic regression, C {STRENGTH:g}, halves in turns", "null_model": "frequencies"}
        return pair_settings(mode) | model
    measured: dict[str, Any] = {"information": "plug-in"} if discrete else {"neighbours": NEIGHBOURS}
    pruned = "no range" if discrete else f"range up to 1/{NARROW} of the largest"
    model = {"model": "logistic regression, no penalty, balanced, 100 steps", "null_model": "equal chances"}
    return measured | {"pruned": pruned} | model


def _published(problem: Problem, weights: Floats, seed: int, discrete: bool) -> tuple[Table, Parts]:
    """Table and parts of the authors' definition."""
    spans = problem.codes.max(axis=0) - problem.codes.min(axis=0)
    if discrete:
        pairs = _symbols(problem)
        table: Table = pairs
        entropy, active = pairs.entropy, spans > 0
    else:
        nearest = NearestTable.of(problem, seed)
        table, entropy, active = nearest, nearest.shares.entropy, spans > spans.max() / NARROW
    used = entropy > 0
    dropped = tuple(name for name, use in zip(problem.factors.names, used, strict=True) if not use)
    reason = no_classes(dropped[0]) if dropped else None
    if reason is None and (not used.any() or weights.sum() == 0):
        reason = "there is no factor to score."
    return table, Parts(active, used, weights, tuple(np.flatnonzero(~active).tolist()), dropped, reason)


def _symbols(problem: Problem) -> PairTable:
    """The table of codes each of whose values is a bin."""
    blocks = []
    for block in PairTable.of(problem, "reference").blocks:
        values = [np.unique(code, return_inverse=True)[1] for code in problem.codes[block.rows].T]
        blocks.append(Block(block.rows, block.factors, np.stack(values), block.labels))
    shape = problem.codes.shape[1], len(problem.factors.factors)
    return PairTable.of_blocks(tuple(blocks), shape, len(problem.codes), "reference")


def _infoe(
    problem: Problem, mode: Mode, parts: Parts, stamp: Stamp, bootstrap: int, nulls: int, seed: int, discrete: bool
) -> Score:
    """What is read of the factors."""
    name, names = "infomec.infoe", problem.factors.names
    live = parts.codes if mode == "robust" else np.ones(problem.codes.shape[1], dtype=bool)
    readable = Readable.of(problem, mode, live, generator(seed, name, "rows"), symbols=discrete)
    used = readable.used
    dropped = tuple(factor for factor, use in zip(names, used, strict=True) if not use)
    details: dict[str, Any] = {
        "dropped_codes": parts.dropped_codes if mode == "robust" else (),
        "dropped_factors": dropped,
    }
    reason = parts.reason
    if not parts.codes.any():
        reason = "no code varies."
    elif reason is None and (not used.any() or parts.weights[used].sum() == 0):
        reason = "no factor can be read: each is constant, has no labels, has too few rows, or has weight 0."
    if reason is not None:
        return Score(name, None, stamp, reason=reason, **details)
    cells = readable.read(generator(seed, name, "halves"))
    low = 0.0 if mode == "robust" else -np.inf

    def score(values: Floats) -> Floats:
        return mean_over(np.clip(values[..., used], low, 1), parts.weights[used])

    value = float(score(cells.values))
    if bootstrap:
        draws = score(cells.bootstrap(bootstrap, generator(seed, name, "bootstrap")))
        details["interval"] = spread_interval(value, draws, low, 1, width=WIDTH)
    if nulls:
        random = generator(seed, name, "null")
        others = [float(score(readable.shuffled(random).read(random).values)) for _ in range(nulls)]
        details["null"], details["null_interval"] = null_range(np.array(others), low, 1)
    return Score(name, value, stamp, matrix=np.clip(cells.values, low, 1)[None], **details)


def best_part(values: Floats, counts: NDArray[np.bool_] | Floats) -> Floats:
    """Mean over rows of (max / sum - 1 / M) / (1 - 1 / M): (...) of (..., R, M), rows weighted by `counts` (R,)."""
    equal = 1 / values.shape[-1]
    return mean_over((values.max(axis=-1) / values.sum(axis=-1) - equal) / (1 - equal), counts)


def _infom(shares: Shares, weights: Floats) -> Floats:
    del weights  # The mean is over codes.
    return best_part(shares.weight * shares.share, shares.informative)


def _infoc(shares: Shares, weights: Floats) -> Floats:
    known = shares.weight * shares.share
    return best_part(known.swapaxes(-1, -2), weights * shares.captured)


INFOM = Definition("infomec.infom", _infom, lambda shares: shares.share, factors=2)
INFOC = Definition("infomec.infoc", _infoc, lambda shares: shares.share, codes=2)
