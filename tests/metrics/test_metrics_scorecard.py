"""The scorecard, and what importing the metrics costs."""

import json
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from unweave.core import ConfigError, Scorecard
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


def test_importing_metrics_imports_nothing_heavy():
    code = "import sys, unweave.metrics; print(*sorted({'torch', 'scipy', 'sklearn', 'numba'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
