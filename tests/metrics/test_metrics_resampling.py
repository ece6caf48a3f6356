"""Intervals and nulls."""

import numpy as np
import pytest
from scipy.stats import t

from unweave.metrics.resampling import (
    bootstrap_means,
    halves_interval,
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


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_halves_show_the_spread_of_fresh_samples_and_of_the_learner(noise):
    random = np.random.default_rng(0)

    def learnt(rows):  # a smooth part, and one that any other row would have tipped over
        return np.mean(rows) + noise * random.normal() / np.sqrt(len(rows))

    widths = []
    for _ in range(400):
        rows = random.normal(size=200)
        orders = [random.permutation(rows) for _ in range(8)]
        halves = np.array([[learnt(order[:100]), learnt(order[100:])] for order in orders])
        low, high = halves_interval(0.5, 0.5 + halves / 20)  # about 0.5 the scale is straight
        assert 0.5 - low == pytest.approx(high - 0.5)
        widths.append(20 * (high - 0.5) / t.ppf(0.975, 8))
    spread = np.sqrt((1 + noise**2) / 200)
    assert np.sqrt(np.mean(np.square(widths))) == pytest.approx(spread, rel=0.08)  # four standard errors


def test_halves_that_score_lower_show_the_spread_at_the_score_of_all_rows():
    random = np.random.default_rng(0)
    # Of 400 answers 0.95 are right after all rows, and 0.85 of the 200 of a half, which taught less.
    halves = random.binomial(200, 0.85, (4000, 2)) / 200
    low, high = halves_interval(0.95, halves)
    deviation = np.sqrt(0.95 * 0.05 / 400)
    # The scale bends by the square of the deviation over the distance to 1, a tenth here; its mean is right.
    assert (high - low) / 2 / t.ppf(0.975, 4000) == pytest.approx(deviation, rel=0.03)
    assert 0.95 - low > high - 0.95


def test_halves_stay_within_the_range_and_at_least_as_wide_as_asked():
    assert halves_interval(0.9, np.array([[0.0, 1.0]])) == (0.0, 1.0)
    assert halves_interval(1.0, np.ones((8, 2)), least=0.01) == (0.99, 1.0)
    assert halves_interval(0.0, np.zeros((8, 2)), least=0.01) == (0.0, 0.01)


def test_student_t():
    assert student_t(9) == pytest.approx(t.ppf(0.975, 9))
