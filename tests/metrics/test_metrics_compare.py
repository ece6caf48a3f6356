"""Differences of scores: stamps, independent intervals, and paired comparison of two models."""

import json
import math
import warnings
from functools import partial

import numpy as np
import pytest

from unweave.core import ConfigError, Score, ShapeError, Stamp
from unweave.metrics import compare, difference, mig, probe, scorecard
from unweave.metrics.compare import StampWarning, stamp_differences

STAMP = Stamp("mig", "robust", {"bins": 60, "seed": 0}, 100, ("a",), {"unweave": "1"})


def score(value, interval=None, stamp=STAMP):
    return Score("mig", value, stamp, interval=interval, reason=None if value is not None else "no code varies.")


def draw(rng, rows=400):
    """Two models of the same rows that share most of their noise; the second is turned a little more."""
    factors = rng.integers(0, 4, (rows, 3))
    noise = 0.4 * rng.standard_normal((rows, 3))
    turn = np.eye(3) + 0.25 * (np.ones((3, 3)) - np.eye(3))
    return factors + noise, (factors + noise) @ turn + 0.1 * rng.standard_normal((rows, 3)), factors


def test_the_ends_are_those_of_independent_estimates():
    found = difference(score(0.5, (0.4, 0.55)), score(0.3, (0.27, 0.34)))
    assert found.value == pytest.approx(0.2)
    assert found.interval == pytest.approx((0.2 - math.hypot(0.1, 0.04), 0.2 + math.hypot(0.05, 0.03)))
    same = difference(score(0.5, (0.4, 0.6)), score(0.5, (0.5, 0.5)))
    assert same.interval == pytest.approx((-0.1, 0.1))
    assert difference(score(0.5), score(0.3, (0.2, 0.4))).interval is None


def test_a_score_without_a_value_gives_a_reason():
    found = difference(score(0.5, (0.4, 0.6)), score(None))
    assert (found.value, found.interval) == (None, None)
    assert found.reason == "the second has no value: no code varies."


def test_other_stamps_warn_and_name_what_differs():
    other = Stamp("mig", "reference", {"bins": 20, "edges": "equal width", "seed": 0}, 100, ("a",), {"unweave": "2"})
    assert stamp_differences(STAMP, STAMP) == ()
    assert stamp_differences(STAMP, other) == ("mode", "settings.bins", "versions.unweave", "settings.edges")
    with pytest.warns(StampWarning, match=r"differ in mode, settings.bins, versions.unweave, settings.edges"):
        difference(score(0.5), score(0.4, stamp=other))
    codes, _, factors = draw(np.random.default_rng(0))
    with pytest.warns(StampWarning, match="rows"):
        difference(mig(codes, factors, nulls=0), mig(codes[:300], factors[:300], nulls=0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        difference(mig(codes, factors, nulls=0), mig(codes[:, ::-1], factors, nulls=0))


def test_values_are_those_of_the_scorecard_and_order_turns_the_sign():
    first, second, factors = draw(np.random.default_rng(1))
    found = compare(first, second, factors, metrics=["mig", "probe.factor_1"])
    assert list(found) == ["mig", "probe.factor_1"]
    cards = [scorecard(codes, factors, metrics=["mig"], bootstrap=0, nulls=0) for codes in (first, second)]
    assert found["mig"].value == pytest.approx(cards[0]["mig"].value - cards[1]["mig"].value)
    turned = compare(second, first, factors, metrics=["mig"])["mig"]
    assert turned.value == pytest.approx(-found["mig"].value)
    assert turned.interval == pytest.approx([-end for end in reversed(found["mig"].interval)])
    json.dumps(found.to_json(), allow_nan=False)


def test_a_model_does_not_differ_from_itself():
    codes, _, factors = draw(np.random.default_rng(2))
    for found in compare(codes, codes, factors, metrics=["mig", "dci", "probe"], max_rows=300).values():
        assert (found.value, found.interval) == (0, (0, 0)), found.name


def test_pairs_are_compared_more_narrowly_than_the_two_alone():
    rng = np.random.default_rng(3)
    first, _, factors = draw(rng)
    second = first + 0.05 * rng.standard_normal(first.shape)
    paired = compare(first, second, factors, metrics=["probe.factor_0"])["probe.factor_0"].interval
    alone = difference(*(probe(codes, factors)["probe.factor_0"] for codes in (first, second))).interval
    assert paired[1] - paired[0] < 0.8 * (alone[1] - alone[0])


def test_intervals_cover_the_difference():
    rng = np.random.default_rng(4)
    many = [_paired(rng, halvings=2).value for _ in range(100)]
    found = [_paired(rng) for _ in range(60)]
    covered = np.mean([low <= np.mean(many) <= high for low, high in (f.interval for f in found)])
    assert covered >= 0.9  # 95 % are wanted, and sixty sets have a standard error of 3 %
    width = np.mean([f.interval[1] - f.interval[0] for f in found])
    assert width < 2 * 3.92 * np.std(many)  # and not by being wide


def _paired(rng, halvings=10):
    first, second, factors = draw(rng)
    return compare(first, second, factors, metrics=["mig"], halvings=halvings)["mig"]


def test_learners_keep_their_split_in_every_half():
    seen = []

    def spy(codes, factors, *, mode, bootstrap, nulls, seed, train_rows):
        seen.append((codes[:train_rows, 0].tolist(), codes[train_rows:, 0].tolist()))
        return mig(codes, factors, mode=mode, bootstrap=bootstrap, nulls=nulls, seed=seed)

    rows, labels = np.arange(61.0), np.arange(61)[:, None] % 3
    codes = np.stack([rows, rows], axis=1), np.stack([rows, -rows], axis=1)
    compare(*codes, labels, metrics=[spy])
    (train, test), *halves = seen[:21]
    assert (len(train), len(test)) == (41, 20)
    assert len(halves) == 20
    for one, two in zip(halves[::2], halves[1::2], strict=True):
        assert sorted(one[0] + two[0]) == train
        assert sorted(one[1] + two[1]) == test
        assert (len(one[0]), len(two[0]), len(one[1]), len(two[1])) == (20, 21, 10, 10)
    assert seen[:21] == seen[21:]  # the same rows for both models
    seen.clear()
    compare(*codes, labels, metrics=[spy], train_rows=7)
    assert seen[0] == (list(range(7)), list(range(7, 61)))


def test_bound_arguments_stay():
    codes, other, factors = draw(np.random.default_rng(5))
    found = compare(codes, other, factors, metrics=[partial(mig, mode="reference")])["mig"]
    assert found.first.stamp.mode == "reference"
    found = compare(codes, other, factors, metrics=[partial(probe, seed=4)])
    assert list(found) == [f"probe.factor_{k}" for k in range(3)]


def test_mistakes():
    codes, other, factors = draw(np.random.default_rng(6), rows=60)
    with pytest.raises(ShapeError, match="same rows"):
        compare(codes, other[:59], factors)
    with pytest.raises(ConfigError, match="halvings: expected at least 2"):
        compare(codes, other, factors, halvings=1)
    constant = compare(codes, other, np.zeros_like(factors), metrics=["mig"])["mig"]
    assert constant.value is None
    assert constant.reason.startswith("the first has no value: no factor can be scored")
