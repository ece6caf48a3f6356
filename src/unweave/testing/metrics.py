"""The contract of a metric, as checks that anyone can run on their own.

    from unweave.testing.metrics import check_metric
    check_metric(my_metric)

A metric is a function `metric(codes, factors, *, mode, bootstrap, nulls, seed)` that gives a `Score` or a `Scorecard`.
With pytest, run one check per test: `@pytest.mark.parametrize("check", CHECKS)` and `check(my_metric)`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core import DataError, Factor, FactorTable, Score, Scorecard, ShapeError
from unweave.core.seeds import generator

Metric = Callable[..., Score | Scorecard]
Labels = NDArray[np.int64]
Array = NDArray[np.float64]

SIZES = (3, 4, 5)
ROWS = 600

MANY, MANY_PART = 1_000_000, 20_000

MIXING = np.array([[1.0, 0.3, 0.0, 0.0], [0.0, 1.0, 0.2, 0.0], [0.1, 0.0, 1.0, 0.0]])
"""How the suite's codes depend on its factors: unevenly, and the last not at all."""

SAME = 0.02
"""How far two scores may be apart that should be the same: a learner may break ties in another way."""

OUTLIER = 0.07
"""The same where one of the rows is an outlier. Scores of counts move by 0.04 at most over a hundred seeds, as by any
other row; what trees learn may move further. A score that takes whole cells of information in or out by whether they
are more than chance moves by 0.12, and a linear model of codes that are not clipped loses 0.1 to 0.5."""

RESPLIT = 0.15
"""The same where rows may fall differently into a part that is learnt from and a part that is tested."""


def check_metric(metric: Metric, *, seeds: tuple[int, ...] = (0,), label_blind: bool = False) -> None:
    """Run every check of the contract on a metric.

    Args:
        metric: the metric.
        seeds: of the data; the checks in `ONCE` run with the first of them only.
        label_blind: the metric does not look at factors; it measures how far codes depend on one another.

    Raises:
        AssertionError: the first check that fails, with what was expected and what came.
    """
    for check in checks_for(label_blind=label_blind):
        for seed in seeds[:1] if check in ONCE else seeds:
            check(metric, seed)


def without(metric: Metric, scores: Collection[str]) -> Metric:
    """The metric without some of its scores: those that a check does not apply to (`registry.Entry.exempt`)."""

    def rest(*arguments: Any, **settings: Any) -> Scorecard:  # noqa: ANN401 - whatever the metric takes
        found = metric(*arguments, **settings)
        card = {found.name: found} if isinstance(found, Score) else found
        return Scorecard({name: score for name, score in card.items() if name not in scores})

    return rest


def check_identity(metric: Metric, seed: int = 0) -> None:
    """Codes that are the factors score more than 0.9."""
    for name, value in _values(metric, _factors(seed).astype(float), _factors(seed)).items():
        _require(value > 0.9, f"{name}: identity codes should score above 0.9, got {value}.")


def check_noise(metric: Metric, seed: int = 0) -> None:
    """Codes that say nothing score less than 0.2, or what random codes score; and that is far below identity codes."""
    identity = _values(metric, _factors(seed).astype(float), _factors(seed))
    for name, score in _scores(metric, _noise(seed), _factors(seed), nulls=5).items():
        value, null = _number(f"{name}: noise", score.value), _number(f"{name}: null of noise", score.null)
        _require(value < max(0.2, null + 0.1), f"{name}: noise scores {value}, random codes {null}.")
        _require(null < identity[name] - 0.3, f"{name}: random codes score {null}, identity codes {identity[name]}.")


def check_order_and_units(metric: Metric, seed: int = 0) -> None:
    """The order of codes and of rows does not matter, nor do the units of the codes."""
    codes, factors = _mixed(seed), _factors(seed)
    expected = _values(metric, codes, factors)
    _same("reordered codes", _values(metric, codes[:, ::-1], factors), expected)
    scaled = codes * np.array([1e-6, 1.0, 300.0, 7.0]) + np.array([0.0, 5.0, -1.0, 100.0])
    _same("rescaled codes", _values(metric, scaled, factors), expected)
    rows = generator(seed, "contract", "rows").permutation(ROWS)
    _same("reordered rows", _values(metric, codes[rows], factors[rows]), expected, RESPLIT)


