"""Solvers of the probes beside scikit-learn and an independent optimiser."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit
from sklearn import linear_model
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import log_loss
from sklearn.svm import LinearSVC

from unweave.core.factors import Factor
from unweave.core.targets import Target
from unweave.signatures.probes.classes import Discriminant, Logistic, Margins
from unweave.signatures.probes.learner import EXACT, ROUGH, Centred
from unweave.signatures.probes.numbers import Ordinal, Ridge, fit_cumulative

LEVELS = Target(Factor(name="level", kind="ordinal", values=tuple("abcd")), 1.5, 1.25**0.5)


@pytest.fixture(scope="module")
def data():
    """Correlated codes, four classes of unequal sizes, and weights."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 7)) @ (np.eye(7) + 0.4 * rng.standard_normal((7, 7)))
    scores = x @ rng.standard_normal((7, 4)) + 2 * rng.gumbel(size=(300, 4)) + [0, 1, 0, 2]
    return x, scores.argmax(axis=1).astype(float), rng.uniform(0.2, 2, 300)


def _one(learner, x, labels, weights, penalties):
    maps = learner.path(x, labels[None], weights, np.array(penalties, dtype=float), tolerance=EXACT)
    return maps.weights[0], maps.offsets[0]


def _centred(array):
    return array - array.mean(axis=-1, keepdims=True)


@pytest.mark.parametrize("balanced", [False, True])
def test_logistic_equals_scikit_learn(data, balanced):
    x, labels, weights = data
    found, offsets = _one(Logistic(4, balanced), x, labels, weights, [30, 0.5])
    for p, penalty in enumerate((30, 0.5)):
        model = linear_model.LogisticRegression(C=1 / penalty, tol=1e-12, max_iter=10_000, solver="newton-cg")
        mass = weights
        if balanced:  # scikit-learn counts rows, here weights are counted: what a row stands for
            mass = weights * weights.sum() / (4 * np.bincount(labels.astype(int), weights=weights)[labels.astype(int)])
        model.fit(x, labels, sample_weight=mass)
        # Newton's method ends when a step gains less than 1e-13 nats a row, so weights are right to about 1e-6.
        np.testing.assert_allclose(found[p], model.coef_.T, atol=1e-5)
        np.testing.assert_allclose(offsets[p], _centred(model.intercept_), atol=1e-5)


def test_two_classes_share_one_difference(data):
    x, labels, weights = data
    labels = (labels > 1).astype(float)
    found, offsets = _one(Logistic(2), x, labels, weights, [6])
    model = linear_model.LogisticRegression(C=2 / 6, tol=1e-12, max_iter=10_000, solver="newton-cg")
    model.fit(x, labels, sample_weight=weights)
    np.testing.assert_allclose(found[0][:, 1] - found[0][:, 0], model.coef_[0], atol=1e-5)
    assert offsets[0, 1] - offsets[0, 0] == pytest.approx(model.intercept_[0], abs=1e-5)


def test_rough_fits_are_as_near_as_promised(data):
    x, labels, weights = data
    penalties = Logistic(4).penalties

    def loss(tolerance):
        maps = Logistic(4).path(x, labels[None], weights, penalties, tolerance=tolerance)
        fit = Logistic(4).losses(maps(x), labels[None], weights)[0]
        return fit + penalties / 2 * (maps.weights[0] ** 2).sum(axis=(1, 2))

    lost = (loss(ROUGH) - loss(EXACT)) / weights.sum()
    assert (lost > -1e-9).all()
    assert (lost < 3 * ROUGH).all()


def test_log_loss_equals_scikit_learn(data):
    x, labels, weights = data
    maps = Logistic(4).path(x, labels[None], weights, np.array([2.0]))
    shares = np.exp(maps(x)[0, 0])
    expected = log_loss(labels, shares / shares.sum(axis=1, keepdims=True), sample_weight=weights, normalize=False)
    assert Logistic(4).losses(maps(x), labels[None], weights)[0, 0] == pytest.approx(expected)


def test_margins_equal_scikit_learn(data):
    x, labels, weights = data
    found, offsets = _one(Margins(4), x, labels, weights, [8])
    # A large scaling frees the offsets, which liblinear else penalises.
    model = LinearSVC(C=1 / 8, tol=1e-10, max_iter=100_000, dual=False, intercept_scaling=1e3)
    model.fit(x, labels, sample_weight=weights)
    np.testing.assert_allclose(found[0], model.coef_.T, atol=1e-4)
    np.testing.assert_allclose(offsets[0], model.intercept_, atol=1e-4)


@pytest.mark.parametrize("shrinkage", [0.05, 0.4, 1.0])
def test_discriminants_equal_scikit_learn(data, shrinkage):
    x, labels, _ = data
    found, offsets = _one(Discriminant(4), x, labels, np.ones(300), [shrinkage])
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage).fit(x, labels)
    np.testing.assert_allclose(_centred(x @ found[0] + offsets[0]), _centred(model.decision_function(x)), atol=1e-9)


def test_balanced_discriminants_have_equal_priors(data):
    x, labels, _ = data
    found, offsets = _one(Discriminant(4, balanced=True), x, labels, np.ones(300), [0.5])
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5, priors=[0.25] * 4).fit(x, labels)
    np.testing.assert_allclose(_centred(x @ found[0] + offsets[0]), _centred(model.decision_function(x)), atol=1e-9)


