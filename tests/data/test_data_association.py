import json

import numpy as np
import pytest
from scipy.stats import contingency, spearmanr

from unweave.core.factors import Factor, FactorTable
from unweave.data.association import (
    Association,
    association,
    associations,
    circular_circular,
    circular_linear,
    correlation_ratio,
    cramers_v,
    rank_correlation,
)

KINDS = {
    "categorical": Factor(name="c", kind="categorical"),
    "ordinal": Factor(name="o", kind="ordinal"),
    "continuous": Factor(name="x", kind="continuous"),
    "circular": Factor(name="t", kind="circular", range=(0, 360)),
}


def _table(columns, factors, known=None):
    values = np.stack(columns, 1).astype(float)
    return FactorTable(tuple(factors), values, np.ones(values.shape, bool) if known is None else known)


def _linked_classes(rng, rows, classes=4, share=0.5):
    """Two columns of codes that agree in `share` of the rows and are independent in the others: V is `share`."""
    a = rng.integers(0, classes, rows)
    return a, np.where(rng.random(rows) < share, a, rng.integers(0, classes, rows))


def test_cramers_v_is_the_textbook_value_where_the_correction_vanishes():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 5, 200_000)
    b = np.where(rng.random(len(a)) < 0.4, a % 3, rng.integers(0, 3, len(a)))
    want = contingency.association(contingency.crosstab(a, b).count, method="cramer")
    # The correction is (r - 1)(c - 1)/(N - 1) = 4e-5 on a phi² of 0.3.
    assert cramers_v(a, b) == pytest.approx(want, abs=1e-4)


@pytest.mark.parametrize("codes", [3, 1000])
def test_cramers_v_is_one_for_renamed_classes_and_zero_for_a_constant(codes):
    a = np.tile(np.arange(codes), 20)
    assert cramers_v(a, (a * 7 + 2) % codes) == pytest.approx(1)
    assert cramers_v(a, np.zeros_like(a)) == 0
    assert cramers_v(a[:2], a[:2]) == 0


def test_cramers_v_ignores_codes_that_never_occur_and_is_zero_on_average_by_chance():
    rng = np.random.default_rng(1)
    a, b = _linked_classes(rng, 500)
    assert cramers_v(a * 1000, b * 1000 + 7) == pytest.approx(cramers_v(a, b))
    chance = [cramers_v(rng.integers(0, 10, 300), rng.integers(0, 10, 300)) ** 2 for _ in range(50)]
    # Uncorrected, phi²/(r - 1) would be 81/300/9 = 0.03.
    assert np.mean(chance) < 0.01


def test_correlation_ratio_is_the_root_of_epsilon_squared():
    rng = np.random.default_rng(2)
    classes = rng.integers(0, 4, 300)
    y = np.array([0.0, 1.0, -1.0, 0.5])[classes] + rng.normal(size=300)
    groups = [y[classes == k] for k in range(4)]
    within = sum(((g - g.mean()) ** 2).sum() for g in groups) / (300 - 4)
    want = 1 - within / y.var(ddof=1)
    assert correlation_ratio(classes, y[:, None]) ** 2 == pytest.approx(want)
    assert correlation_ratio(classes * 5 + 1, 3 - 2 * y[:, None]) ** 2 == pytest.approx(want)
    assert correlation_ratio(classes, classes[:, None].astype(float)) == 1
    assert correlation_ratio(classes, np.ones((300, 1))) == 0
    assert correlation_ratio(np.arange(300), y[:, None]) == 0


def test_rank_correlation_is_the_size_of_spearmans_rho():
    rng = np.random.default_rng(3)
    a = rng.integers(0, 6, 400).astype(float)
    b = -a + rng.normal(size=400) * 2
    assert rank_correlation(a, b) == pytest.approx(-spearmanr(a, b).statistic)
    assert rank_correlation(a, np.exp(a)) == pytest.approx(1)
    assert rank_correlation(a, np.ones(400)) == 0


def test_circular_linear_is_the_multiple_correlation_with_cosine_and_sine():
    rng = np.random.default_rng(4)
    angle = rng.uniform(0, 2 * np.pi, 500)
    y = 2 * np.cos(angle - 1) + rng.normal(size=500)
    rc, rs, cs = (
        np.corrcoef(*pair)[0, 1] for pair in ((y, np.cos(angle)), (y, np.sin(angle)), (np.cos(angle), np.sin(angle)))
    )
    want = np.sqrt((rc**2 + rs**2 - 2 * rc * rs * cs) / (1 - cs**2))  # Mardia & Jupp 2000, eq. 11.2.1
    assert circular_linear(angle, y) == pytest.approx(want)
    assert circular_linear(angle, np.cos(angle - 1)) == pytest.approx(1)
    assert circular_linear(angle, np.full(500, 0.1)) == 0


def test_circular_correlation_sees_rotations_and_reflections_but_no_independence():
    rng = np.random.default_rng(5)
    a, b = rng.uniform(0, 2 * np.pi, (2, 2000))
    assert circular_circular(a, a + 2) == pytest.approx(1)
    assert circular_circular(a, 2 - a) == pytest.approx(1)
    # |mean of exp(i·uniform)| is about 1/√2000 = 0.02; the larger of two stays under 0.08.
    assert circular_circular(a, b) < 0.08
    assert circular_circular(a, np.ones(2000)) == pytest.approx(0, abs=1e-6)


def _values(kind, latent, rng):
    """Labels of one kind that follow a latent in [0, 1]."""
    noisy = np.clip(latent + rng.normal(size=len(latent)) * 0.02, 0, 0.999)
    return {"categorical": noisy * 5 // 1, "ordinal": noisy * 5 // 1, "continuous": noisy, "circular": noisy * 180}[
        kind
    ]


