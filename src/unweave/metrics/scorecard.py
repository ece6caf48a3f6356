"""All scores of one model on one set of held-out rows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core import Codes, ConfigError, Score, Scorecard
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, Problem, as_problem
from unweave.metrics.registry import DEFAULT, Entry, Metric, choose
from unweave.metrics.stamps import make_stamp
from unweave.metrics.weights import Groups, Weights


def scorecard(
    codes: CodesLike,
    factors: FactorsLike | None = None,
    *,
    metrics: Sequence[str | Metric] = DEFAULT,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = 20,
    seed: int = 0,
    train_rows: int | None = None,
    weights: Weights = "equal",
    groups: Groups | None = None,
    grid: Sequence[int] | None = None,
    budget: float | None = None,
) -> Scorecard:
    """Score codes by several metrics, one after the other in the order given.

    Args:
        codes: codes (N, D) of rows that the model has not been trained on.
        factors: labels (N, K) of the same rows; None with a grid, whose cells name their labels.
        metrics: names of metrics or of single scores (see `registry.METRICS`), or functions of the same signature; bind
            other arguments with `functools.partial(dci, max_rows=2000)`: what is bound stays.
        mode: see each metric.
        bootstrap: samples per interval; 0 leaves intervals out.
        nulls: permutations for the scores of random codes; 0 leaves them out. Metrics that refit trees take fewer.
        seed: seed of everything drawn.
        train_rows: metrics that learn take the first rows for that and test on the rest; None splits at random.
        weights: of the factors in metrics that are means over factors (see `weights.Weights`); others ignore them.
        groups: columns of codes that count as one in metrics that know groups (see `weights.Groups`).
        grid: sizes of the factors when the rows are all cells of their grid, in C order; for metrics that draw from it.
        budget: seconds. A metric that has not begun when they are over is left out: its scores are there without a
            value, with the reason. One that has begun ends, so put first what matters most.

    Raises:
        ConfigError: a metric or a score does not exist, or the budget is negative or not a number.
    """
    if budget is not None and not budget >= 0:
        raise ConfigError(f"budget: expected seconds from 0 up, or None, got {budget}.")
    if (factors is None) == (grid is None):
        raise ConfigError("scorecard: pass labels of the rows, or the grid whose cells they are; one of the two.")

    @cache
    def problem() -> Problem:
        """Checked only where a metric needs labels: the cells of a grid can be many."""
        return as_problem(codes, _cells(grid) if factors is None else factors)

    arguments: dict[str, Any] = {"mode": mode, "bootstrap": bootstrap, "nulls": nulls, "seed": seed}
    optional: dict[str, Any] = {"train_rows": train_rows, "weights": weights, "groups": groups, "grid": grid}
    chosen = list(choose(metrics))
    began, scores = time.monotonic(), dict[str, Score]()
    for entry, wanted in chosen:
        if budget is not None and time.monotonic() - began >= budget:
            found: Mapping[str, Score] = _left_out(entry, problem(), mode, budget)
        else:
            from_grid = grid is not None and "grid" in entry.takes
            split = {"train_rows": None} if from_grid else {}  # cells are not split
            given = codes if from_grid or isinstance(codes, Codes) else problem().codes  # Codes hold variances too
            labels = None if from_grid else problem().factors
            found = scores_of(entry.metric(given, labels, **entry.keywords(arguments, optional | split)))
        absent = [name for name in wanted if name not in found]
        if absent:
            raise ConfigError(f"metrics: there is no score {absent[0]!r}. Choose from {', '.join(found) or 'none'}.")
        scores |= {name: score for name, score in found.items() if not wanted or name in wanted}
    return Scorecard(scores)


def _cells(sizes: Sequence[int] | None) -> NDArray[np.int64]:
    """Labels (prod sizes, K) of all cells of a grid in C order."""
    shape = tuple(int(size) for size in sizes or ())
    return np.indices(shape).reshape(len(shape), -1).T


def scores_of(found: Score | Scorecard) -> Mapping[str, Score]:
    """What a metric gives, by name."""
    return {found.name: found} if isinstance(found, Score) else found


def _left_out(entry: Entry, problem: Problem, mode: Mode, budget: float) -> dict[str, Score]:
    """Scores without a value of a metric that there was no time for."""
    reason = f"left out: the budget of {budget:g} s was over before it began."
    found = {}
    for name in _names(entry, problem):
        stamp = make_stamp(name.partition(".")[0], mode, problem, {"budget": budget})
        found[name] = Score(name, None, stamp, reason=reason)
    return found


def _names(entry: Entry, problem: Problem) -> Iterator[str]:
    for name in entry.scores:
        stem = name.removesuffix("*")
        yield from (name,) if stem == name else (stem + factor for factor in problem.factors.names)
