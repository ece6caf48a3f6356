"""All scores of one model on one set of held-out rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from unweave.core import ConfigError, Score, Scorecard
from unweave.metrics.dci import dci
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, as_problem
from unweave.metrics.mig import mig
from unweave.metrics.probe import probe

Metric = Callable[..., Score | Scorecard]
"""`metric(codes, factors, *, mode, bootstrap, nulls, seed)` gives one score, or several by name."""

METRICS: Mapping[str, Metric] = {"mig": mig, "dci": dci, "probe": probe}
"""The metrics that a scorecard can compute, in the order in which they should be read."""

DEFAULT = tuple(METRICS)


def scorecard(
    codes: CodesLike,
    factors: FactorsLike,
    *,
    metrics: Sequence[str | Metric] = DEFAULT,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = 20,
    seed: int = 0,
) -> Scorecard:
    """Score codes by several metrics.

    Args:
        codes: codes (N, D) of rows that the model has not been trained on.
        factors: labels (N, K) of the same rows.
        metrics: names (see `METRICS`) or functions of the same signature; bind other arguments with
            `functools.partial(dci, max_rows=2000)`.
        mode: see each metric.
        bootstrap: samples per interval; 0 leaves intervals out.
        nulls: permutations for the scores of random codes; 0 leaves them out. Metrics that refit trees take fewer.
        seed: seed of everything drawn.

    Raises:
        ConfigError: a metric does not exist.
    """
    chosen = [METRICS.get(metric) if isinstance(metric, str) else metric for metric in metrics]
    problem = as_problem(codes, factors)
    scores: dict[str, Score] = {}
    for name, metric in zip(metrics, chosen, strict=True):
        if metric is None:
            raise ConfigError(f"metrics: there is no metric {name!r}. Choose from {', '.join(METRICS)}.")
        found = metric(problem.codes, problem.factors, mode=mode, bootstrap=bootstrap, nulls=nulls, seed=seed)
        scores |= {found.name: found} if isinstance(found, Score) else dict(found)
    return Scorecard(scores)
