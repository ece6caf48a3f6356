"""How right the labels are that a model's bound columns stand for."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from unweave.core import Factor, Score, Scorecard
from unweave.core.binding import Binding, Bound
from unweave.core.seeds import generator
from unweave.metrics.inputs import CodesLike, FactorsLike, Problem, as_problem
from unweave.metrics.resampling import Floats, bootstrap_means, interval, null_range
from unweave.metrics.stamps import make_stamp


def bound_scores(
    codes: CodesLike, factors: FactorsLike, binding: Binding, *, bootstrap: int = 200, nulls: int = 20, seed: int = 0
) -> Scorecard:
    """How well the columns that training bound to a factor say its label, as they are: one score `bound.NAME` each.

    Nothing is fitted. A factor of classes or levels gives the accuracy, in [0, 1]. A measurement gives R², at most 1,
    below 0 when the columns are worse than the mean label. An angle gives the same with 1 - cos of the error in place
    of its square, about the mean direction.

    Args:
        codes: codes (N, D) of rows that the model has not been trained on.
        factors: labels (N, K) of the same rows; a bound factor that is not among them gives no score.
        binding: of the model.
        bootstrap: samples of the rows for the interval; 0 leaves it out.
        nulls: permutations of the rows for the score of random codes; 0 leaves it out.
        seed: of both.
    """
    problem = as_problem(codes, factors)
    wanted = [b for b in binding.bound if b.target.factor.name in problem.factors.names]
    scores = [_score(problem, bound, bootstrap, nulls, seed) for bound in wanted]
    return Scorecard({score.name: score for score in scores})


def _score(problem: Problem, bound: Bound, bootstrap: int, nulls: int, seed: int) -> Score:
    factor, column = bound.target.factor, problem.factors.index(bound.target.factor.name)
    rows = np.flatnonzero(problem.factors.known[:, column])
    name, labels = f"bound.{factor.name}", problem.factors.values[rows, column]
    settings = {
        "columns": list(bound.columns),
        "score": "accuracy" if factor.is_discrete else "R2",
        "bootstrap": bootstrap,
        "nulls": nulls,
        "seed": seed,
    }
    part = Problem(problem.codes, problem.factors.select([factor.name]))
    stamp = make_stamp("bound", "robust", part, settings)
    if len(rows) == 0 or not np.ptp(labels) > 0:
        return Score(name, None, stamp, reason=f"the labels of {factor.name!r} are missing or all the same.")
    read = bound.read(problem.codes[rows])
    outcomes = _outcomes(factor, read, labels)
    value, low = float(_value(outcomes.mean(0))), 0.0 if factor.is_discrete else -math.inf
    span, null, null_span = None, None, None
    if bootstrap:
        draws = _value(bootstrap_means(outcomes, bootstrap, generator(seed, name, "bootstrap")))
        span = interval(value, draws, low, 1)
    if nulls:
        random = generator(seed, name, "null")
        found = [_value(_outcomes(factor, random.permutation(read), labels).mean(0)) for _ in range(nulls)]
        null, null_span = null_range(np.array(found), low, 1)
    return Score(name, value, stamp, interval=span, null=null, null_interval=null_span)


def _outcomes(factor: Factor, read: NDArray[np.float64], labels: NDArray[np.float64]) -> Floats:
    """Of each row: (right,) for classes, (error, deviation from the mean) for the others."""
    if factor.is_discrete:
        return np.asarray(read == labels, dtype=np.float64)[:, None]
    if factor.kind == "circular":
        turn = 2 * math.pi / factor.period
        mean = np.angle(np.exp(1j * turn * labels).mean())
        return np.stack([1 - np.cos(turn * (read - labels)), 1 - np.cos(turn * labels - mean)], 1)
    return np.stack([(read - labels) ** 2, (labels - labels.mean()) ** 2], 1)


def _value(means: Floats) -> Floats:
    """Accuracy, or 1 - error / deviation, of mean outcomes (…, M)."""
    return np.asarray(means[..., 0] if means.shape[-1] == 1 else 1 - means[..., 0] / means[..., 1])
