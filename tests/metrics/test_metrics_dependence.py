"""Gaussian total correlation and Wasserstein correlation: closed forms, robust mode, intervals."""

import numpy as np
import pytest

from unweave.core import Codes
from unweave.metrics import gaussian_total_correlation, wasserstein_correlation, wasserstein_correlation_norm
from unweave.metrics.gaussian_measures import total_correlation, wasserstein, wasserstein_norm
from unweave.metrics.robust_codes import normal_scores, standard_codes, without_outliers

ALL = (gaussian_total_correlation, wasserstein_correlation, wasserstein_correlation_norm)


def normal(rows, rho, seed=0, codes=3):
    """Normal codes; the first two have correlation rho."""
    values = np.random.default_rng(seed).normal(size=(rows, codes))
    values[:, 1] = rho * values[:, 0] + np.sqrt(1 - rho**2) * values[:, 1]
    return values


@pytest.mark.parametrize("rho", [0.0, 0.3, -0.8])
def test_two_codes_have_closed_forms(rho):
    # TC = -½ log(1 - rho²). Eigenvalues 1 ± rho: W = 4 - 2 (sqrt(1 + rho) + sqrt(1 - rho)).
    covariance = np.array([[1, rho], [rho, 1]])
    distance = 4 - 2 * (np.sqrt(1 + rho) + np.sqrt(1 - rho))
    assert total_correlation(covariance).value == pytest.approx(-0.5 * np.log(1 - rho**2), abs=1e-12)
    assert wasserstein(covariance).value == pytest.approx(distance, abs=1e-12)
    assert wasserstein_norm(9 * covariance).value == pytest.approx(distance / 2, abs=1e-12)


def test_very_different_units_do_not_drown_one_another():
    # The code of deviation 1e-5 has an eigenvalue of 1e-20 where the largest is 1; it adds 2e-10 - 2e-10 and no more.
    covariance = np.array([[1, 0, 0], [0, 1e-10, 0], [0, 0, 1e-3]])
    assert wasserstein(covariance).value == pytest.approx(0, abs=1e-14)


def test_wasserstein_is_the_distance_of_the_transport():
    # W² = tr A + tr B - 2 tr (A^½ B A^½)^½, here by SciPy.
    from scipy.linalg import sqrtm

    mixing = np.random.default_rng(0).normal(size=(4, 4)) * np.array([[0.2], [1], [5], [2]])
    covariance = mixing @ mixing.T
    root = sqrtm(np.diag(np.sqrt(np.diag(covariance))) @ covariance @ np.diag(np.sqrt(np.diag(covariance))))
    expected = 2 * np.trace(covariance) - 2 * np.trace(root)
    assert wasserstein(covariance).value == pytest.approx(float(expected.real), rel=1e-7)


