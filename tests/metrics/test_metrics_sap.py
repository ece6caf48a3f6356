"""SAP: the exact one-dimensional machines, the predictor by neighbours, and what robust mode cures."""

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from unweave.core import Codes, Factor, FactorTable
from unweave.metrics import sap
from unweave.metrics.correlations import TAIL, pulled_in
from unweave.metrics.margins import COST, fit_margins
from unweave.metrics.neighbours import average, neighbours, vote, window


def problem(rows=1500, seed=0):
    random = np.random.default_rng(seed)
    factors = np.stack([random.integers(size, size=rows) for size in (3, 5, 8)], axis=1)
    codes = np.hstack([factors + 0.1 * random.normal(size=(rows, 3)), random.normal(size=(rows, 1))])
    return codes, factors


def one(codes, factors, name="sap", **settings):
    return sap(codes, factors, **{"bootstrap": 0, "nulls": 0, **settings})[name]


def loss(slope, offset, code, labels, target, own, rest):
    """The objective of one machine, row by row."""
    sign = np.where(labels == target, 1, -1)
    hinge = np.maximum(0, 1 - sign * (slope * code + offset)) ** 2
    return 0.5 * (slope**2 + offset**2) + COST * (np.where(labels == target, own, rest) * hinge).sum()


@pytest.mark.parametrize("classes", [2, 3, 9])
@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (100, 5000), (0.01, -1)])
def test_machines_are_the_optimum_that_liblinear_approaches(classes, scale, shift):
    random = np.random.default_rng(classes)
    labels = random.choice(classes, size=400, p=np.arange(1, classes + 1) / np.arange(1, classes + 1).sum())
    code = (np.round(labels + 0.7 * random.normal(size=400), 1)) * scale + shift
    machines = fit_margins(code, labels, classes)
    weights = 400 / (classes * np.bincount(labels))
    theirs = LinearSVC(C=COST, class_weight="balanced", tol=1e-9, max_iter=100_000).fit(code[:, None], labels)
    for p, target in enumerate(range(classes) if classes > 2 else [1]):
        sides = (weights[target], 1.0) if classes > 2 else (weights[1], weights[0])
        rows = code, labels, target, *sides
        ours = loss(machines.slope[p], machines.offset[p], *rows)
        assert ours <= loss(theirs.coef_[p, 0], theirs.intercept_[p], *rows) * (1 + 1e-9)
        size = np.hypot(machines.slope[p], machines.offset[p])
        for step in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            moved = machines.slope[p] + 1e-3 * size * step[0] / scale, machines.offset[p] + 1e-3 * size * step[1]
            assert loss(*moved, *rows) > ours
    if scale == 1:
        np.testing.assert_array_equal(machines.predict(code), theirs.predict(code[:, None]))


def test_a_constant_code_gives_machines_that_say_one_class():
    labels = np.arange(30) % 3
    assert len(np.unique(fit_margins(np.ones(30), labels, 3).predict(np.ones(5)))) == 1
    assert len(np.unique(fit_margins(np.zeros(30), labels, 3).predict(np.ones(5)))) == 1


def test_windows_hold_equal_values_and_the_nearest_ranks():
    known = np.array([0, 1, 1, 1, 2, 3, 4, 5.0])
    first, last = window(known, np.array([1.0, 2.5, -9, 9]), 2)
    assert list(zip(first, last, strict=True)) == [(1, 4), (4, 6), (0, 1), (7, 8)]
    first, last = window(known, np.array([1.0]), 5)
    assert (first[0], last[0]) == (0, 5)


def test_votes_find_classes_in_any_order_and_rare_ones():
    random = np.random.default_rng(0)
    labels = random.choice(3, size=3000, p=[0.9, 0.08, 0.02])
    code = np.array([1.0, 0.0, 2.0])[labels] + 0.05 * random.normal(size=3000)
    np.testing.assert_array_equal(vote(code, labels, 3, np.array([0.0, 1.0, 2.0])), [1, 0, 2])
    np.testing.assert_array_equal(vote(np.exp(9 * code), labels, 3, np.exp([0.0, 9.0, 18.0])), [1, 0, 2])
    blind = vote(random.normal(size=3000), labels, 3, random.normal(size=3000))
    assert (np.bincount(blind, minlength=3) > 500).all()  # a code that says nothing does not favour frequent classes
    even, other = np.arange(3000) % 3, random.normal(size=3000)  # windows of an even number of rows tie again and again
    votes = vote(other, even, 3, other)
    np.testing.assert_array_equal(vote(other, 2 - even, 3, other), 2 - votes)
    curve = average(code, (code**2)[:, None], np.array([1.0, 1.05]))
    np.testing.assert_allclose(curve[:, 0], [1.0, 1.1025], atol=0.01)
    assert neighbours(10_000, 40) == 125
    assert neighbours(10_000, 3) == 166
    assert neighbours(30) == 10


def test_squared_correlations_of_noise_with_many_names_are_0_on_average():
    random = np.random.default_rng(5)
    names = np.array([f"name {k}" for k in range(40)])[random.permutation(np.arange(300) % 40)][:, None]
    matrix = np.array([
        one(random.normal(size=(300, 2)), names, "sap.continuous", train_rows=280).matrix for _ in range(60)
    ])  # fmt: skip
    # Unadjusted they are 39 / 279 = 0.14; cells below 0 show as 0, which leaves the mean of half a normal.
    assert matrix.mean() < 0.03


