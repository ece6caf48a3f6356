"""Probes: linear models against scikit-learn, and what they read."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from unweave.core import Factor, FactorTable
from unweave.metrics import probe
from unweave.metrics.linear import fit_logistic, fit_ridge
from unweave.metrics.splitting import stratified_halves

ROWS = 600


def table(*columns):
    factors = tuple(factor for factor, _ in columns)
    values = np.stack([labels for _, labels in columns], axis=1).astype(float)
    return FactorTable(factors, np.nan_to_num(values), ~np.isnan(values))


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_ridge_is_that_of_scikit_learn(random):
    codes, targets = random.normal(size=(50, 4)) + 3, random.normal(size=(50, 2))
    np.testing.assert_allclose(fit_ridge(codes, targets)(codes), Ridge(alpha=1).fit(codes, targets).predict(codes))


def test_logistic_regression_of_two_classes_is_that_of_three_with_one_absent(random):
    codes, labels = random.normal(size=(200, 3)), random.integers(2, size=200) * 2
    outputs = fit_logistic(codes, labels, 3)(codes)
    assert (outputs[:, 1] == -np.inf).all()
    log_odds = fit_logistic(codes, labels // 2, 2)(codes)
    np.testing.assert_allclose(outputs[:, 2] - outputs[:, 0], log_odds[:, 1] - log_odds[:, 0])


def test_classes_give_accuracy(random):
    labels = random.integers(3, size=ROWS)
    codes = np.eye(3)[labels] + 0.1 * random.normal(size=(ROWS, 3))
    score = probe(codes, table((Factor(name="shape", kind="categorical"), labels)))["probe.shape"]
    assert score.value > 0.99
    assert score.null == pytest.approx(1 / 3, abs=0.05)
    assert score.null_interval[1] < score.interval[0]
    assert score.stamp.settings["score"] == "accuracy"
    # Half of the classes swapped for others: three quarters of what is left to say.
    wrong = np.where(random.random(ROWS) < 0.25, (labels + 1) % 3, labels)
    score = probe(codes, table((Factor(name="shape", kind="categorical"), wrong)))["probe.shape"]
    assert score.value == pytest.approx(0.75, abs=0.07)


def test_numbers_give_r2(random):
    size = random.normal(size=ROWS)
    codes = np.stack([2 * size + random.normal(size=ROWS), random.normal(size=ROWS)], axis=1)
    score = probe(codes, table((Factor(name="size", kind="continuous"), size * 100)))["probe.size"]
    # Signal 4 in a variance of 5: R² = 0.8; its standard error with 300 test rows is 0.02.
    assert score.value == pytest.approx(0.8, abs=0.07)
    assert score.interval[0] < 0.8 < score.interval[1]
    assert score.null == pytest.approx(0, abs=0.05)


def test_angles_give_r2_of_sine_and_cosine(random):
    angle = random.uniform(0, 24, size=ROWS)
    hour = table((Factor(name="hour", kind="circular", range=(0, 24)), angle))
    turn = np.stack([np.sin(angle * np.pi / 12), np.cos(angle * np.pi / 12)], axis=1)
    assert probe(turn, hour, nulls=0)["probe.hour"].value > 0.99
    # The sine alone explains one of two targets of equal variance.
    assert probe(turn[:, :1], hour, nulls=0)["probe.hour"].value == pytest.approx(0.5, abs=0.07)


def test_interval_covers_the_accuracy_of_many_test_rows():
    # A code and a threshold: the true accuracy of the best line is 0.8413 (one standard deviation of noise).
    covered = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        labels = np.arange(400) % 2
        codes = (2.0 * labels + random.normal(size=400))[:, None]
        low, high = probe(codes, labels[:, None], nulls=0, seed=seed)["probe.factor_0"].interval
        covered += low <= 0.8413 <= high
    assert covered >= 52  # 95 % of 60 is 57; 51 or fewer have probability 0.001 at 95 %


def test_rotation_does_not_change_a_probe(random):
    labels = random.integers(3, size=(ROWS, 2))
    codes = labels + random.normal(size=(ROWS, 2))
    turn, _ = np.linalg.qr(random.normal(size=(2, 2)))
    got, want = (probe(c, labels, bootstrap=0, nulls=0) for c in ((codes - 1) @ turn, codes - 1))
    for name, score in want.items():
        assert got[name].value == pytest.approx(score.value, abs=0.03)  # the penalty sees standardised codes


def test_missing_labels_leave_the_labelled_rows(random):
    labels = random.integers(2, size=ROWS).astype(float)
    codes = labels[:, None] + random.normal(size=(ROWS, 2))
    holes = np.where(np.arange(ROWS) % 3 == 0, np.nan, labels)
    score = probe(codes, holes[:, None])["probe.factor_0"]
    alone = probe(codes[~np.isnan(holes)], labels[~np.isnan(holes)][:, None])["probe.factor_0"]
    assert score.to_json() == alone.to_json()
    assert score.stamp.rows == 400


def test_what_cannot_be_scored_says_why(random):
    codes = random.normal(size=(40, 2))
    card = probe(codes, np.stack([np.zeros(40), np.full(40, np.nan), np.arange(40)], axis=1))
    reasons = [card[f"probe.factor_{k}"].reason for k in range(3)]
    assert "constant" in reasons[0]
    assert "no labels" in reasons[1]
    assert "too few" in reasons[2]
    assert "varies" in probe(codes * 0, np.arange(40)[:, None] % 2)["probe.factor_0"].reason
    half = table((Factor(name="size", kind="continuous"), np.r_[1.0, np.zeros(39)]))
    assert probe(codes, half, seed=0)["probe.size"].stamp.rows == 40


def test_halves_hold_every_class(random):
    labels = np.repeat(np.arange(4), [50, 11, 2, 1])
    labels = random.permutation(labels)
    fit, test = stratified_halves(labels, random)
    assert sorted(np.r_[fit, test]) == list(range(64))
    assert np.bincount(labels[fit], minlength=4).tolist() == [25, 6, 1, 1]
    assert np.bincount(labels[test], minlength=4).tolist() == [25, 5, 1, 0]
