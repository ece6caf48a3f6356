"""DCI-ES: curves, what codes at chance score, and the interval."""

import numpy as np
import pytest

from unweave.core import Factor, FactorTable
from unweave.metrics import dci_es
from unweave.metrics.boosting import fit_boosted_trees
from unweave.metrics.capacity import curve_explicitness, read_weights
from unweave.metrics.dci_es import STAGES


def problem(rows=900, seed=0):
    random = np.random.default_rng(seed)
    factors = np.stack([random.integers(size, size=rows) for size in (3, 4, 5)], axis=1)
    return factors + 0.05 * random.normal(size=(rows, 3)), factors


def once(codes, factors, name="explicitness", **settings):
    return dci_es(codes, factors, **{"bootstrap": 0, "nulls": 0, "workers": 1, **settings})[f"dci_es.{name}"]


def test_curves_in_closed_form():
    x = np.array([1.0, 2, 5])
    assert curve_explicitness(x, np.array([0.8, 0.6, 0.0]), 0.8) == pytest.approx(1 - 2 * (0.7 + 0.9) / (4 * 0.8))
    assert curve_explicitness(x, 0.8 * (5 - x) / 4, 0.8) == pytest.approx(0)
    assert curve_explicitness(x, np.array([0.2, 0.7, 0.3]), 0.8) == 1  # the lowest loss up to each capacity counts
    assert curve_explicitness(x, np.full(3, 0.8), 0.8) == 1  # the defect
    assert 1 - read_weights(x, np.full(3, 0.8)) @ np.full(3, 0.8) / 0.8 == pytest.approx(0)
    for loss in (np.array([0.5, 0.6, 0.2]), np.array([0.5, 0.2, 0.6])):
        read = 1 - read_weights(x, loss) @ loss / 0.8
        assert read == pytest.approx(curve_explicitness(x, loss, 0.8) - 0.2 / 0.8)


def test_stages_of_one_fit_are_the_fits_of_fewer_stages():
    codes, factors = problem(300)
    model = fit_boosted_trees(codes, factors[:, 2], n_classes=5, trees=16)
    told = model.predict_after(codes, [1, 4, 16])
    for row, trees in enumerate((1, 4, 16)):
        alone = fit_boosted_trees(codes, factors[:, 2], n_classes=5, trees=trees)
        np.testing.assert_array_equal(told[row], alone.predict(codes))
        np.testing.assert_array_equal(alone.fitted, alone.predict(codes))


def test_aligned_codes_need_less_than_rotated_ones_and_noise_says_nothing():
    codes, factors = problem()
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    assert once(codes, factors).value > 0.97
    assert once((codes - codes.mean(axis=0)) / codes.std(axis=0) @ turn, factors).value < 0.9
    noise = np.random.default_rng(2).normal(size=(900, 3))
    score = once(noise, factors, nulls=3)
    assert score.value == pytest.approx(0, abs=0.1)
    assert score.null == pytest.approx(0, abs=0.1)


def test_losses_are_those_of_the_trees():
    codes, factors = problem(600)
    codes += 0.5 * np.random.default_rng(5).normal(size=codes.shape)
    matrix = once(codes, factors, train_rows=400).matrix
    assert matrix.shape == (len(STAGES), 3)
    model = fit_boosted_trees((codes - codes.mean(axis=0))[:400] / codes.std(axis=0), factors[:400, 1], n_classes=4,
                              trees=STAGES[2])  # fmt: skip
    wrong = model.predict((codes - codes.mean(axis=0))[400:] / codes.std(axis=0)) != factors[400:, 1]
    assert matrix[2, 1] == pytest.approx(wrong.mean(), abs=0.011)  # a draw between equal splits may turn two rows


def test_size_counts_what_varies():
    codes, factors = problem(200)
    assert once(codes, factors, "size").value == 1
    dead = np.column_stack([codes, np.ones(200), codes[:, 0] ** 2])
    size = once(dead, np.column_stack([factors, np.zeros(200)]), "size", bootstrap=10, nulls=2)
    assert (size.value, size.interval, size.null_interval) == (0.75, (0.75, 0.75), (0.75, 0.75))
    assert size.dropped_codes == (3,)
    assert size.dropped_factors == ("factor_3",)


def test_weights_missing_labels_and_rare_classes():
    codes, factors = problem(600)
    noisy = codes + np.array([0, 0, 2]) * np.random.default_rng(3).normal(size=codes.shape)
    low, high = (
        once(noisy, factors, weights=dict(zip(("factor_0", "factor_1", "factor_2"), w, strict=True))).value
        for w in ((0, 0, 1), (1, 1, 0))
    )
    assert low < 0.7 < 0.97 < high
    assert once(noisy, factors).value == pytest.approx((low + 2 * high) / 3)
    values = np.where(np.random.default_rng(4).random(600) < 0.002, 1.0, 0.0)
    rare = FactorTable((Factor(name="a", kind="categorical"),), values[:, None], np.ones((600, 1), dtype=bool))
    score = dci_es(codes, rare, workers=1)["dci_es.explicitness"]
    assert score.value is None or score.value <= 1


def test_the_interval_holds_the_value_and_narrows():
    def width(rows):
        codes, factors = problem(rows, seed=rows)
        codes += 0.6 * np.random.default_rng(6).normal(size=codes.shape)
        score = once(codes, factors, bootstrap=200)
        assert score.interval[0] < score.value < score.interval[1]
        return score.interval[1] - score.interval[0]

    assert 0 < width(2400) < 0.75 * width(600)


def test_reasons():
    codes, factors = problem(60)
    assert "no code varies" in once(codes * 0, factors).reason
    assert "no factor" in once(codes, factors * 0).reason
    assert "'factor_0'" in once(codes, factors * [0, 1, 1], mode="reference").reason
