"""Is one model better than another? Differences of scores, with their intervals."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core import Codes, ConfigError, FactorTable, Score, Stamp
from unweave.core.seeds import generator
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, as_problem
from unweave.metrics.registry import DEFAULT, Entry, Metric, choose
from unweave.metrics.resampling import student_t
from unweave.metrics.scorecard import scores_of
from unweave.metrics.splitting import train_test
from unweave.metrics.weights import Weights

MAX_ROWS = 3000
"""Rows on which metrics that refit trees are compared, unless asked otherwise."""

Rows = NDArray[np.int64]


class StampWarning(UserWarning):
    """Two scores are compared that were not computed by one protocol."""


@dataclass(frozen=True)
class Difference:
    """How much higher the first of two scores is.

    Attributes:
        name: of the score.
        value: first minus second, or None where one of them has no value; then `reason` says why.
        interval: at 95 %, or None.
        first, second: the two scores.
    """

    name: str
    value: float | None
    interval: tuple[float, float] | None
    first: Score
    second: Score
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {
            "value": self.value,
            "interval": None if self.interval is None else list(self.interval),
            "reason": self.reason,
            "first": self.first.to_json(),
            "second": self.second.to_json(),
        }


@dataclass(frozen=True)
class Comparison(Mapping[str, Difference]):
    """Differences of two models, by name of the score."""

    differences: Mapping[str, Difference] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Difference:
        return self.differences[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.differences)

    def __len__(self) -> int:
        return len(self.differences)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary `{"differences": {name: …}}`."""
        return {"differences": {name: difference.to_json() for name, difference in self.items()}}


def difference(first: Score, second: Score) -> Difference:
    """First minus second of two scores that were computed apart, such as of two sets of data.

    The interval takes the two for independent: ends are those of the difference of two estimates, each with its own,
    perhaps lopsided, interval (Zou and Donner 2008, Statistics in Medicine 27, eq. 4). For two models on the same rows
    it is too wide, since both scores move with the rows: use `compare`.

    Warns:
        StampWarning: the scores were not computed by one protocol; names the settings that differ.
    """
    apart = stamp_differences(first.stamp, second.stamp)
    if apart:
        warnings.warn(
            f"{first.name} and {second.name} are not comparable: their stamps differ in {', '.join(apart)}. "
            "Compute both with the same settings.",
            StampWarning,
            stacklevel=2,
        )
    if first.value is None or second.value is None:
        return _without_value(first, second)
    value, between = first.value - second.value, None
    if first.interval is not None and second.interval is not None:
        (low_a, high_a), (low_b, high_b) = first.interval, second.interval
        down = math.hypot(first.value - low_a, high_b - second.value)
        between = value - down, value + math.hypot(high_a - first.value, second.value - low_b)
    return Difference(first.name, value, between, first, second)


def stamp_differences(first: Stamp, second: Stamp) -> tuple[str, ...]:
    """Names of the fields in which two stamps differ, such as `mode` and `settings.bins`."""
    one, two = _flat(first.to_json()), _flat(second.to_json())
    return tuple(name for name in dict.fromkeys([*one, *two]) if one.get(name) != two.get(name))