@pytest.mark.parametrize("measure", [total_correlation, wasserstein, wasserstein_norm])
def test_influence_and_slopes_are_derivatives(measure):
    rows = np.random.default_rng(0).normal(size=(400, 4)) @ np.random.default_rng(1).normal(size=(4, 4))
    rows -= rows.mean(axis=0)
    covariance, step = rows.T @ rows / len(rows), 1e-6
    estimate = measure(covariance)
    influence = estimate.influence(rows)
    for row in (0, 7, 99):
        moved = covariance + step * (np.outer(rows[row], rows[row]) - covariance)
        slope = (measure(moved).value - estimate.value) / step
        assert influence[row] - influence.mean() == pytest.approx(slope, rel=1e-3, abs=1e-3)
    for code in range(4):
        scale = np.ones(4)
        scale[code] = np.exp(step / 2)
        slope = (measure(covariance * np.outer(scale, scale)).value - estimate.value) / step
        assert estimate.slopes[code] == pytest.approx(slope, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("measure", [total_correlation, wasserstein, wasserstein_norm])
def test_curvature_is_that_of_small_correlations(measure):
    deviation = np.array([1.0, 0.2, 5.0])
    for i, j in ((0, 1), (0, 2), (1, 2)):
        correlation = np.eye(3)
        correlation[i, j] = correlation[j, i] = 0.01
        covariance = correlation * np.outer(deviation, deviation)
        estimate = measure(covariance)
        assert estimate.value == pytest.approx(1e-4 * estimate.curvature[i, j], rel=1e-3)


def test_robust_total_correlation_has_no_bias():
    # Ten codes and 60 rows: the published estimate is too high by 10 x 9 / 240 and more. Sets have a standard deviation
    # of about 0.1, means of 300 sets one of 0.006.
    truth, free, published = -0.5 * np.log(1 - 0.6**2), [], []
    for seed in range(300):
        codes = normal(60, 0.6, seed, 10)
        free.append(gaussian_total_correlation(codes, bootstrap=0, nulls=0).value)
        published.append(gaussian_total_correlation(codes, mode="reference", bootstrap=0, nulls=0).value)
    assert np.mean(published) > truth + 0.3
    assert np.mean(free) == pytest.approx(truth, abs=0.04)  # normal scores of 60 rows are a little tame


@pytest.mark.parametrize("metric", ALL)
def test_robust_does_not_see_units_bends_and_outliers(metric):
    codes = normal(800, 0.7)
    value = metric(codes, bootstrap=0, nulls=0).value
    bent = np.stack([1e-6 * codes[:, 0] ** 3, np.exp(3 * codes[:, 1]), codes[:, 2] - 7], axis=1)
    assert metric(bent, bootstrap=0, nulls=0).value == pytest.approx(value, rel=1e-9)
    codes[3] = 1e6
    assert metric(codes, bootstrap=0, nulls=0).value == pytest.approx(value, rel=0.1)
    assert metric(codes, mode="reference", bootstrap=0, nulls=0).value > 5 * value


def test_what_cannot_be_scored_says_why():
    codes = normal(100, 0.5)
    copies = np.hstack([codes, 2 * codes[:, 1:2]])
    assert "code 1 is a linear function" in gaussian_total_correlation(copies).reason.replace("code 3", "code 1")
    assert wasserstein_correlation(copies).value > wasserstein_correlation(codes).value
    assert "3 rows are too few" in gaussian_total_correlation(normal(3, 0, codes=5)).reason
    for metric in ALL:
        assert "two codes that vary" in metric(codes[:, :1]).reason
        assert "two codes that vary" in metric(codes * [1, 0, 0]).reason
        assert metric(codes * [1, 1, 0]).dropped_codes == (2,)
    dead = gaussian_total_correlation(codes * [1, 1, 0], mode="reference")
    assert "code 2 does not vary" in dead.reason
    assert "does not vary" in wasserstein_correlation_norm(codes * 0, mode="reference").reason


def test_a_code_that_the_encoder_drowns_is_left_out():
    codes = normal(300, 0.9).astype(np.float32)
    noise = np.log(np.array([1e-3, 1e3, 1e-3], dtype=np.float32))
    drowned = Codes(codes, np.tile(noise, (300, 1)))
    score = gaussian_total_correlation(drowned, nulls=0)
    assert score.dropped_codes == (1,)
    assert score.value < 0.05 < gaussian_total_correlation(codes, nulls=0).value


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize("mode", ["reference", "robust"])
def test_intervals_hold_the_mean_of_many_sets(metric, mode):
    for rho in (0.15, 0.7):
        sets = [normal(400, rho, seed) for seed in range(150)]
        truth = np.mean([metric(codes, mode=mode, bootstrap=0, nulls=0).value for codes in sets])
        found = [metric(codes, mode=mode, nulls=0).interval for codes in sets[:100]]
        # At 95 %, 89 or more of 100 have a probability of 0.996.
        assert sum(low <= truth <= high for low, high in found) >= 89


@pytest.mark.parametrize("metric", ALL)
def test_intervals_of_independent_codes_are_no_wider_than_they_should_be(metric):
    scores = [metric(normal(400, 0, seed), mode="reference", nulls=0) for seed in range(200)]
    half = np.mean([score.interval[1] - score.value for score in scores])
    # The deviation of 200 values is known to 5 %, more as they are skewed; the first order alone is too wide by 40 %.
    assert half / 1.96 == pytest.approx(np.std([score.value for score in scores]), rel=0.25)


@pytest.mark.parametrize("metric", ALL)
def test_independent_codes_lie_in_the_null(metric):
    inside = 0
    for seed in range(40):
        score = metric(normal(300, 0, seed), mode="reference", bootstrap=0, nulls=20, seed=seed)
        inside += score.null_interval[0] <= score.value <= score.null_interval[1]
    assert inside >= 34  # at 95 %, a probability of 0.997
    assert metric(normal(300, 0.5), nulls=20).value > metric(normal(300, 0.5), nulls=20).null_interval[1]


def test_standard_codes_and_normal_scores():
    from unweave.metrics.inputs import unlabelled

    values = np.random.default_rng(0).uniform(size=(1000, 2))  # without outliers
    values[:, 1] = np.arange(1000) % 500 == 0  # rarely anything but 0: not an outlier
    standard, live = standard_codes(unlabelled(np.insert(values, 1, 3.0, axis=1)))
    assert live.tolist() == [0, 2]
    np.testing.assert_allclose(standard, (values - values.mean(axis=0)) / values.std(axis=0))
    spike = values.copy()
    spike[7, 0] = 1000.0
    low, high = np.quantile(spike[:, 0], [0.01, 0.99])
    drawn_in = without_outliers(spike)
    assert drawn_in[7, 0] == pytest.approx(high + 0.25 * (high - low))
    assert np.array_equal(np.delete(drawn_in, 7, axis=0), np.delete(values, 7, axis=0))
    others = np.arange(1000) != 7
    assert without_outliers(spike, np.flatnonzero(others))[7, 0] < drawn_in[7, 0]
    ties = normal_scores(np.array([[1.0], [1.0], [5.0], [9.0]]))[:, 0]
    # Middle ranks 1, 1, 2.5 and 3.5 of 4: quantiles at 0.25, 0.625 and 0.875.
    np.testing.assert_allclose(ties, [-0.67449, -0.67449, 0.31864, 1.15035], atol=1e-5)
