"""What moving one code does to what is decoded: the effect matrix of interventions on a decoder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unweave.core import DataError, Factor, FactorTable, LatentModel, Score, Scorecard, ShapeError, Stamp
from unweave.core.model import Observations
from unweave.core.seeds import generator
from unweave.metrics.importances import completeness, disentanglement
from unweave.metrics.inputs import CodesLike, Problem, as_problem
from unweave.metrics.readers import fit_reader
from unweave.metrics.resampling import bootstrap_means, interval, null_range
from unweave.metrics.stamps import make_stamp

Floats = NDArray[np.float64]

Decode = Callable[[NDArray[np.float32]], Any]
"""From codes (N, D) to observations of any form."""

Predict = Callable[[Any], ArrayLike]
"""From observations to values of K factors (N, K): class codes or measurements, as in a `FactorTable`."""

NAMES = ("effect.disentanglement", "effect.completeness")
"""The scores, in the order in which they are given."""

PAIRED = 1000
"""Rows that stand for all when two random rows are compared."""

ROWS = 256
"""Rows that are decoded at once."""


def effect(
    codes: CodesLike,
    factors: FactorTable,
    decode: Decode,
    predict: Predict,
    *,
    step: float = 2.0,
    bootstrap: int = 200,
    nulls: int = 20,
    seed: int = 0,
) -> Scorecard:
    """How far moving one code changes one factor of what is decoded, and how far one code alone does.

    E[d, k] is the mean change of predicted factor k when code d is moved by plus and minus `step` standard deviations,
    in units of its change between two random rows: 1 is as much as chance would bring. Disentanglement and completeness
    are those of DCI with E in place of importances, in [0, 1]. Scores of encoders do not see whether a knob works;
    these do not see how well observations are encoded. The definition is this library's own.

    The change is |difference| for ordinal and continuous factors, the shorter way round for circular ones, and 0 or 1
    for categorical ones. Factors that never change between rows and codes that do not vary are left out and named.

    Args:
        codes: codes (N, D) to start from.
        factors: labels (N, K) of the same rows, which may have gaps, for the kinds of the factors and their changes
            between random rows. Without labels, pass a table of `predict(decode(codes))`.
        decode: from codes float32 (N, D) to observations.
        predict: from observations to the K factors, (N, K).
        step: how far codes are moved, in standard deviations.
        bootstrap: samples of the rows for the intervals; 0 leaves them out.
        nulls: times that changes are given to random codes, row by row, for the score of codes that mean nothing
            special; 0 leaves it out.
        seed: seed of both.

    Returns:
        Two scores, whose matrix is E (D, K).

    Raises:
        ShapeError: arrays do not fit together, also what `predict` gives.
        DataError: codes or predictions are not finite.
    """
    problem = as_problem(codes, factors)
    table = problem.factors
    live = np.flatnonzero(~problem.constant)
    unit = np.array([_unit(f, table.values[table.known[:, k], k]) for k, f in enumerate(table.factors)])
    used = np.flatnonzero(unit > 0)
    settings = {"step": step, "unit": "two random rows", "bootstrap": bootstrap, "nulls": nulls, "seed": seed}
    stamp = make_stamp("effect", "robust", problem, settings)
    details: dict[str, Any] = {
        "dropped_codes": tuple(np.setdiff1d(np.arange(problem.codes.shape[1]), live).tolist()),
        "dropped_factors": tuple(table.names[k] for k in np.setdiff1d(np.arange(len(unit)), used)),
    }
    reason = "no code varies." if len(live) == 0 else "no factor varies." if len(used) == 0 else None
    if reason is not None:
        return Scorecard({name: Score(name, None, stamp, reason=reason, **details) for name in NAMES})
    changes = _changes(problem, live, used, partial(_predicted, decode, predict, len(unit)), step) / unit[used]
    details["matrix"] = np.zeros((problem.codes.shape[1], len(unit)))
    details["matrix"][np.ix_(live, used)] = changes.mean(axis=0)
    return Scorecard({name: _score(name, changes, stamp, details, bootstrap, nulls, seed) for name in NAMES})


def effect_of_model(
    model: LatentModel,
    observations: Observations,
    factors: FactorTable,
    *,
    step: float = 2.0,
    bootstrap: int = 200,
    nulls: int = 20,
    seed: int = 0,
) -> Scorecard:
    """The effect of a model's codes on what it decodes, as seen by linear probes on its own encoder.

    Probes are fitted on the codes of labelled observations; a change counts as what they read before and after, from
    the code of the decoded observation. An encoder that ignores a change hides it. See `effect`.

    Args:
        model: encodes and decodes.
        observations: images uint8 (N, H, W, C) or vectors float32 (N, F).
        factors: labels (N, K) of the observations, with gaps where unknown.
        step: see `effect`, as for the arguments below.
        bootstrap: samples of the rows.
        nulls: random codes.
        seed: seed of both.
    """
    codes = model.encode(observations).mean
    read = fit_reader(as_problem(codes, factors))

    def predict(decoded: NDArray[np.float32]) -> Floats:
        images = decoded.ndim == 4
        rest = np.round(255 * np.clip(decoded, 0, 1)).astype(np.uint8) if images else decoded.astype(np.float32)
        return read(model.encode(rest).mean)

    return effect(codes, factors, model.decode, predict, step=step, bootstrap=bootstrap, nulls=nulls, seed=seed)


def change(factor: Factor, before: Floats, after: Floats) -> Floats:
    """How far values of a factor changed, in its units; 0 or 1 for a categorical factor."""
    if factor.kind == "categorical":
        return np.asarray(before != after, dtype=np.float64)
    distance = np.abs(after - before)
    if factor.kind != "circular":
        return distance
    around = distance % factor.period
    return np.minimum(around, factor.period - around)


def _unit(factor: Factor, labels: Floats) -> float:
    """Mean change between two rows with different indices, from labels (n,)."""
    some = labels[np.linspace(0, len(labels) - 1, min(len(labels), PAIRED)).astype(np.int64)]
    if len(some) < 2:
        return 0.0
    return float(change(factor, some[:, None], some).sum() / (len(some) * (len(some) - 1)))


def _predicted(decode: Decode, predict: Predict, factors: int, codes: Floats) -> Floats:
    """Predictions (N, K) of what codes (N, D) decode to, a few rows at a time."""
    parts = []
    for start in range(0, len(codes), ROWS):
        some = codes[start : start + ROWS].astype(np.float32)
        found = np.asarray(predict(decode(some)), dtype=np.float64)
        if found.shape != (len(some), factors):
            raise ShapeError("predictions", want=f"({len(some)}, {factors})", got=found.shape, hint="(rows, factors)")
        if not np.isfinite(found).all():
            raise DataError("predictions: some are NaN or infinite. Every factor needs a value for every observation.")
        parts.append(found)
    return np.concatenate(parts)


def _changes(
    problem: Problem,
    live: NDArray[np.int64],
    used: NDArray[np.int64],
    predicted: Callable[[Floats], Floats],
    step: float,
) -> Floats:
    """Mean change (N, d, k) of the k used factors when one of the d live codes is moved up or down."""
    codes = problem.codes.astype(np.float64)
    before = predicted(codes)
    found = np.zeros((len(codes), len(live), len(used)))
    for place, code in enumerate(live):
        for sign in (-1, 1):
            moved = codes.copy()
            moved[:, code] += sign * step * codes[:, code].std()
            after = predicted(moved)
            for column, k in enumerate(used):
                found[:, place, column] += change(problem.factors.factors[k], before[:, k], after[:, k]) / 2
    return found


def _score(
    name: str, changes: Floats, stamp: Stamp, details: dict[str, Any], bootstrap: int, nulls: int, seed: int
) -> Score:
    """One of the two scores, of changes (N, d, k) per row."""
    rows, codes, factors = changes.shape
    if name == "effect.disentanglement" and factors < 2:
        return Score(name, None, stamp, reason="disentanglement compares factors, and only one varies.", **details)
    if name == "effect.completeness" and codes < 2:
        return Score(name, None, stamp, reason="completeness compares codes, and only one varies.", **details)
    aggregate = disentanglement if name == "effect.disentanglement" else completeness
    value = aggregate(changes.mean(axis=0))
    more: dict[str, Any] = {}
    if bootstrap:
        means = bootstrap_means(changes.reshape(rows, -1), bootstrap, generator(seed, "effect", "bootstrap"))
        draws = np.array([aggregate(m.reshape(codes, factors)) for m in means])
        more["interval"] = interval(value, draws, 0, 1)
    if nulls:
        random = generator(seed, "effect", "null")
        orders = (random.permuted(np.tile(np.arange(codes), (rows, 1)), axis=1)[:, :, None] for _ in range(nulls))
        scores = [aggregate(np.take_along_axis(changes, order, axis=1).mean(axis=0)) for order in orders]
        more["null"], more["null_interval"] = null_range(np.array(scores), 0, 1)
    return Score(name, value, stamp, **details, **more)
