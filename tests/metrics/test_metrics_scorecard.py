"""The scorecard, and what importing the metrics costs."""

import json
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from unweave.core import Codes, ConfigError, Scorecard, ShapeError
from unweave.metrics import mig, probe, scorecard
from unweave.metrics.registry import METRICS

CODES = np.random.default_rng(0).normal(size=(200, 4))
LABELS = np.stack([CODES[:, 0] > 0, CODES[:, 1] > 0.5], axis=1)


def test_scorecard_holds_every_score_in_order():
    card = scorecard(CODES, LABELS, bootstrap=10, nulls=2)
    assert list(card) == [
        "mig",
        "dci.disentanglement",
        "dci.completeness",
        "dci.informativeness",
        "dci.informativeness_train",
        "probe.factor_0",
        "probe.factor_1",
    ]
    assert all(score.value is not None and score.interval is not None for score in card.values())
    text = json.dumps(card.to_json(), allow_nan=False)
    assert Scorecard.from_json(json.loads(text)).to_json() == json.loads(text)


def test_scores_are_those_of_the_metrics_alone():
    card = scorecard(CODES, LABELS, metrics=["mig", partial(probe, bootstrap=0)], nulls=3, seed=5)
    assert card["mig"].to_json() == mig(CODES, LABELS, nulls=3, seed=5).to_json()
    assert list(card) == ["mig", "probe.factor_0", "probe.factor_1"]


def test_without_labels_scores_have_reasons():
    card = scorecard(CODES, np.zeros((200, 0)))
    assert list(card) == ["mig", *METRICS["dci"].scores]
    assert all(score.reason for score in card.values())


def test_a_single_score_of_a_metric_can_be_asked_for():
    assert list(scorecard(CODES, LABELS, metrics=["dci.completeness", "mig"], bootstrap=0)) == [
        "dci.completeness",
        "mig",
    ]
    whole = scorecard(CODES, LABELS, metrics=["dci.completeness", "dci"], bootstrap=0, nulls=0)
    assert list(whole) == list(METRICS["dci"].scores)


def test_the_first_rows_are_learnt_from_where_asked():
    card = scorecard(CODES, LABELS, metrics=["mig", "dci"], bootstrap=0, nulls=0, train_rows=150)
    settings = card["dci.completeness"].stamp.settings
    assert (settings["train_rows"], settings["test_rows"], settings["split"]) == (150, 50, "first rows")


def test_an_unknown_metric_is_named():
    with pytest.raises(ConfigError, match=r"'migg'.*mig, .*dci, .*probe"):
        scorecard(CODES, LABELS, metrics=["migg"])


def test_metrics_that_have_not_begun_in_time_are_left_out(monkeypatch):
    clock = iter([0.0, 0.0, 9.0, 11.0])
    module = sys.modules["unweave.metrics.scorecard"]  # the function hides it
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    done = []

    def first(codes, factors, **settings):
        done.append("first")
        return mig(codes, factors, **settings)

    def second(codes, factors, **settings):
        done.append("second")
        return probe(codes, factors, **settings)

    card = scorecard(CODES, LABELS, metrics=[second, first, "probe"], bootstrap=0, nulls=0, budget=10)
    assert done == ["second", "first"]  # the order given; the third would begin after 11 s
    assert card["mig"].value is not None
    monkeypatch.undo()
    card = scorecard(CODES, LABELS, metrics=["probe", "dci.completeness"], budget=0)
    assert list(card) == ["probe.factor_0", "probe.factor_1", "dci.completeness"]
    assert {score.reason for score in card.values()} == {"left out: the budget of 0 s was over before it began."}
    assert Scorecard.from_json(json.loads(json.dumps(card.to_json()))).to_json() == card.to_json()
    with pytest.raises(ConfigError, match="budget: expected seconds"):
        scorecard(CODES, LABELS, budget=float("nan"))


def test_optional_arguments_go_to_the_metrics_that_take_them():
    seen = []

    def takes(codes, factors, *, mode, bootstrap, nulls, seed, train_rows=None, weights="equal", grid=None):
        seen.append((train_rows, weights, grid, factors))
        return mig(codes, factors if grid is None else LABELS, mode=mode, bootstrap=bootstrap, nulls=nulls, seed=seed)

    options = {"train_rows": 50, "weights": {"factor_0": 1, "factor_1": 2}, "bootstrap": 0, "nulls": 0}
    scorecard(CODES, LABELS, metrics=[takes, "mig", partial(takes, train_rows=7)], **options)
    assert [row[:3] for row in seen] == [(50, options["weights"], None), (7, options["weights"], None)]
    seen.clear()
    scorecard(CODES, metrics=[takes], grid=(10, 20), **options)
    assert seen == [(None, options["weights"], (10, 20), None)]  # cells name their factors, and are not split


def test_a_grid_names_its_labels():
    cells = np.indices((10, 20)).reshape(2, -1).T
    options = {"metrics": ["mig", "probe"], "bootstrap": 0, "nulls": 2}
    card = scorecard(CODES, grid=(10, 20), **options)
    assert card.to_json() == scorecard(CODES, cells, **options).to_json()
    with pytest.raises(ShapeError, match="same rows"):
        scorecard(CODES, grid=(10, 21), metrics=["mig"])
    for both in ({"factors": LABELS, "grid": (10, 20)}, {}):
        with pytest.raises(ConfigError, match="one of the two"):
            scorecard(CODES, **both)


def test_what_is_bound_stays_and_the_variances_are_passed_on():
    card = scorecard(CODES, LABELS, metrics=[partial(mig, bootstrap=5, seed=3)], bootstrap=9, seed=1)
    settings = card["mig"].stamp.settings
    assert (settings["bootstrap"], settings["seed"]) == (5, 3)
    seen = []

    def spy(codes, factors, **settings):
        seen.append(codes)
        return mig(codes, factors, **settings)

    codes = Codes(CODES.astype(np.float32), np.zeros(CODES.shape, dtype=np.float32))
    scorecard(codes, LABELS, metrics=[spy], bootstrap=0, nulls=0)
    assert seen[0].logvar is codes.logvar


def test_a_score_that_a_metric_does_not_give():
    assert list(scorecard(CODES, LABELS, metrics=["probe.factor_1"], bootstrap=0, nulls=0)) == ["probe.factor_1"]
    with pytest.raises(ConfigError, match=r"no score 'probe.size'.*probe.factor_0, probe.factor_1"):
        scorecard(CODES, LABELS, metrics=["probe.size"], bootstrap=0, nulls=0)


def test_importing_metrics_imports_nothing_heavy():
    code = "import sys, unweave.metrics; print(*sorted({'torch', 'scipy', 'sklearn', 'numba'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
