"""Labels as coordinates, the density of codes, and the file of signatures."""

import numpy as np
import pytest
from scipy.stats import chi

from unweave.core.factors import Factor
from unweave.core.targets import Target
from unweave.signatures.chart import Chart
from unweave.signatures.density import INSIDE, Density

SIZE = Factor(name="size", kind="continuous", range=(0, 10))
LEVEL = Factor(name="level", kind="ordinal", values=("low", "middle", "high"))
COLOUR = Factor(name="colour", kind="categorical", values=("red", "green", "blue"))
TURN = Factor(name="turn", kind="circular", range=(0, 360))


@pytest.mark.parametrize(
    ("target", "knots"),
    [
        (Target(SIZE, 5.0, 2.0), ()),
        (Target(SIZE, 5.0, 2.0), (-1.5, 0.0, 0.5, 2.0)),
        (Target(LEVEL, 1.0, 0.8), ()),
        (Target(COLOUR), ()),
        (Target(TURN, 0.0, 360 / (2 * np.pi)), ()),
    ],
)
def test_labels_come_back_from_their_coordinates(target, knots):
    chart = Chart(target, knots)
    discrete = target.factor.is_discrete
    labels = np.arange(3.0) if discrete else np.array([0.5, 3.0, 5.0, 7.7, 9.9]) * (36 if target is TURN else 1)
    found = chart.of(labels)
    assert found.shape == (len(labels), chart.width)
    np.testing.assert_allclose(chart.labels(found), labels, atol=1e-9)
    assert Chart.from_json(chart.to_json()) == chart


def test_a_turn_wraps_and_knots_bend():
    turn = Chart(Target(TURN, 0.0, 360 / (2 * np.pi)))
    np.testing.assert_allclose(turn.of(np.array([350.0, 370.0])) - turn.of(np.array([-10.0, 10.0])), 0, atol=1e-9)
    bent = Chart(Target(SIZE), (0.0, 1.0, 3.0))
    np.testing.assert_allclose(bent.of(np.array([0.25, 2.0, 4.0])), [[0.75, 0.25, 0], [0, 0.5, 0.5], [0, -0.5, 1.5]])


def test_density_of_a_normal_distribution():
    rng = np.random.default_rng(0)
    root = np.array([[2.0, 0.0, 0.0], [1.0, 0.5, 0.0], [0.0, 0.3, 0.4]])
    codes = rng.standard_normal((20_000, 3)) @ root.T + [1.0, -2.0, 100.0]
    density = Density.of(codes)
    # Relative error of a variance of 20,000 rows is 1 %; the quantile's is 3 standard errors of 0.05 / (density 0.04).
    np.testing.assert_allclose(density.covariance, root @ root.T, atol=0.05)
    assert density.radius == pytest.approx(chi(3).ppf(INSIDE), abs=0.1)
    assert np.mean(density.distance(codes) <= density.radius) == pytest.approx(INSIDE, abs=1e-3)


def test_reach_ends_on_the_ellipsoid_and_codes_outside_come_no_further_out():
    rng = np.random.default_rng(1)
    density = Density.of(rng.standard_normal((500, 4)) * [1, 2, 3, 0.1])
    codes, direction = rng.standard_normal((50, 4)) * [0.5, 1, 1.5, 0.05], rng.standard_normal(4)
    low, high = density.reach(codes, direction)
    assert (low < 0).all()
    assert (high > 0).all()
    for end in (low, high):
        np.testing.assert_allclose(density.distance(codes + end[:, None] * direction), density.radius, rtol=1e-9)
    far = density.mean + 10 * density.radius * np.array([1.0, 0, 0, 0])
    low, high = density.reach(far[None], np.array([1.0, 0, 0, 0]))
    assert high[0] == pytest.approx(0, abs=1e-9)
    assert low[0] < 0
    assert np.isinf(density.reach(codes, np.zeros(4))[1]).all()


def test_columns_that_do_not_vary_or_repeat_can_be_inverted():
    rng = np.random.default_rng(2)
    codes = rng.standard_normal((300, 2))
    codes = np.column_stack([codes, codes[:, 0], np.full(300, 0.37)])
    density = Density.of(codes)
    assert np.isfinite(density.distance(codes)).all()
    assert Density.from_json(density.to_json()).radius == density.radius
