"""The downstream score: budgets, draws, and what the interval holds."""

import numpy as np
import pytest

from unweave.core import ConfigError, Factor, FactorTable
from unweave.metrics import budget
from unweave.metrics.budget import DRAWS, _Target
from unweave.metrics.inputs import as_problem
from unweave.metrics.linear import fit_logistic


def problem(rows=2400, seed=0):
    random = np.random.default_rng(seed)
    factors = np.stack([random.integers(size, size=rows) for size in (2, 5)], axis=1)
    return np.hstack([factors + 0.4 * random.normal(size=(rows, 2)), random.normal(size=(rows, 6))]), factors


def test_more_labels_read_better_and_random_codes_do_not():
    codes, factors = problem()
    card = budget(codes, factors)
    assert list(card) == ["labels.10", "labels.100", "labels.1000"]
    values = [score.value for score in card.values()]
    assert values[0] + 0.05 < values[1] < values[2]
    for score in card.values():
        assert score.interval[0] < score.value < score.interval[1]
        assert score.interval[1] - score.interval[0] < 0.2
        assert score.null == pytest.approx((1 / 2 + 1 / 5) / 2, abs=0.04)
        assert score.matrix.shape == (DRAWS, 2)
        assert score.value == pytest.approx(score.matrix.mean())


def test_all_rows_as_labels_are_the_fit_of_all_rows():
    codes, factors = problem(300)
    score = budget(codes, factors, budgets=[200], train_rows=200)["labels.200"]
    x = (codes - codes[:200].mean(axis=0)) / codes[:200].std(axis=0)
    for k, labels in enumerate(factors.T):
        told = fit_logistic(x[:200], labels[:200], labels.max() + 1)(x[200:]).argmax(axis=1)
        np.testing.assert_allclose(score.matrix[:, k], np.mean(told == labels[200:]), atol=0.011)
    assert score.interval[1] - score.interval[0] > 0.02


def test_draws_hold_every_class_then_proportions_and_grow():
    random = np.random.default_rng(1)
    factors = random.choice(4, size=(1000, 1), p=[0.6, 0.3, 0.09, 0.01])
    problem = as_problem(random.normal(size=(1000, 2)), factors)
    target = _Target.of(problem, 0, np.arange(800), np.arange(800, 1000))
    few, some, many = (target.draw(n, np.random.default_rng(7)) for n in (3, 20, 400))
    assert sorted(factors[few, 0]) == [0, 1, 2]
    assert set(few) < set(some) < set(many)
    assert (np.bincount(factors[some, 0], minlength=4) > 0).all()
    share = np.bincount(factors[many, 0]) / 400 - np.bincount(factors[:800, 0]) / 800
    assert np.abs(share).max() < 0.01
    assert len(set(many)) == 400
    assert many.max() < 800


def test_too_few_rows_to_draw_from():
    codes, factors = problem(120)
    card = budget(codes, factors)
    assert "80 rows" in card["labels.100"].reason
    assert "80 rows" in card["labels.1000"].reason
    assert card["labels.10"].value is not None
    holes = factors.astype(float)
    holes[5:100, 1] = np.nan
    assert "5 rows with a label of factor 'factor_1'" in budget(codes, holes, train_rows=100)["labels.10"].reason
    holes[5:, 1] = np.nan
    assert budget(codes, holes, train_rows=100)["labels.10"].dropped_factors == ("factor_1",)
    with pytest.raises(ConfigError, match="budgets"):
        budget(codes, factors, budgets=[1])


def test_measurements_and_angles():
    random = np.random.default_rng(2)
    values = np.stack([random.normal(size=900), random.uniform(0, 360, size=900), random.normal(size=900)], axis=1)
    turn = np.deg2rad(values[:, 1])
    kinds = (
        Factor(name="a", kind="continuous"),
        Factor(name="b", kind="circular", range=(0, 360)),
        Factor(name="c", kind="continuous"),
    )
    table = FactorTable(kinds, values, np.ones(values.shape, dtype=bool))
    codes = np.column_stack([values[:, 0], np.sin(turn), np.cos(turn)])
    score = budget(codes, table, budgets=[300])["labels.300"]
    np.testing.assert_allclose(score.matrix[:, :2], 1, atol=0.01)
    np.testing.assert_allclose(score.matrix[:, 2], 0, atol=0.02)
    assert (score.matrix >= 0).all()


def test_weights():
    codes, factors = problem(600)
    card = budget(codes, factors, budgets=[50], weights={"factor_0": 3, "factor_1": 1})
    score = card["labels.50"]
    assert score.value == pytest.approx(score.matrix.mean(axis=0) @ [0.75, 0.25])
    assert "weight 0" in budget(codes, factors * [0, 1], weights={"factor_0": 1, "factor_1": 0})["labels.10"].reason
