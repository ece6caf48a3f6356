"""How well values are read, in the unit in which leakage is stated: the change between two random rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.factors import FactorTable
from unweave.core.scores import Score
from unweave.core.seeds import generator
from unweave.metrics.inputs import Problem
from unweave.metrics.resampling import bootstrap_means, interval, null_range
from unweave.metrics.stamps import make_stamp

if TYPE_CHECKING:
    from unweave.signatures.leakage.judge import Judge

Floats = NDArray[np.float64]

PAIRINGS = 50
"""Times that every row is paired with another to find how far two random rows are apart."""

LEAST = 0.3
"""Skill beyond chance, as a share of what there is between chance and 1, below which a factor is left out: most of what
would be measured of it were noise."""


def units(judge: Judge, table: FactorTable) -> Floats:
    """Mean change of each of the judge's factors between two random rows of a table of labels, (K,).

    Rows are paired with the row a few places on, so each row counts equally; 0 where no two rows have the label, or all
    have the same.
    """
    part = table.select([f.name for f in judge.factors])
    total, count = np.zeros(len(part.factors)), np.zeros(len(part.factors))
    rows = len(part)
    for shift in np.unique(np.linspace(1, rows - 1, min(PAIRINGS, rows - 1)).astype(np.int64)) if rows > 1 else ():
        other = (np.arange(rows) + shift) % rows
        both = part.known & part.known[other]
        total += (np.abs(judge.difference(part.values, part.values[other])) * both).sum(axis=0)
        count += both.sum(axis=0)
    return np.divide(total, count, out=np.zeros_like(total), where=count > 0)


def skills(
    judge: Judge,
    told: Floats,
    truth: FactorTable,
    *,
    unit: Floats | None = None,
    definition: str = "judge",
    settings: Mapping[str, Any] | None = None,
    bootstrap: int = 200,
    nulls: int = 20,
    seed: int = 0,
) -> dict[str, Score]:
    """1 - mean change from truth to what was told, in units of two random rows; one score per factor.

    1 is without error. A constant or random reading has the score of permuted rows, the null, which is 0 for classes
    and angles that are equally frequent, and 0 to 0.25 for a uniform measurement.

    Args:
        judge: whose factors, and whose notion of a change.
        told: values (N, K).
        truth: labels of the same rows; those not known do not count.
        unit: mean change between two random rows, (K,); None takes that of `truth`.
        definition: name of the scores and of the protocol.
        settings: what else goes into the stamp.
        bootstrap: samples of the rows for the interval; 0 leaves it out.
        nulls: permutations of the rows; 0 leaves them out.
        seed: of both.
    """
    truth = truth.select([f.name for f in judge.factors])
    unit = units(judge, truth) if unit is None else unit
    random = generator(seed, definition, "null")
    wrong = np.abs(judge.difference(truth.values, told))
    mixed = [np.abs(judge.difference(truth.values, told[random.permutation(len(told))])) for _ in range(nulls)]
    scores = {}
    for k, factor in enumerate(judge.factors):
        known = truth.known[:, k]
        stated = {**(settings or {}), "unit": "two random rows", "bootstrap": bootstrap, "nulls": nulls, "seed": seed}
        part = Problem(told[known, k : k + 1], truth.select([factor.name]).take(np.flatnonzero(known)))
        stamp = make_stamp(definition, "reference", part, stated)
        name = f"{definition}.{factor.name}"
        if unit[k] <= 0 or known.sum() < 2:
            scores[factor.name] = Score(name, None, stamp, reason="no two labelled rows differ in this factor.")
            continue
        value = 1 - float(wrong[known, k].mean() / unit[k])
        more: dict[str, Any] = {}
        if bootstrap:
            means = bootstrap_means(wrong[known, k : k + 1], bootstrap, generator(seed, definition, "bootstrap"))
            more["interval"] = interval(value, 1 - means[:, 0] / unit[k], -np.inf, 1)
        if nulls:
            chance = np.array([1 - one[known, k].mean() / unit[k] for one in mixed])
            more["null"], more["null_interval"] = null_range(chance, -np.inf, 1)
        scores[factor.name] = Score(name, value, stamp, **more)
    return scores


def beyond_chance(score: Score) -> bool:
    """Whether a skill is beyond chance surely, and by at least `LEAST` of what there is between chance and 1."""
    if score.value is None:
        return False
    chance, sure = score.null or 0.0, score.value
    if score.interval is not None and score.null_interval is not None and score.interval[0] <= score.null_interval[1]:
        return False
    return sure - chance >= LEAST * (1 - chance)
