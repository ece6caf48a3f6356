"""IRS: closed forms, outliers, units."""

import numpy as np
import pytest

from unweave.core import ConfigError, Factor, FactorTable
from unweave.metrics import irs


def once(codes, factors, **settings):
    return irs(codes, factors, **{"bootstrap": 0, "nulls": 0, **settings})


def problem(rows=2000, seed=0):
    random = np.random.default_rng(seed)
    factors = np.stack([random.integers(size, size=rows) for size in (4, 30)], axis=1)
    return factors + 0.2 * random.normal(size=factors.shape), factors


def test_cells_are_one_less_the_ratio_of_spreads():
    random = np.random.default_rng(1)
    factors = random.permutation(np.arange(60_000) % 3)[:, None]
    codes = factors + 0.5 * random.normal(size=(60_000, 1))
    # Variance 0.25 within and 2/3 + 0.25 overall; pulling in a hundredth at each end moves the ratio by 0.01.
    assert once(codes, factors).value == pytest.approx(1 - np.sqrt(0.25 / (2 / 3 + 0.25)), abs=0.015)


def test_random_codes_score_0_in_robust_mode_only():
    _, factors = problem()
    noise = np.random.default_rng(2).normal(size=(2000, 4))
    score = once(noise, factors, nulls=5)
    assert score.value < 0.01
    assert score.null < 0.01
    assert once(noise, factors, mode="reference").value > 0.2  # the defect


def test_chance_is_taken_off_exactly():
    """Mean over permutations of the squared ratio is 1: classes of few rows do not look still."""
    random = np.random.default_rng(3)
    factors, codes = np.arange(40)[:, None] // 4, random.normal(size=(40, 1))
    names = FactorTable((Factor(name="a", kind="categorical"),), factors.astype(float), np.ones((40, 1), dtype=bool))
    from unweave.metrics.irs import _cells

    ratios = [
        (1 - _cells(codes[random.permutation(40)], [names.values[:, 0].astype(int)], np.arange(0)).values) ** 2
        for _ in range(2000)
    ]
    assert np.mean(ratios) == pytest.approx(1, abs=4 * np.std(ratios) / np.sqrt(2000))


def test_units_outliers_and_many_values():
    codes, factors = problem()
    value = once(codes, factors).value
    assert once(codes * [1e-5, 300] + [7, -4], factors).value == pytest.approx(value, abs=1e-9)
    spoilt = codes.copy()
    spoilt[3] = [1e6, -1e6]
    # Pulled in, it still is a row out of place: 25 values off in one row of 2,000 where the others deviate by 0.2.
    assert once(spoilt, factors).value == pytest.approx(value, abs=0.03)
    assert once(codes, factors, mode="reference").value < 0.95
    assert once(spoilt, factors, mode="reference").value > 0.999  # the defect
    # Thirty values are kept apart: the second code moves by 0.2 within a value of 30.
    assert once(codes, factors).matrix[1, 1] > 0.95


def test_reference_on_a_few_rows_by_hand():
    codes = np.array([[0.0], [2.0], [5.0], [9.0]])
    factors = np.array([[0], [0], [1], [1]])
    # Deviations 1 and 2 within the values, 5 at most from the mean of 4.
    assert once(codes, factors, mode="reference").value == pytest.approx(1 - 1.5 / 5)


def test_reasons_and_quirks():
    codes, factors = problem(200)
    assert once(codes * 0, factors, mode="reference").value == 0  # as published
    assert "no code varies" in once(codes * 0, factors).reason
    constant = np.column_stack([codes, np.full(200, 0.37)])
    assert once(constant, factors).dropped_codes == (2,)
    assert "no factor" in once(codes, factors * 0).reason
    assert "each is constant" in once(codes[:20], np.arange(20)[:, None]).reason
    with pytest.raises(ConfigError, match="quantile"):
        irs(codes, factors, quantile=99)


def test_intervals_narrow_with_more_rows():
    for mode in ("robust", "reference"):
        few, many = (irs(*problem(rows), mode=mode, nulls=0).interval for rows in (500, 8000))
        assert 0 < many[1] - many[0] < 0.6 * (few[1] - few[0])
