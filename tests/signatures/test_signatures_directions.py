"""Directions against closed forms: linear codes of known mixing, and a general solver."""

import numpy as np
import pytest
from scipy.optimize import minimize

from unweave.core.factors import Factor
from unweave.core.targets import Target
from unweave.signatures.chart import Chart
from unweave.signatures.directions import calibrated, isolated, length, pattern, plain
from unweave.signatures.reader import Reader
from unweave.signatures.regression import coordinates
from unweave.signatures.unbiased import Unbiased


def mixed(rng, correlation=0.0, factors=3):
    """A mixing A (D = factors), the covariance of factors and of codes z = A v, and the exact readers' weights."""
    mixing = rng.standard_normal((factors, factors)) + 2 * np.eye(factors)
    spread = np.eye(factors)
    spread[0, 1] = spread[1, 0] = correlation
    covariance = mixing @ spread @ mixing.T
    weights = np.linalg.inv(mixing).T  # column k reads factor k without error
    return mixing, covariance, weights


@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_isolated_directions_are_the_columns_of_the_mixing(correlation):
    mixing, covariance, weights = mixed(np.random.default_rng(0), correlation)
    for k in range(3):
        others = [weights[:, [j]] for j in range(3) if j != k]
        found = isolated(weights[:, [k]], np.eye(1), others, covariance)
        np.testing.assert_allclose(found[0], mixing[:, k], atol=1e-9)


def test_pattern_is_the_regression_of_codes_on_what_the_probe_reads():
    # Cov(z, v_k) / Var(v_k) is a column of the mixing for independent factors, and a mixture of columns otherwise.
    mixing, covariance, weights = mixed(np.random.default_rng(1), 0.8)
    np.testing.assert_allclose(
        pattern(weights[:, [0]], np.eye(1), covariance)[0], mixing[:, 0] + 0.8 * mixing[:, 1], atol=1e-9
    )
    mixing, covariance, weights = mixed(np.random.default_rng(1), 0.0)
    np.testing.assert_allclose(pattern(weights[:, [0]], np.eye(1), covariance)[0], mixing[:, 0], atol=1e-9)


def test_directions_are_the_least_that_do_what_is_asked():
    rng = np.random.default_rng(2)
    root = rng.standard_normal((6, 6))
    covariance = root @ root.T + 0.1 * np.eye(6)
    weights, other, target = rng.standard_normal((6, 2)), rng.standard_normal((6, 3)), rng.standard_normal((1, 2))
    inverse = np.linalg.inv(covariance)

    def least(metric, constraints, wanted):
        problem = {"type": "eq", "fun": lambda r: r @ constraints - wanted}
        solved = minimize(
            lambda r: r @ metric @ r, np.zeros(6), jac=lambda r: 2 * metric @ r, constraints=[problem], tol=1e-14
        )
        return solved.x

    # The general solver stops at its own tolerance, about 1e-6 of the length.
    found = isolated(weights, target, [other], covariance)[0]
    expected = least(inverse, np.hstack([weights, other]), np.append(target[0], np.zeros(3)))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_allclose(found @ other, 0, atol=1e-9)
    np.testing.assert_allclose(found @ weights, target[0], atol=1e-9)
    found = pattern(weights, target, covariance)[0]
    np.testing.assert_allclose(found, least(inverse, weights, target[0]), atol=1e-4)
    np.testing.assert_allclose(plain(weights, target)[0], least(np.eye(6), weights, target[0]), atol=1e-4)


def test_probes_of_classes_may_depend_on_each_other():
    rng = np.random.default_rng(3)
    weights = rng.standard_normal((5, 3))
    weights -= weights.mean(axis=1, keepdims=True)  # log-odds up to a constant: rank 2
    target = rng.standard_normal((3, 3))
    target -= target.mean(axis=1, keepdims=True)
    for found in (plain(weights, target), pattern(weights, target, np.eye(5) + 0.3)):
        np.testing.assert_allclose(found @ weights, target, atol=1e-9)


def test_a_factor_that_others_read_as_well_cannot_be_isolated():
    weights = np.array([[1.0], [0.0]])
    found = isolated(weights, np.eye(1), [weights], np.eye(2))
    assert abs(float((found @ weights).squeeze())) <= 0.5 + 1e-9  # half of it at the least is lost


def test_the_units_of_codes_do_not_matter():
    rng = np.random.default_rng(4)
    root, units = rng.standard_normal((4, 4)), np.array([1e-3, 1.0, 50.0, 3.0])
    covariance, weights, other = root @ root.T, rng.standard_normal((4, 1)), rng.standard_normal((4, 2))
    found = isolated(weights, np.eye(1), [other], covariance)
    scaled = isolated(
        weights / units[:, None], np.eye(1), [other / units[:, None]], covariance * np.outer(units, units)
    )
    np.testing.assert_allclose(scaled, found * units, rtol=1e-6)


def test_length_and_calibration():
    covariance = np.diag([4.0, 1.0])
    assert length(np.array([[2.0, 0.0]]), covariance) == pytest.approx(1)
    assert length(np.array([[2.0, 0.0], [0.0, 2.0]]), covariance) == pytest.approx(np.sqrt(2.5))
    weights = np.array([[0.5], [0.0]])
    np.testing.assert_allclose(calibrated(np.array([[1.0, 3.0]]), weights, np.eye(1)), [[2.0, 6.0]])
    assert not calibrated(np.array([[0.0, 3.0]]), weights, np.eye(1)).any()


def test_the_regression_holds_the_other_factors_still_however_noisy_the_codes():
    # z = A v + noise: the regression on all labels gives A; a probe's pattern does not, because factors are correlated.
    from unweave.core.factors import FactorTable
    from unweave.signatures.regression import regress

    rng = np.random.default_rng(5)
    mixing = rng.standard_normal((3, 6))
    factors = rng.multivariate_normal(np.zeros(3), [[1, 0.8, 0], [0.8, 1, 0], [0, 0, 1]], 20_000)
    codes = factors @ mixing + rng.standard_normal((20_000, 6))
    named = tuple(Factor(name=n, kind="continuous") for n in "abc")
    table = FactorTable(named, factors, np.ones(factors.shape, bool))
    targets = [Target(f) for f in named]
    readers = {t.factor.name: Reader(t, np.zeros((6, 1)), np.zeros(1)) for t in targets}
    found = regress(codes, table, [Chart(t) for t in targets], readers)
    # Standard error of a coefficient: 1 / sqrt(20,000 * (1 - 0.8²)) = 0.012; five of them.
    np.testing.assert_allclose(np.vstack(found.movement), mixing, atol=0.06)
    np.testing.assert_allclose(found.noise, np.eye(6), atol=0.05)  # 1 / sqrt(20,000) = 0.007
    # The unbiased readers see each column of the mixing as one step of its factor and nothing of the others.
    unbiased = Unbiased(found).weights
    np.testing.assert_allclose(mixing @ unbiased, np.eye(3), atol=0.06)
    least = np.linalg.inv(mixing @ mixing.T) @ mixing  # Gauss and Markov, for noise of covariance I
    np.testing.assert_allclose(unbiased.T, least, atol=0.05)


def test_missing_labels_are_those_that_the_probe_expects():
    factor = Factor(name="colour", kind="categorical", values=("red", "green"))
    chart = Chart(Target(factor))
    outputs = np.log(np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]]))
    found = coordinates(chart, np.array([0.0, 1.0, 0.0]), np.array([True, True, False]), outputs)
    expected = np.array([[1, 0], [0, 1], [0.2, 0.8]])
    np.testing.assert_allclose(found, expected, atol=1e-12)
