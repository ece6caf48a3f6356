"""Explicitness: what happens to classes, units and kinds that the published definition cannot score."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from unweave.core import Factor, FactorTable
from unweave.metrics import explicitness


def problem(rows=600, seed=0):
    random = np.random.default_rng(seed)
    factors = np.stack([random.integers(size, size=rows) for size in (2, 4)], axis=1)
    return factors + 0.8 * random.normal(size=(rows, 2)), factors


def once(codes, factors, **settings):
    return explicitness(codes, factors, **{"bootstrap": 0, "nulls": 0, **settings})


def test_both_modes_are_scikit_learns_area_on_the_test_rows():
    codes, factors = problem()
    codes = np.clip(codes, *np.quantile(codes[:400], [0.01, 0.99], axis=0))  # robust mode finds no outliers then
    x = (codes - codes[:400].mean(axis=0)) / codes[:400].std(axis=0)
    expected = []
    for labels in factors.T:
        told = LogisticRegression().fit(x[:400], labels[:400]).predict_proba(x[400:])
        expected.append(roc_auc_score(np.eye(labels.max() + 1)[labels[400:]], told))
    for mode in ("reference", "robust"):
        score = once(codes, factors, mode=mode, train_rows=400)
        np.testing.assert_allclose(score.matrix[0], expected, atol=1e-9)
        assert score.value == pytest.approx(np.mean(expected))
    weighted = once(codes, factors, train_rows=400, weights={"factor_0": 1, "factor_1": 4})
    assert weighted.value == pytest.approx(np.array(expected) @ [0.2, 0.8])


def test_a_class_that_is_only_tested_or_only_learnt():
    codes, factors = problem()
    untested, unlearnt = factors.copy(), factors.copy()
    untested[400:, 1] = np.minimum(untested[400:, 1], 2)
    unlearnt[:400, 1] = np.minimum(unlearnt[:400, 1], 2)
    for labels in (untested, unlearnt):
        assert "'factor_1'" in once(codes, labels, mode="reference", train_rows=400).reason
        assert 0.7 < once(codes, labels, train_rows=400).value < 1
    assert once(codes, factors, mode="reference", train_rows=400).value is not None


def test_constant_codes():
    codes, factors = problem()
    dead = np.column_stack([codes, np.full(600, -2.0)])
    assert "code 2" in once(dead, factors, mode="reference", train_rows=400).reason
    score = once(dead, factors, train_rows=400)
    assert score.dropped_codes == (2,)
    assert score.value == pytest.approx(once(codes, factors, train_rows=400).value, abs=1e-6)


def test_measurements_and_angles_are_cut_into_classes():
    random = np.random.default_rng(1)
    values = np.stack([random.normal(size=900), random.uniform(0, 6, size=900)], axis=1)
    kinds = (Factor(name="a", kind="continuous"), Factor(name="b", kind="circular", range=(0, 6)))
    table = FactorTable(kinds, values, np.ones(values.shape, dtype=bool))
    turn = 2 * np.pi * values[:, 1] / 6
    codes = np.column_stack([values[:, 0], np.sin(turn), np.cos(turn)])
    assert once(codes, table).value > 0.94  # 20 classes along one code are not linear
    assert "needs classes" in once(codes, table, mode="reference").reason


def test_random_codes_are_at_one_half_and_intervals_hold_the_value():
    _, factors = problem(1500)
    score = explicitness(np.random.default_rng(2).normal(size=(1500, 3)), factors)
    assert score.value == pytest.approx(0.5, abs=0.05)
    assert score.null == pytest.approx(0.5, abs=0.05)
    assert score.interval[0] < 0.5 < score.interval[1]
    assert score.interval[1] - score.interval[0] < 0.1


def test_reasons():
    codes, factors = problem(30)
    assert "needs classes" in once(codes, factors * [0, 1], mode="reference").reason
    assert "no factor" in once(codes, factors * 0).reason
    assert once(codes, factors * [0, 1]).dropped_factors == ("factor_0",)
    assert "weight 0" in once(codes, factors * [0, 1], weights={"factor_0": 1, "factor_1": 0}).reason
