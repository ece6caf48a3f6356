"""Scores inside scikit-learn's searches."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import FastICA
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from unweave.core import ConfigError, DataError
from unweave.metrics import dci, mig
from unweave.metrics.registry import METRICS, Entry
from unweave.metrics.scorers import make_scorer

RNG = np.random.default_rng(0)
FACTORS = RNG.integers(0, 4, (600, 3))
MIXED = (FACTORS + 0.1 * RNG.standard_normal((600, 3))) @ RNG.standard_normal((3, 3))


class Turned(TransformerMixin, BaseEstimator):
    """The factors themselves, turned into one another by an angle."""

    def __init__(self, angle=0.0):
        self.angle = angle

    def fit(self, X, y=None):
        self.inverse_ = np.linalg.pinv(X) @ y
        return self

    def transform(self, X):
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        return X @ self.inverse_ @ np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])


def test_a_search_finds_the_codes_that_separate_the_factors():
    search = GridSearchCV(Turned(), {"angle": [0.7, 0.0, 0.3]}, scoring=make_scorer("mig"), cv=3, error_score="raise")
    search.fit(MIXED, FACTORS)
    assert search.best_params_ == {"angle": 0.0}
    assert search.best_score_ > 0.8
    several = {"mig": make_scorer("mig"), "d": make_scorer("dci.disentanglement", seed=1)}
    search = GridSearchCV(Turned(), {"angle": [0.7, 0.0]}, scoring=several, refit="d", cv=2, error_score="raise")
    search.fit(MIXED[:200], FACTORS[:200])
    assert search.best_params_ == {"angle": 0.0}
    assert (search.cv_results_["mean_test_mig"] < [0.5, 1]).all()


def test_values_are_those_of_the_metric_on_the_held_out_rows():
    pipeline = make_pipeline(StandardScaler(), FastICA(random_state=0, whiten="unit-variance"))
    found = cross_val_score(pipeline, MIXED, FACTORS, scoring=make_scorer("mig", mode="reference"), cv=2)
    for value, (train, test) in zip(
        found, [(slice(300, None), slice(300)), (slice(300), slice(300, None))], strict=True
    ):
        codes = pipeline.fit(MIXED[train]).transform(MIXED[test])
        assert value == mig(codes, FACTORS[test], mode="reference", bootstrap=0, nulls=0).value


def test_scorers_travel_to_other_processes():
    scorer = pickle.loads(pickle.dumps(make_scorer("dci.completeness", seed=3, train_rows=400)))
    model = Turned().fit(MIXED, FACTORS)
    card = dci(model.transform(MIXED), FACTORS, bootstrap=0, nulls=0, seed=3, train_rows=400)
    assert scorer(model, MIXED, FACTORS) == card["dci.completeness"].value


def test_less_is_better_for_some_scores(monkeypatch):
    monkeypatch.setitem(METRICS, "distance", Entry(_distance, ("distance",), lower=("distance",)))
    model = Turned(0.4).fit(MIXED, FACTORS)
    assert make_scorer("distance")(model, MIXED, FACTORS) == -make_scorer("mig")(model, MIXED, FACTORS)


def _distance(codes, factors, **settings):
    return replace(mig(codes, factors, **settings), name="distance")


def test_mistakes_are_explained():
    with pytest.raises(ConfigError, match=r"'dci' gives several scores; name one of dci.disentanglement"):
        make_scorer("dci")
    with pytest.raises(ConfigError, match="no metric 'migg'"):
        make_scorer("migg")
    with pytest.raises(ConfigError, match=r"Turned has no 'encode'.*method="):
        make_scorer("mig", method="encode")(Turned(), MIXED, FACTORS)
    with pytest.raises(DataError, match="mig has no value: no factor can be scored"):
        make_scorer("mig")(Turned().fit(MIXED, FACTORS), MIXED, np.zeros_like(FACTORS))