@pytest.mark.parametrize("name", ["sap", "sap.continuous"])
def test_perfect_codes_score_1_and_random_ones_0(name):
    _, factors = problem()
    assert one(factors.astype(float), factors, name).value > 0.97
    assert one(factors.astype(float), factors, mode="reference").value < 0.45  # the defect
    noise = np.random.default_rng(1).normal(size=(1500, 5))
    score = one(noise, factors, name, nulls=20, bootstrap=200)
    assert score.value < 0.04
    assert score.null < 0.04


def test_units_bent_scales_and_outliers_change_nothing():
    codes, factors = problem()
    value = one(codes, factors).value
    bent = np.stack([np.exp(codes[:, 0]), 1e-7 * codes[:, 1], codes[:, 2] ** 3, 100 * codes[:, 3]], axis=1)
    assert one(bent, factors).value == pytest.approx(value, abs=1e-9)
    codes[5] = 1e6
    assert one(codes, factors).value == pytest.approx(value, abs=0.01)
    clean = one(problem()[0], factors, "sap.continuous").value
    assert one(codes, factors, "sap.continuous").value == pytest.approx(clean, abs=0.02)
    assert one(codes, factors, "sap.continuous", mode="reference").value < 0.05  # the defect


def test_a_second_code_for_a_factor_closes_the_gap():
    codes, factors = problem()
    for name in ("sap", "sap.continuous"):
        assert one(np.column_stack([codes, codes[:, 2]]), factors, name).value < 0.75
        assert one(np.hstack([codes, codes]), factors, name).value < 1e-9


def table(kinds, values):
    factors = tuple(
        Factor(name=f"f{k}", kind=kind, **({"range": (0, 360)} if kind == "circular" else {}))
        for k, kind in enumerate(kinds)
    )
    return FactorTable(factors, values, np.ones(values.shape, dtype=bool))


def test_measurements_and_angles():
    random = np.random.default_rng(3)
    values = np.stack([random.normal(size=2000), random.uniform(0, 360, size=2000)], axis=1)
    angle = np.deg2rad(values[:, 1])
    codes = np.column_stack([values[:, 0] + 0.1 * random.normal(size=2000), np.sin(angle), random.normal(size=2000)])
    factors = table(["continuous", "circular"], values)
    matrix = one(codes, factors).matrix
    assert matrix[0, 0] > 0.97
    # sin(t) tells sin(t) exactly and cos(t) up to its sign: half of the variance.
    assert matrix[1, 1] == pytest.approx(0.5, abs=0.03)
    assert np.abs(matrix[2]).max() < 0.1
    assert one(codes, factors, "sap.continuous").matrix[1, 1] > 0.99
    turned = table(["continuous", "circular"], np.stack([values[:, 0], (values[:, 1] + 100) % 360], axis=1))
    turned_by = one(codes, turned, "sap.continuous").matrix
    np.testing.assert_allclose(turned_by, one(codes, factors, "sap.continuous").matrix, atol=1e-9)
    assert "needs classes" in one(codes, factors, mode="reference").reason


def test_published_correlations_take_labels_as_the_numbers_that_they_are():
    random = np.random.default_rng(4)
    factors = np.array([0, 1, 50])[random.integers(3, size=(500, 1))]
    codes = np.column_stack([factors[:, 0] + random.normal(size=500), random.normal(size=500)])
    score = one(codes, factors, "sap.continuous", mode="reference", train_rows=400)
    expected = np.corrcoef(np.column_stack([codes, factors])[:400].T)[2, :2] ** 2
    np.testing.assert_allclose(score.matrix[:, 0], expected, rtol=1e-9)


def test_weights_missing_labels_and_reasons():
    codes, factors = problem()
    matrix = one(codes, factors).matrix
    weights = {"factor_0": 0.0, "factor_1": 1.0, "factor_2": 3.0}
    top = np.sort(matrix, axis=0)
    assert one(codes, factors, weights=weights).value == pytest.approx((top[-1] - top[-2]) @ [0, 0.25, 0.75])
    holes = factors.astype(float)
    holes[1000:1300, 2] = np.nan
    rows = np.r_[:1000, 1300:1500]
    for mode in ("robust", "reference"):
        got = one(codes, holes, mode=mode, train_rows=900).matrix
        want = one(codes[rows], factors[rows], mode=mode, train_rows=900).matrix
        np.testing.assert_allclose(got[:, 2], want[:, 2])
    assert "compares two codes" in one(codes[:, :1], factors).reason
    only = one(codes * [1, 0, 0, 0], factors)  # dead codes stay rivals that predict nothing
    assert only.value == pytest.approx(only.matrix[0].mean())
    assert only.dropped_codes == (1, 2, 3)
    assert one(codes * 0, factors, bootstrap=10, nulls=2).value == 0
    drowned = Codes(codes.astype(np.float32), np.log([1e-4, 1e-4, 1e4, 1e-4], dtype=np.float32) + 0 * codes)
    assert sap(drowned, factors, bootstrap=0, nulls=0)["sap"].dropped_codes == (2,)
    constant = factors * [0, 1, 1]
    assert "weight 0" in one(codes, constant, weights={"factor_0": 1, "factor_1": 0, "factor_2": 0}).reason


def test_extremes_are_pulled_in():
    values = np.arange(200.0)[:, None]
    values[-1] = 1e9
    kept = pulled_in(values)
    assert kept.mean() == pytest.approx(0, abs=1e-9)
    assert np.ptp(kept) == 200 - 1 - 2 * np.ceil(TAIL * 200)
    assert np.ptp(pulled_in(np.array([[0.0], [1.0]]))) == 1