def _flat(stamp: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in stamp.items():
        inner = value if isinstance(value, dict) else None
        flat |= {name: value} if inner is None else {f"{name}.{key}": inner[key] for key in inner}
    return flat


def compare(
    first: CodesLike,
    second: CodesLike,
    factors: FactorsLike,
    *,
    metrics: Sequence[str | Metric] = DEFAULT,
    mode: Mode = "robust",
    seed: int = 0,
    train_rows: int | None = None,
    weights: Weights = "equal",
    halvings: int = 10,
    max_rows: int | None = MAX_ROWS,
) -> Comparison:
    """Differences of two models on the same rows, with intervals that know that the rows are the same.

    Every metric is computed for both models on all rows and on both halves of the rows, halved at random `halvings`
    times. Half the gap between the two differences of one halving estimates the standard error (half-samples: McCarthy
    1969, Review of the International Statistical Institute 37; Student's t of `halvings` degrees of freedom). Leaving
    out small parts instead would multiply the jitter of bins and trees by the number of parts. Where both models find
    the same rows hard, the interval is much narrower than the two intervals suggest.

    Args:
        first: codes (N, D) of one model.
        second: codes (N, D') of the other, of the same observations in the same order.
        factors: labels (N, K).
        metrics: as in `scorecard`.
        mode: see each metric.
        seed: seed of the split, the halves and what the metrics draw.
        train_rows: metrics that learn take the first rows for that and test on the rest; None draws two thirds, the
            same for both models and in every half.
        weights: of the factors, as in `scorecard`.
        halvings: how often the rows are halved, at least 2.
        max_rows: metrics that take `max_rows` (they refit trees) are compared on a random part of so many rows, to
            spare time; None takes all.

    Returns:
        One difference for each score, first minus second; scores have no intervals of their own.

    Raises:
        ConfigError: a metric does not exist, or there are less than 2 halvings.
        ShapeError, DataError: see the metrics.
    """
    problems = [as_problem(codes, factors) for codes in (first, second)]
    if halvings < 2:
        raise ConfigError(f"halvings: expected at least 2, got {halvings}.")
    always = {"mode": mode, "bootstrap": 0, "nulls": 0, "seed": seed}
    # Codes hold the variances too.
    given = [c if isinstance(c, Codes) else p.codes for c, p in zip((first, second), problems, strict=True)]
    table, found = problems[0].factors, dict[str, Difference]()
    for entry, wanted in choose(metrics):
        most = max_rows if "max_rows" in entry.takes else None
        split = train_test(len(problems[0].codes), train_rows, most, generator(seed, "compare", "split"))
        calls = [
            (kept, entry.keywords(always, {"train_rows": train, "max_rows": None, "weights": weights}))
            for kept, train in _samples(*split, halvings, generator(seed, "compare", "halves"))
        ]
        scores = [[_scores(entry, codes, table, *call) for call in calls] for codes in given]
        names = [name for name in scores[0][0] if name in scores[1][0] and (not wanted or name in wanted)]
        found |= {name: _paired(*([score.get(name) for score in side] for side in scores)) for name in names}
    return Comparison(found)


def _samples(train: Rows, test: Rows, halvings: int, random: np.random.Generator) -> Iterator[tuple[Rows, int]]:
    """All rows, then two halves for each halving; training rows first, with their number."""
    yield np.concatenate([train, test]), len(train)
    for _ in range(halvings):
        first = [np.sort(random.permutation(side)[: len(side) // 2]) for side in (train, test)]
        second = [np.setdiff1d(side, half, assume_unique=True) for side, half in zip((train, test), first, strict=True)]
        for half in (first, second):
            yield np.concatenate(half), len(half[0])


def _scores(
    entry: Entry, codes: Codes | NDArray[Any], table: FactorTable, rows: Rows, keywords: Mapping[str, Any]
) -> Mapping[str, Score]:
    some = codes.take(rows) if isinstance(codes, Codes) else codes[rows]
    return scores_of(entry.metric(some, table.take(rows), **keywords))


def _paired(first: Sequence[Score | None], second: Sequence[Score | None]) -> Difference:
    """The difference of two scores, on all rows (first in each list) and on two halves for each halving."""
    one, two = first[0], second[0]
    assert one is not None
    assert two is not None
    if one.value is None or two.value is None:
        return _without_value(one, two)
    value, between = one.value - two.value, None
    pairs = zip(first[1:], second[1:], strict=True)
    halves = [a.value - b.value for a, b in pairs if a and b and a.value is not None and b.value is not None]
    if len(halves) == len(first) - 1:
        gaps = np.array(halves).reshape(-1, 2) @ [0.5, -0.5]
        reach = student_t(len(gaps)) * float(np.sqrt((gaps**2).mean()))
        between = value - reach, value + reach
    return Difference(one.name, value, between, one, two)


def _without_value(first: Score, second: Score) -> Difference:
    which, score = ("first", first) if first.value is None else ("second", second)
    return Difference(first.name, None, None, first, second, reason=f"the {which} has no value: {score.reason}")
