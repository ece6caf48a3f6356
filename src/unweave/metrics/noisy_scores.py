"""Scores of information that hear of the encoder's noise where it is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from unweave.core import Score
from unweave.core.seeds import generator
from unweave.metrics.encoder_noise import NoisyTable, checked_logvar
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, Problem, as_problem, check_mode
from unweave.metrics.pair_scores import Definition, Parts, score_pairs, score_table
from unweave.metrics.stamps import make_stamp, no_classes
from unweave.metrics.weights import Weights, factor_weights

MAX_NULLS = 3
"""Permutations at most where noise is sampled: each one compares every sample with every row again."""


def score_noisy_pairs(
    wanted: Definition,
    codes: CodesLike,
    factors: FactorsLike,
    mode: Mode,
    *,
    bootstrap: int,
    nulls: int,
    seed: int,
    weights: Weights,
    samples: int,
    settings: Mapping[str, Any],
) -> Score:
    """One score of codes by their means, or under the encoder's noise if they come with a log-variance.

    In reference mode noise is averaged over by sampling. In robust mode one sample of each row's code is binned: rows
    stay independent of each other, so that what random codes show is known exactly.
    """
    check_mode(mode)
    problem, logvar = as_problem(codes, factors), checked_logvar(codes)
    if logvar is None or mode == "robust":
        if logvar is not None:
            noise = generator(seed, "noise").standard_normal(logvar.shape)
            # Idle codes drown in their noise: none has to be left out for it.
            problem = Problem(problem.codes + np.exp(logvar.astype(np.float64) / 2) * noise, problem.factors)
        source = {"codes": "means" if logvar is None else "one sample of q(z|x) per row"}
        return score_pairs(
            wanted.name,
            [wanted],
            problem,
            mode,
            bootstrap=bootstrap,
            nulls=nulls,
            seed=seed,
            weights=weights,
            constants=True,
            settings=source | dict(settings),
        )[wanted.name]
    nulls = min(nulls, MAX_NULLS)
    table, shares = NoisyTable.of(problem, logvar, samples, seed), factor_weights(problem.factors, weights)
    used = np.asarray((table.labels >= 0).any(axis=0))
    dropped = tuple(name for name, use in zip(problem.factors.names, used, strict=True) if not use)
    reason = no_classes(dropped[0]) if dropped else None
    if reason is None and (shares.sum() == 0 or not used.any()):
        reason = "there is no factor to score, or all have weight 0."
    parts = Parts(np.ones(problem.codes.shape[1], dtype=bool), used, shares, (), dropped, reason)
    protocol = {
        "codes": "samples of q(z|x)",
        "samples": samples,
        "bootstrap": bootstrap,
        "nulls": nulls,
        "seed": seed,
        "weights": shares.tolist(),
        **settings,
    }
    stamp = make_stamp(wanted.name, mode, problem, protocol)
    return score_table([wanted], table, parts, stamp, bootstrap, nulls, seed)[wanted.name]
