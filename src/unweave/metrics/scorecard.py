"""All scores of one model on one set of held-out rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from unweave.core import Score, Scorecard
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, as_problem
from unweave.metrics.registry import DEFAULT, Metric, choose


def scorecard(
    codes: CodesLike,
    factors: FactorsLike,
    *,
    metrics: Sequence[str | Metric] = DEFAULT,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = 20,
    seed: int = 0,
    train_rows: int | None = None,
) -> Scorecard:
    """Score codes by several metrics.

    Args:
        codes: codes (N, D) of rows that the model has not been trained on.
        factors: labels (N, K) of the same rows.
        metrics: names of metrics or of single scores (see `registry.METRICS`), or functions of the same signature; bind
            other arguments with `functools.partial(dci, max_rows=2000)`.
        mode: see each metric.
        bootstrap: samples per interval; 0 leaves intervals out.
        nulls: permutations for the scores of random codes; 0 leaves them out. Metrics that refit trees take fewer.
        seed: seed of everything drawn.
        train_rows: metrics that learn take the first rows for that and test on the rest; None splits at random.

    Raises:
        ConfigError: a metric does not exist.
    """
    problem = as_problem(codes, factors)
    arguments: dict[str, Any] = {"mode": mode, "bootstrap": bootstrap, "nulls": nulls, "seed": seed}
    scores: dict[str, Score] = {}
    for metric, wanted, split in _in_order(metrics):
        given = arguments | ({"train_rows": train_rows} if split else {})
        found = metric(codes, problem.factors, **given)
        all_found = {found.name: found} if isinstance(found, Score) else dict(found)
        scores |= {name: score for name, score in all_found.items() if not wanted or name in wanted}
    return Scorecard(scores)


def _in_order(metrics: Sequence[str | Metric]) -> Iterator[tuple[Metric, tuple[str, ...], bool]]:
    """Functions, the scores that are wanted of each (none: all), and whether it splits the rows."""
    named = choose(m for m in metrics if isinstance(m, str))
    for entry, wanted in named:
        yield entry.metric, wanted, entry.split
    for metric in metrics:
        if not isinstance(metric, str):
            yield metric, (), False
