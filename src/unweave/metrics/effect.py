"""What moving one code does to what is decoded: the effect matrix of interventions on a decoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unweave.core import DataError, Factor, FactorTable, LatentModel, Score, Scorecard, ShapeError, Stamp
from unweave.core.model import Observations
from unweave.core.observations import at_rest
from unweave.core.seeds import generator
from unweave.metrics.importances import completeness, disentanglement
from unweave.metrics.inputs import CodesLike, as_problem
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
"""Rows that are decoded at once, and that show how changes grow with the step."""

SHORTER = 0.9
"""A shorter step, in steps."""


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
    table, values = problem.factors, problem.codes.astype(np.float64)
    live = np.flatnonzero(~problem.constant)
    apart = np.stack([_apart(f, table.values[:, k], table.known[:, k]) for k, f in enumerate(table.factors)], axis=1)
    used = np.flatnonzero(apart.sum(axis=0) > 0)
    settings = {"step": step, "unit": "two random rows", "bootstrap": bootstrap, "nulls": nulls, "seed": seed}
    stamp = make_stamp("effect", "robust", problem, settings)
    details: dict[str, Any] = {
        "dropped_codes": tuple(np.setdiff1d(np.arange(values.shape[1]), live).tolist()),
        "dropped_factors": tuple(table.names[k] for k in np.setdiff1d(np.arange(len(table.names)), used)),
    }
    reason = "no code varies." if len(live) == 0 else "no factor varies." if len(used) == 0 else None
    if reason is not None:
        return Scorecard({name: Score(name, None, stamp, reason=reason, **details) for name in NAMES})
    predicted = partial(_predicted, decode, predict, len(table.names))
    deviation = values.std(axis=0)
    measure = partial(_changes, live=live, used=used, factors=table.factors, predicted=predicted)
    changes, some = measure(values, step * deviation), slice(0, ROWS)
    shorter = (
        measure(values[some], SHORTER * step * deviation).mean(axis=0) if bootstrap else changes[some].mean(axis=0)
    )
    growth = _growth(shorter, changes[some].mean(axis=0))
    codes_used = values[:, live] - values[:, live].mean(axis=0)
    found = _Effects(changes, growth, codes_used, apart[:, used], table.known[:, used])
    details["matrix"] = np.zeros((values.shape[1], len(table.names)))
    details["matrix"][np.ix_(live, used)] = found.matrix(found.rows.mean(axis=0))
    return Scorecard({name: found.score(name, stamp, details, bootstrap, nulls, seed) for name in NAMES})


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
        return read(model.encode(at_rest(decoded)).mean)

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


def _apart(factor: Factor, labels: Floats, known: NDArray[np.bool_]) -> Floats:
    """Mean change (N,) from each row to others, 0 where the label is missing."""
    found, some = np.zeros(len(labels)), labels[known]
    if len(some) > 1:
        others = np.linspace(0, len(some) - 1, min(len(some), PAIRED)).astype(np.int64)
        total = change(factor, some[:, None], some[others]).sum(axis=1)
        found[known] = total / (len(others) - np.isin(np.arange(len(some)), others))
    return found


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
    codes: Floats,
    steps: Floats,
    *,
    live: NDArray[np.int64],
    used: NDArray[np.int64],
    factors: Sequence[Factor],
    predicted: Callable[[Floats], Floats],
) -> Floats:
    """Mean change (N, d, k) of the k used factors when one of the d live codes is moved up or down by its step."""
    before = predicted(codes)
    found = np.zeros((len(codes), len(live), len(used)))
    for place, code in enumerate(live):
        for sign in (-1, 1):
            moved = codes.copy()
            moved[:, code] += sign * steps[code]
            after = predicted(moved)
            for column, k in enumerate(used):
                found[:, place, column] += change(factors[k], before[:, k], after[:, k]) / 2
    return found


def _growth(shorter: Floats, whole: Floats) -> Floats:
    """Power of the step that mean changes (d, k) grow with: 1 for a linear decoder, 0 where a step saturates."""
    both = (shorter > 0) & (whole > 0)
    ratio = np.divide(whole, shorter, out=np.ones_like(whole), where=both)
    return np.asarray(np.clip(np.log(ratio) / -np.log(SHORTER), 0, 4))


@dataclass(frozen=True)
class _Effects:
    """What effects are made of.

    Attributes:
        changes: change of each factor by moving each code, (N, d, k).
        growth: power of the step that changes grow with, (d, k).
        codes: centred codes, (N, d).
        apart: mean change of each factor from a row to others, (N, k).
        known: whether the label is known, (N, k).
    """

    changes: Floats
    growth: Floats
    codes: Floats
    apart: Floats
    known: NDArray[np.bool_]

    @property
    def rows(self) -> Floats:
        """All that an effect matrix is made of, as columns whose means count."""
        flat = self.changes.reshape(len(self.changes), -1)
        return np.hstack([flat, self.codes, self.codes**2, self.apart, self.known])

    def matrix(self, means: Floats) -> Floats:
        """Effect matrix (d, k) of means of `rows`.

        In other rows, codes have other deviations and so move by other steps; and random rows are apart by another
        unit, whose first order is twice that of one of the two.
        """
        rows, codes, factors = self.changes.shape
        flat, mean, square, apart, known = np.split(means, np.cumsum([codes * factors, codes, codes, factors]))
        steps = np.sqrt(np.maximum(square - mean**2, 0)) / self.codes.std(axis=0)
        unit = self.apart.sum(axis=0) / self.known.sum(axis=0)
        moved = np.maximum(2 * apart / np.maximum(known, 1 / rows) - unit, 0.01 * unit)
        return np.asarray(flat.reshape(codes, factors) * steps[:, None] ** self.growth / moved)

    def score(self, name: str, stamp: Stamp, details: dict[str, Any], bootstrap: int, nulls: int, seed: int) -> Score:
        """One of the two scores."""
        rows, codes, factors = self.changes.shape
        if name == "effect.disentanglement" and factors < 2:
            return Score(name, None, stamp, reason="disentanglement compares factors, and only one varies.", **details)
        if name == "effect.completeness" and codes < 2:
            return Score(name, None, stamp, reason="completeness compares codes, and only one varies.", **details)
        aggregate = disentanglement if name == "effect.disentanglement" else completeness
        value = aggregate(self.matrix(self.rows.mean(axis=0)))
        more: dict[str, Any] = {}
        if bootstrap:
            means = bootstrap_means(self.rows, bootstrap, generator(seed, "effect", "bootstrap"))
            draws = np.array([aggregate(self.matrix(m)) for m in means])
            # Quantiles of the draws themselves, moved to have the score as their mean: aggregates are bent, and draws
            # are biased once more than the score is.
            more["interval"] = interval(value, value + draws.mean() - draws, 0, 1)
        if nulls:
            random = generator(seed, "effect", "null")
            orders = (random.permuted(np.tile(np.arange(codes), (rows, 1)), axis=1)[:, :, None] for _ in range(nulls))
            mixed = (replace(self, changes=np.take_along_axis(self.changes, order, axis=1)) for order in orders)
            scores = [aggregate(one.matrix(one.rows.mean(axis=0))) for one in mixed]
            more["null"], more["null_interval"] = null_range(np.array(scores), 0, 1)
        return Score(name, value, stamp, **details, **more)
