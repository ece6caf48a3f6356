"""Intervals and nulls."""

import numpy as np
import pytest
from scipy.stats import t

from unweave.metrics.resampling import (
    bootstrap_means,
    half_sample_interval,
    interval,
    jackknife_interval,
    null_range,
    student_t,
)


def test_bootstrap_means_have_the_mean_and_the_standard_error():
    rows = np.random.default_rng(0).normal(size=(400, 2)) * [1, 5] + [0, 3]
    draws = bootstrap_means(rows, 4000, np.random.default_rng(1))
    error = rows.std(axis=0) / 20
    assert draws.shape == (4000, 2)
    np.testing.assert_allclose(draws.mean(axis=0), rows.mean(axis=0), atol=4 * error.max() / np.sqrt(4000))
    # The standard deviation of 4,000 draws is known to 1.1 %.
    np.testing.assert_allclose(draws.std(axis=0), error, rtol=0.05)
    # Columns are resampled together.
    assert np.corrcoef(bootstrap_means(rows[:, [0, 0]], 50, np.random.default_rng(1)).T)[0, 1] == pytest.approx(1)


def test_interval_mirrors_the_draws_and_holds_the_value():
    draws = np.linspace(0.5, 0.9, 101)  # more often above 0.6 than below: resampling biased them upwards
    assert interval(0.6, draws, 0, 1, tail=0) == pytest.approx((0.3, 0.7))
    assert interval(0.2, draws, 0, 1) == (0, 0.2)
    assert interval(0.95, np.full(10, 0.5), 0, 1) == (0.95, 1)


def test_null_range_is_a_prediction_interval():
    assert null_range(np.array([0.3]), 0, 1) == (0.3, None)
    assert null_range(np.full(5, 0.3), 0, 1) == (pytest.approx(0.3), (pytest.approx(0.3), pytest.approx(0.3)))
    low, high = null_range(np.array([0.2, 0.3, 0.7]), 0, 10)[1]
    assert high == pytest.approx(0.4 + t.ppf(0.975, 2) * np.std([0.2, 0.3, 0.7], ddof=1) * np.sqrt(4 / 3))
    assert low == 0
    random, inside = np.random.default_rng(0), 0
    for _ in range(2000):
        scores = random.normal(size=4)
        low, high = null_range(scores[:3], -100, 100)[1]
        inside += low <= scores[3] <= high
    assert inside / 2000 == pytest.approx(0.95, abs=0.02)  # four standard errors


def test_jackknife_of_a_mean_is_the_classical_interval():
    groups = np.random.default_rng(0).normal(size=10)
    without = (groups.sum() - groups) / 9
    half = t.ppf(0.975, 9) * groups.std(ddof=1) / np.sqrt(10)
    assert jackknife_interval(0.2, without, -9, 9) == pytest.approx((0.2 - half, 0.2 + half))
    assert jackknife_interval(0.2, without, 0.1, 0.3) == (0.1, 0.3)


@pytest.mark.parametrize("statistic", [np.mean, np.median])  # the median is not smooth: leaving out one row fails
def test_halves_vary_as_fresh_samples_do(statistic):
    random = np.random.default_rng(0)
    fresh = np.std([statistic(random.normal(size=200)) for _ in range(2000)])
    widths = []
    for _ in range(200):
        rows = random.normal(size=200)
        halves = np.array([statistic(random.permutation(rows)[:100]) for _ in range(16)])
        low, high = half_sample_interval(0.0, halves, -9, 9)
        assert (low, high) == pytest.approx((-high, t.ppf(0.975, 15) * halves.std(ddof=1)))
        widths.append(high / t.ppf(0.975, 15))
    assert np.sqrt(np.mean(np.square(widths))) == pytest.approx(fresh, rel=0.1)  # two standard errors of either side
    assert half_sample_interval(0.2, np.array([0.0, 0.4]), 0.1, 0.3) == (0.1, 0.3)


def test_student_t():
    assert student_t(9) == pytest.approx(t.ppf(0.975, 9))