MEASURES = {
    ("categorical", "categorical"): "Cramér's V",
    ("categorical", "ordinal"): "Cramér's V",
    ("categorical", "continuous"): "correlation ratio",
    ("categorical", "circular"): "circular correlation ratio",
    ("ordinal", "ordinal"): "Spearman",
    ("ordinal", "continuous"): "Spearman",
    ("ordinal", "circular"): "Mardia's R",
    ("continuous", "continuous"): "Spearman",
    ("continuous", "circular"): "Mardia's R",
    ("circular", "circular"): "circular correlation",
}


@pytest.mark.parametrize(("kinds", "measure"), MEASURES.items())
def test_each_pair_of_kinds_has_its_measure_whatever_the_order(kinds, measure):
    rng = np.random.default_rng(6)
    latent = rng.random(600)
    factors = [KINDS[kind].model_copy(update={"name": name}) for kind, name in zip(kinds, "ab", strict=True)]
    table = _table([_values(kind, latent, rng) for kind in kinds], factors)
    one, other = (association(table, *order, seed=0, resamples=40) for order in ((0, 1), (1, 0)))
    assert one.measure == other.measure == measure
    assert (one.a, one.b) == (other.b, other.a) == ("a", "b")
    assert one.value == pytest.approx(other.value)
    assert one.value > 0.75
    assert one.beyond_chance

    shuffled = _table([table.values[:, 0], rng.permutation(table.values[:, 1])], factors)
    found = [association(shuffled, *order, seed=0, resamples=40) for order in ((0, 1), (1, 0))]
    assert not any(f.beyond_chance for f in found)


SIMULATED = {
    "Cramér's V": ("categorical", "categorical", lambda rng, n: _linked_classes(rng, n)),
    "many classes": ("categorical", "categorical", lambda rng, n: _linked_classes(rng, n, classes=15, share=0.3)),
    "Spearman": ("continuous", "continuous", lambda rng, n: _noisy(rng.normal(size=n), rng)),
    "correlation ratio": ("categorical", "continuous", lambda rng, n: _noisy(rng.integers(0, 4, n), rng)),
    "Mardia's R": ("circular", "continuous", lambda rng, n: _wave(rng.uniform(0, 360, n), rng)),
}


def _noisy(a, rng):
    return a, a + 1.5 * rng.normal(size=len(a))


def _wave(a, rng):
    return a, np.cos(np.radians(a)) + rng.normal(size=len(a))


@pytest.mark.parametrize("case", SIMULATED)
def test_intervals_hold_the_value_of_the_population(case):
    *kinds, draw = SIMULATED[case]
    factors = [KINDS[kind].model_copy(update={"name": name}) for kind, name in zip(kinds, "ab", strict=True)]
    rng = np.random.default_rng(7)
    truth = association(_table(draw(rng, 5000), factors), 0, 1, seed=0, resamples=2).value
    found = [association(_table(draw(rng, 400), factors), 0, 1, seed=s, resamples=100) for s in range(40)]
    # At 95 % coverage, 40 repeats miss 2 on average and more than 7 with probability 0.001.
    assert sum(f.interval[0] <= truth <= f.interval[1] for f in found) >= 33
    # An interval that holds everything would pass as well.
    assert np.mean([f.interval[1] - f.interval[0] for f in found]) < 0.3


@pytest.mark.parametrize("case", SIMULATED)
def test_independent_factors_stay_under_the_chance_level(case):
    *kinds, draw = SIMULATED[case]
    factors = [KINDS[kind].model_copy(update={"name": name}) for kind, name in zip(kinds, "ab", strict=True)]
    rng = np.random.default_rng(8)
    found = []
    for seed in range(40):
        a, b = draw(rng, 200)
        found.append(association(_table([a, rng.permutation(b)], factors), 0, 1, seed=seed, resamples=80))
    # One in 20 lies above its 95 % level; 7 or more of 40 with probability 0.003.
    assert sum(f.value > f.null for f in found) < 7
    assert sum(f.beyond_chance for f in found) < 4


def test_rows_without_a_label_are_left_out():
    rng = np.random.default_rng(9)
    a = rng.normal(size=300)
    columns = np.stack([a, a + rng.normal(size=300)], 1)
    known = np.ones((300, 2), bool)
    known[:100, 0] = known[250:, 1] = False
    factors = (Factor(name="a", kind="continuous"), Factor(name="b", kind="continuous"))
    found = association(FactorTable(factors, np.where(known, columns, 0), known), 0, 1, seed=0, resamples=20)
    assert found.rows == 150
    assert found.value == pytest.approx(abs(spearmanr(*columns[100:250].T).statistic))
    known[:, 0] = np.arange(300) < 9  # 9 rows have both
    assert association(FactorTable(factors, columns, known), 0, 1, seed=0, resamples=20) is None


def test_pairs_come_strongest_first_and_the_same_seed_gives_the_same():
    rng = np.random.default_rng(10)
    a = rng.normal(size=200)
    columns = [a, rng.normal(size=200), a + rng.normal(size=200), a + 0.1 * rng.normal(size=200)]
    table = _table(columns, [Factor(name=name, kind="continuous") for name in "abcd"])
    found = associations(table, resamples=30)
    assert len(found) == 6
    assert {found[0].a, found[0].b} == {"a", "d"}
    assert [f.value for f in found] == sorted((f.value for f in found), reverse=True)
    assert associations(table, resamples=30) == found
    assert associations(table, seed=1, resamples=30) != found
    assert associations(FactorTable.empty(5)) == ()


def test_json_round_trip():
    found = Association("a", "b", "Spearman", 0.5, (0.4, 0.6), 0.1, 200)
    assert Association.from_json(json.loads(json.dumps(found.to_json()))) == found