def test_ridge_equals_scikit_learn(data):
    x, labels, weights = data
    number = Target(Factor(name="n", kind="continuous"), 1.0, 2.0)
    found, offsets = _one(Ridge(number), x, labels, weights, [20, 0.1])
    for p, penalty in enumerate((20, 0.1)):
        model = linear_model.Ridge(alpha=penalty).fit(x, (labels - 1) / 2, sample_weight=weights)
        np.testing.assert_allclose(found[p, :, 0], model.coef_, atol=1e-10)
        assert offsets[p, 0] == pytest.approx(model.intercept_)


def test_angles_are_ridge_on_cosine_and_sine(data):
    x, labels, weights = data
    target = Target(Factor(name="a", kind="circular", range=(0, 4)), 0.0, 2 / np.pi)
    sets = np.stack([labels, labels[::-1]])
    maps = Ridge(target).path(x, sets, weights, np.array([3.0]))
    for t, one in enumerate(sets):
        turn = one * np.pi / 2
        model = linear_model.Ridge(alpha=3).fit(
            x, np.stack([np.cos(turn), np.sin(turn)], axis=1), sample_weight=weights
        )
        np.testing.assert_allclose(maps.weights[t, 0], model.coef_.T, atol=1e-10)
        np.testing.assert_allclose(maps.offsets[t, 0], model.intercept_, atol=1e-10)


def _odds(rng, rows, slopes, thresholds):
    x = rng.standard_normal((rows, len(slopes)))
    return x, np.searchsorted(thresholds, x @ slopes + rng.logistic(size=rows)).astype(float)


def test_cumulative_logits_recover_the_truth():
    rng = np.random.default_rng(1)
    slopes, thresholds = np.array([1.0, -0.5, 0.0]), np.array([-2.0, -0.5, 1.5])
    x, labels = _odds(rng, 20_000, slopes, thresholds)
    data = Centred.of(x, np.ones(len(x)))
    ((found, edges),) = fit_cumulative(data, labels.astype(int), 4, np.array([1e-6]), 1e-9)
    # Standard errors are about 2 / sqrt(20,000) = 0.014; four of them.
    np.testing.assert_allclose(found, slopes, atol=0.06)
    np.testing.assert_allclose(edges + data.mean @ found, thresholds, atol=0.06)


def test_cumulative_logits_equal_an_independent_optimiser():
    x, labels = _odds(np.random.default_rng(2), 150, np.array([1.5, -1.0]), np.array([-1.0, 0.0, 2.0]))
    weights = np.random.default_rng(3).uniform(0.5, 1.5, 150)
    data = Centred.of(x, weights)
    ((slopes, edges),) = fit_cumulative(data, labels.astype(int), 4, np.array([2.0]), 1e-10)

    def loss(parameters):
        ends = np.concatenate([[-np.inf], np.sort(parameters[2:]), [np.inf]])
        along, level = data.x @ parameters[:2], labels.astype(int)
        share = expit(ends[level + 1] - along) - expit(ends[level] - along)
        return -weights @ np.log(share) + parameters[:2] @ parameters[:2]

    best = minimize(
        loss, [0, 0, -1, 0, 1], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12, "maxiter": 9999}
    )
    np.testing.assert_allclose(np.concatenate([slopes, edges]), best.x, atol=1e-5)


def test_levels_are_read_as_one_number_near_the_expected_level():
    x, labels = _odds(np.random.default_rng(4), 4000, np.array([0.7, 0.7]), np.array([-1.0, 0.0, 2.0]))
    found, offsets = _one(Ordinal(LEVELS), x, labels, np.ones(4000), [1e6, 1.0])
    strong, weak = (x @ found[p] + offsets[p] for p in range(2))
    goal = (labels - LEVELS.centre) / LEVELS.scale
    assert strong.std() < 0.01  # a strong penalty draws the reading to the mean, as in ridge regression
    assert strong.mean() == pytest.approx(goal.mean(), abs=0.01)
    line = np.linalg.lstsq(np.hstack([weak, np.ones_like(weak)]), goal, rcond=None)[0]
    np.testing.assert_allclose(line, [1, 0], atol=0.05)  # calibrated: the observed levels lie along the reading


@pytest.mark.parametrize("learner", [Logistic(5), Margins(5), Discriminant(5)])
def test_a_class_without_rows_never_wins(data, learner):
    x, labels, weights = data
    codes = np.where(labels == 3, 4.0, labels)
    maps = learner.path(x, codes[None], weights, learner.penalties[:2])
    assert (maps.offsets[0, :, 3] == -np.inf).all()
    assert not (maps(x).argmax(axis=-1) == 3).any()
    assert np.isfinite(learner.losses(maps(x), codes[None], weights)).all()
    assert np.isfinite(learner.losses(maps(x), labels[None], weights)).all()


def test_separable_classes_stay_finite():
    x = np.concatenate([np.full((20, 2), -1.0), np.full((20, 2), 1.0)]) + 0.1 * np.arange(80).reshape(40, 2) / 80
    labels = np.repeat([0.0, 1.0], 20)
    for learner in (Logistic(2), Margins(2), Discriminant(2), Ordinal(LEVELS)):
        maps = learner.path(x, labels[None], np.ones(40), learner.penalties, tolerance=EXACT)
        assert np.isfinite(maps.weights).all()
        told = maps(x)[0, -1]
        read = told.argmax(axis=1) if told.shape[1] > 1 else (told[:, 0] > -LEVELS.centre / LEVELS.scale + 0.4)
        assert (read == labels).all()