def check_precision(metric: Metric, seed: int = 0) -> None:
    """Single and double precision give the same score."""
    codes, factors = _mixed(seed).astype(np.float32), _factors(seed)
    _same("float64 codes", _values(metric, codes.astype(np.float64), factors), _values(metric, codes, factors))


def check_labels(metric: Metric, seed: int = 0) -> None:
    """Any integers and any strings serve as labels."""
    codes, factors = _mixed(seed), _factors(seed)
    expected = _values(metric, codes, factors)
    _same("labels 10, 7, 4, …", _values(metric, codes, 10 - 3 * factors), expected)
    words = np.array(["a-c", "b-c", "é", "d d", "5"])[factors]
    _same("string labels", _values(metric, codes, words), expected)


def check_outlier(metric: Metric, seed: int = 0) -> None:
    """In robust mode a row a thousand times as large moves a score no further than a row may."""
    codes, factors = _mixed(seed), _factors(seed)
    expected = _values(metric, codes, factors, mode="robust")
    for row in generator(seed, "contract", "outlier").choice(ROWS, 2, replace=False):  # learnt from, or tested on
        wild = codes.copy()
        wild[row] *= 1000
        _same("one row a thousand times as large", _values(metric, wild, factors, mode="robust"), expected, OUTLIER)


def check_dead_code(metric: Metric, seed: int = 0) -> None:
    """A code that does not vary is named and changes nothing."""
    codes, factors = _mixed(seed), _factors(seed)
    for constant in (0.0, 0.37, -2.0):
        dead = np.insert(codes, 1, constant, axis=1)
        _same("with a dead code", _values(metric, dead, factors), _values(metric, codes, factors))
        for name, score in _scores(metric, dead, factors).items():
            dropped = score.dropped_codes
            _require(dropped == (1,), f"{name}: dropped_codes should be (1,), got {dropped}.")


def check_constant_factor(metric: Metric, seed: int = 0) -> None:
    """A factor that does not vary is named and changes nothing; a score of its own has a reason instead of a value."""
    codes, factors = _mixed(seed), _factors(seed)
    expected = _values(metric, codes, _table(factors, "abc"))
    scores = _scores(metric, codes, _table(np.insert(factors, 3, 7, axis=1), "abcd"))
    one_per_factor = len(scores) > len(expected)
    for name, score in scores.items():
        if name not in expected:
            _require(score.reason is not None, f"{name}: a constant factor has no score, got {score.value}.")
            continue
        _same("with a constant factor", {name: _number(name, score.value)}, {name: expected[name]})
        dropped = score.dropped_factors
        named = dropped == ("d",) or one_per_factor
        _require(named, f"{name}: dropped_factors should be ('d',), got {dropped}.")


def check_duplicated_code(metric: Metric, seed: int = 0) -> None:
    """A copy of every code gives a score, not a crash."""
    codes = _factors(seed).astype(float)
    _values(metric, np.hstack([codes, codes]), _factors(seed))


def check_small(metric: Metric, seed: int = 0) -> None:
    """One factor, one code, two rows, one row, no factor: a value or a reason, never a crash."""
    codes, factors = _mixed(seed), _factors(seed)
    cases = {
        "one factor": (codes, factors[:, :1]),
        "one code": (codes[:, :1], factors),
        "two rows": (codes[:2], np.array([[0, 0, 0], [1, 1, 1]])),
        "one row": (codes[:1], factors[:1]),
        "no factor": (codes, factors[:, :0]),
        "only dead codes": (np.ones((ROWS, 3)), factors),
        "only constant factors": (codes, np.zeros_like(factors)),
    }
    for case, (some_codes, some_factors) in cases.items():
        for name, score in _scores(metric, some_codes, some_factors, bootstrap=20, nulls=2).items():
            _require((score.value is None) == bool(score.reason), f"{name}: {case}: neither a value nor a reason.")


def check_missing_labels(metric: Metric, seed: int = 0) -> None:
    """Rows without labels change nothing, and every factor is scored on the rows that have it."""
    codes, factors = _mixed(seed), _factors(seed).astype(float)
    expected = _values(metric, codes, factors)
    empty = np.full((50, len(SIZES)), np.nan)
    padded = np.vstack([codes, _noise(seed)[:50]]), np.vstack([factors, empty])
    _same("with unlabelled rows", _values(metric, *padded), expected, RESPLIT)
    holes = np.where(generator(seed, "holes").random(factors.shape) < 0.3, np.nan, factors)
    _same("with missing labels", _values(metric, codes, holes), expected, RESPLIT)


def check_complete(metric: Metric, seed: int = 0) -> None:
    """A score has an interval around it, a null, a matrix; it survives JSON, and the same seed gives the same."""
    codes, factors = _mixed(seed), _factors(seed)
    before = codes.copy(), factors.copy()
    first, second = (_scores(metric, codes, factors, bootstrap=20, nulls=2, seed=seed) for _ in range(2))
    for name, score in first.items():
        text = json.dumps(score.to_json(), allow_nan=False)
        _require(text == json.dumps(second[name].to_json()), f"{name}: two runs with one seed differ.")
        _require(Score.from_json(name, json.loads(text)).to_json() == json.loads(text), f"{name}: not kept by JSON.")
        for what, number, around in (
            ("value", score.value, score.interval),
            ("null", score.null, score.null_interval),
        ):
            at = _number(f"{name}: {what}", number)
            inside = around is not None and around[0] <= at <= around[1]
            _require(inside, f"{name}: the {what} {at} lies outside {around}.")
        _require(score.matrix is not None, f"{name}: no matrix.")
    unchanged = np.array_equal(codes, before[0]) and np.array_equal(factors, before[1])
    _require(unchanged, "the metric changed its arguments.")


def check_many_rows(metric: Metric, seed: int = 0) -> None:
    """A million rows score like a part of them, and cost no more than a person would wait for."""
    random = generator(seed, "contract", "many rows")
    factors = np.stack([random.integers(size, size=MANY) for size in SIZES], axis=1)
    codes = (factors @ MIXING + 0.3 * random.standard_normal((MANY, 4))).astype(np.float32)
    part = _scores(metric, codes[:MANY_PART], factors[:MANY_PART])
    for name, score in _scores(metric, codes, factors).items():
        few = part[name].value
        if score.value is not None and few is not None:
            _require(abs(score.value - few) <= RESPLIT, f"{name}: {MANY} rows score {score.value}, a part {few}.")
        else:
            _require(score.value is not None or bool(score.reason), f"{name}: neither a value nor a reason.")


def check_mistakes(metric: Metric, seed: int = 0) -> None:
    """Arrays that cannot be meant get an error that says what to do."""
    codes, factors = _mixed(seed), _factors(seed)
    broken = codes.copy()
    broken[3, 1] = np.nan
    _refused(DataError, "row 3", metric, broken, factors)
    _refused(ShapeError, "transposed", metric, codes.T, factors)
    _refused(ShapeError, "transposed", metric, codes, factors.T)
    _refused(ShapeError, "transposed", metric, codes.T, factors.T)
    _refused(ShapeError, "same rows", metric, codes[:-1], factors)
    _refused(ShapeError, "None", metric, codes[:, 0], factors)


def check_dependence(metric: Metric, seed: int = 0) -> None:
    """Independent codes score about 0 whatever their labels, mixed codes more; copies score most or have a reason."""
    codes, factors = _factors(seed).astype(float), _factors(seed)
    independent = _values(metric, codes, factors)
    mixed = _values(metric, codes @ np.array([[1, 0.8, 0], [0, 1, 0], [0, 0.5, 1]]), factors)
    other = _values(metric, codes, _noise(seed)[:, :2] > 0)
    for name, score in _scores(metric, np.hstack([codes, codes]), factors).items():
        _require(abs(independent[name]) < 0.05, f"{name}: independent codes should score 0, got {independent[name]}.")
        _require(mixed[name] > 0.06, f"{name}: mixed codes should score above 0.06, got {mixed[name]}.")
        _require(other[name] == independent[name], f"{name}: labels should not matter.")
        _require(score.value is None or score.value > mixed[name], f"{name}: copies score {score.value}.")


CHECKS: tuple[Callable[..., None], ...] = (
    check_identity,
    check_noise,
    check_order_and_units,
    check_precision,
    check_labels,
    check_outlier,
    check_dead_code,
    check_constant_factor,
    check_duplicated_code,
    check_small,
    check_missing_labels,
    check_complete,
    check_many_rows,
    check_mistakes,
)
"""Every check of a metric that looks at factors: `check(metric, seed)` raises AssertionError."""

ONCE: tuple[Callable[..., None], ...] = (check_many_rows,)
"""Checks that one seed settles: a million rows leave nothing to chance, and cost more than all the others together."""


def checks_for(*, label_blind: bool = False) -> tuple[Callable[..., None], ...]:
    """The checks of a metric; one that is blind to labels cannot say what they are, so it has a check of its own."""
    if not label_blind:
        return CHECKS
    about_labels = (check_identity, check_noise, check_constant_factor, check_duplicated_code)
    return (check_dependence, *(check for check in CHECKS if check not in about_labels))


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _number(name: str, value: float | None) -> float:
    if value is None:
        raise AssertionError(f"{name}: expected a number, got none.")
    return value


def _factors(seed: int) -> Labels:
    """Independent factors with every class in use, (ROWS, 3)."""
    random = generator(seed, "contract", "factors")
    return np.stack([random.permutation(np.arange(ROWS) % size) for size in SIZES], axis=1)


def _noise(seed: int) -> Array:
    return generator(seed, "contract", "noise").normal(size=(ROWS, 4))


def _mixed(seed: int) -> Array:
    """Codes that say something about the factors, unevenly: (ROWS, 4)."""
    return np.asarray(_factors(seed) @ MIXING + 0.3 * _noise(seed))


def _table(labels: Labels, names: str) -> FactorTable:
    factors = tuple(Factor(name=name, kind="categorical") for name in names)
    return FactorTable(factors, labels.astype(np.float64), np.ones(labels.shape, dtype=bool))


def _scores(metric: Metric, codes: Any, factors: Any, **settings: int | str) -> Mapping[str, Score]:  # noqa: ANN401 - arrays
    """All scores of a metric, by name."""
    found = metric(codes, factors, **{"bootstrap": 0, "nulls": 0, **settings})
    return {found.name: found} if isinstance(found, Score) else found


def _values(metric: Metric, codes: Any, factors: Any, **settings: str) -> dict[str, float]:  # noqa: ANN401 - arrays
    """The values of all scores, each of which must have one."""
    return {name: _number(name, score.value) for name, score in _scores(metric, codes, factors, **settings).items()}


def _same(case: str, got: Mapping[str, float], want: Mapping[str, float], tolerance: float = SAME) -> None:
    _require(set(got) == set(want), f"{case}: expected scores {sorted(want)}, got {sorted(got)}.")
    for name, value in got.items():
        _require(abs(value - want[name]) <= tolerance, f"{name}: {case}: expected {want[name]}, got {value}.")


def _refused(error: type[Exception], part: str, metric: Metric, codes: Any, factors: Any) -> None:  # noqa: ANN401
    try:
        _scores(metric, codes, factors)
    except error as raised:
        _require(part in str(raised), f"the message should mention {part!r}: {raised}")
    else:
        raise AssertionError(f"expected {error.__name__} that mentions {part!r}, and nothing was raised.")
