"""Scores of information: what they see, what they do not, and what robust mode removes."""

import itertools

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, mutual_info_score

from unweave.core import Codes, ConfigError, DataError, Factor, FactorTable
from unweave.metrics import infomec, jemmig, med, mig, mig_sup, modularity, rmig
from unweave.metrics import mutual_info_score as between_codes
from unweave.metrics.med import most_disentangled
from unweave.metrics.modularity import one_factor_only

ROWS = 1500
SIZES = (3, 5, 8)
QUICK = {"bootstrap": 0, "nulls": 0}
FAMILY = (mig, mig_sup, rmig, jemmig, modularity, med, infomec)


def labels(seed=0, rows=ROWS):
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(size, size=rows) for size in SIZES], axis=1)


def noise(codes, seed=1, rows=ROWS):
    return np.random.default_rng(seed).normal(size=(rows, codes))


def scores(metric, *arguments, **settings):
    found = metric(*arguments, **(QUICK | settings))
    return [found] if metric not in (med, infomec) else list(found.values())


def test_one_code_for_two_factors():
    """MIG does not mind, the scores over codes do."""
    factors = labels()
    both = factors[:, 0] + 3 * factors[:, 1]
    codes = np.column_stack([both, factors[:, 2], noise(1)]).astype(float)
    assert mig(codes, factors, **QUICK).value > 0.95
    assert mig_sup(codes, factors, **QUICK).value == pytest.approx(0.5, abs=0.03)  # the mean of 0 and 1
    # I is log 3 and log 5 in the first code: 1 - (log 3 / log 5)² / 2 = 0.767; the second code has 1.
    assert modularity(codes, factors, **QUICK).value == pytest.approx((0.767 + 1) / 2, abs=0.01)
    card = infomec(codes, factors, **QUICK)
    assert card["infomec.infom"].value == pytest.approx(((1 / 2 - 1 / 3) / (2 / 3) + 1) / 2, abs=0.02)
    assert card["infomec.infoc"].value == pytest.approx(1, abs=0.01)


def test_two_codes_for_one_factor():
    """MIG minds, the scores over codes do not."""
    factors = labels()
    codes = np.hstack([factors, 7.0 * factors])
    assert mig(codes, factors, **QUICK).value == pytest.approx(0, abs=1e-9)
    assert rmig(codes, factors, **QUICK).value == pytest.approx(0, abs=1e-9)
    assert mig_sup(codes, factors, **QUICK).value > 0.97
    assert modularity(codes, factors, **QUICK).value > 0.99
    card, parts = infomec(codes, factors, **QUICK), med(codes, factors, **QUICK)
    assert card["infomec.infom"].value > 0.97
    assert card["infomec.infoc"].value == pytest.approx((1 / 2 - 1 / 6) / (5 / 6), abs=0.01)
    assert parts["med.disentanglement"].value > 0.97
    assert parts["med.completeness"].value == pytest.approx(1 - np.log(2) / np.log(6), abs=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_random_codes_score_nothing_in_robust_mode(seed):
    factors, codes = labels(seed), noise(6, seed + 100)
    assert modularity(codes, factors, mode="reference", **QUICK).value > 0.5
    published = infomec(codes, factors, mode="reference", **QUICK)["infomec.infom"]
    assert "0 by 0" in published.reason if published.value is None else published.value > 0.3
    for metric in (mig, mig_sup, rmig, modularity):
        assert metric(codes, factors, **QUICK).value < 0.02
    assert all(score.value < 0.02 for score in infomec(codes, factors, **QUICK).values())
    assert all(med(codes, factors, **QUICK)[f"med.{part}"].value < 1e-9 for part in ("disentanglement", "completeness"))


def test_codes_that_say_nothing_do_not_count_in_means_over_codes():
    factors = labels()
    good = factors + 0.3 * noise(3)
    for metric in (mig_sup, modularity):
        alone, beside = (metric(codes, factors, **QUICK).value for codes in (good, np.hstack([good, noise(5, 7)])))
        assert beside == pytest.approx(alone, abs=1e-9)


def test_noise_about_other_factors_does_not_make_a_code_less_modular():
    rng = np.random.default_rng(0)
    noisy = np.column_stack([np.full(4000, 2.0), 0.3 * rng.normal(size=(4000, 4))])
    spread = np.array([0.1, 0.3, 0.3, 0.3, 0.3])
    # 0.3² / 2² on average for each of the other four: 0.0225, known to 0.0003.
    assert one_factor_only(noisy).mean() == pytest.approx(1 - 0.0225, abs=0.002)
    assert one_factor_only(noisy, spread).mean() == pytest.approx(1, abs=0.002)
    # 600 rows in 60 bins and 40 classes: random codes have a third of a nat of raw information.
    many = np.column_stack([rng.integers(3, size=600), rng.integers(40, size=600)])
    codes = many[:, :1] + 0.4 * rng.normal(size=(600, 1))
    assert modularity(codes, many, **QUICK).value > 0.97
    assert modularity(codes, many, mode="reference", **QUICK).value < 0.8


def test_rmig_is_mig_times_the_entropies():
    factors = labels()
    codes = np.hstack([factors + 0.5 * noise(3), noise(2, 5)])
    for mode in ("reference", "robust"):
        each = [mig(codes, factors[:, [k]], mode=mode, **QUICK).value for k in range(3)]
        entropies = [np.log(size) for size in SIZES]
        # Estimated entropies of 1,500 rows are within 0.01 of log S.
        assert rmig(codes, factors, mode=mode, **QUICK).value == pytest.approx(
            np.mean(np.multiply(each, entropies)), abs=0.01
        )


def test_jemmig_is_its_definition():
    factors = labels()
    assert jemmig(factors.astype(float), factors, **QUICK).value == pytest.approx(0, abs=0.01)
    assert jemmig(factors.astype(float), factors, normalised=True, **QUICK).value > 0.99
    codes = np.hstack([factors + 0.5 * noise(3), factors[:, :1] + noise(1, 5)])
    bins = [np.digitize(z, np.histogram(z, 20)[1][:-1]) for z in codes.T]
    expected = []
    for factor in factors.T:
        information = np.array([mutual_info_score(z, factor) for z in bins])
        best, second = np.argsort(-information)[:2]
        joint = mutual_info_score(*[bins[best] * 10 + factor] * 2)
        expected.append(joint - information[best] + information[second])
    score = jemmig(codes, factors, mode="reference", **QUICK)
    assert score.value == pytest.approx(np.mean(expected), rel=1e-9)
    low, high = jemmig(codes, factors, nulls=5).interval, jemmig(codes, factors, nulls=5).null_interval
    assert low[1] < high[0]  # lower is better: random codes have more


def test_random_codes_have_the_largest_jemmig_and_no_normalised_one():
    factors = labels()
    random = jemmig(noise(4), factors, **QUICK).value
    assert random == pytest.approx(np.log(60) + np.mean(np.log(SIZES)), abs=0.05)
    assert jemmig(noise(4), factors, normalised=True, **QUICK).value < 0.02


def test_information_between_codes():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, 2))
    correlated = np.column_stack([x[:, 0], 0.8 * x[:, 0] + 0.6 * x[:, 1]])
    score = between_codes(correlated, nulls=5)
    # Two normal variables of correlation r share -log(1 - r²) / 2 nats; 60 bins of equal frequency lose little of them.
    assert score.value == pytest.approx(-np.log(1 - 0.8**2) / 2, abs=0.02)
    assert score.interval[0] > score.null_interval[1]
    assert between_codes(np.hstack([correlated, x[:, :1] ** 3]), **QUICK).value > 1
    noisy = between_codes(noise(6), nulls=5)
    assert noisy.value <= noisy.null_interval[1] < 0.01
    # The published score is all bias here: 19 * 19 / 2N = 0.12 nats.
    assert between_codes(noise(6), mode="reference", **QUICK).value == pytest.approx(0.12, abs=0.03)
    assert "two codes" in between_codes(x[:, :1], **QUICK).reason
    assert between_codes(np.hstack([correlated, np.ones((20_000, 1))]), **QUICK).dropped_codes == (2,)
    assert between_codes(Codes(correlated), **QUICK).value == between_codes(correlated, **QUICK).value


@pytest.mark.parametrize("metric", [mig, rmig, jemmig, med, infomec])
def test_weights_of_factors(metric):
    factors = labels()
    codes = factors + noise(3) * [0.2, 0.8, 3.0]
    known = np.ones(factors.shape, dtype=bool)
    names = [Factor(name=n, kind="ordinal", priority=p) for n, p in zip("abc", (2, 1, None), strict=True)]
    table = FactorTable(tuple(names), factors.astype(float), known)
    averaged = {"mig", "rmig", "jemmig", "med.completeness", "med.informativeness", "infomec.infoe", "infomec.infoc"}
    each = [scores(metric, codes, table, weights={n: float(n == own) for n in "abc"}) for own in "abc"]
    for equal, ranked, *alone in zip(
        scores(metric, codes, table), scores(metric, codes, table, weights="priority"), *each, strict=True
    ):
        if equal.name in averaged:
            values = [score.value for score in alone]
            assert equal.value == pytest.approx(np.mean(values), abs=1e-9)
            assert ranked.value == pytest.approx(np.average(values, weights=[1 / 2, 1, 1 / 3]), abs=1e-9)


def test_a_weight_of_0_on_all_that_can_be_scored_is_a_reason():
    factors = np.column_stack([labels()[:, 0], np.zeros(ROWS)])
    weights = {"factor_0": 0.0, "factor_1": 1.0}
    for metric in (mig, rmig, jemmig, med, infomec):
        for score in scores(metric, noise(3), factors, weights=weights):
            assert "weight 0" in score.reason or "two factors" in score.reason


def test_groups_of_codes():
    rng = np.random.default_rng(0)
    angle, size = rng.uniform(0, 360, ROWS), rng.integers(4, size=ROWS)
    kinds = (Factor(name="pose", kind="circular", range=(0, 360)), Factor(name="shape", kind="categorical"))
    table = FactorTable(kinds, np.column_stack([angle, size]), np.ones((ROWS, 2), dtype=bool))
    turn = np.column_stack([np.sin(np.radians(angle)), np.cos(np.radians(angle))])
    codes = np.column_stack([turn[:, 0], np.eye(4)[size], turn[:, 1], noise(2)])
    alone, together = mig(codes, table, nulls=3), mig(codes, table, nulls=3, groups=[[5, 0], [1, 2, 3, 4]])
    assert alone.value < 0.2
    assert together.value > 0.95
    assert together.interval[0] > together.null_interval[1]
    assert together.matrix.shape == (4, 2)  # (sine, cosine), the one-hot code, noise, noise
    assert together.matrix[0, 0] > 2.8 > 0.1 > together.matrix[1, 0]
    assert together.stamp.settings["groups"] == [[5, 0], [1, 2, 3, 4]]
    assert mig(codes, table, groups=[[0]], **QUICK).value == mig(codes, table, **QUICK).value
    # Noise in a group, and a group of noise: no more than chance.
    assert mig(codes, table, groups=[[6, 7]], **QUICK).value == pytest.approx(alone.value, abs=0.03)
    dead = np.column_stack([codes, np.ones(ROWS)])
    with_dead = mig(dead, table, groups=[[5, 0, 8], [1, 2, 3, 4]], **QUICK)
    assert with_dead.dropped_codes == (8,)
    assert with_dead.value == pytest.approx(together.value, abs=0.01)
    with pytest.raises(ConfigError, match="robust"):
        mig(codes, table, groups=[[0, 5]], mode="reference")


def test_groups_with_missing_labels():
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, ROWS)
    pose = np.where(rng.random(ROWS) < 0.4, np.nan, (angle * 3).astype(int))[:, None]
    codes = np.column_stack([np.sin(angle), np.cos(angle), rng.normal(size=ROWS)])
    known = ~np.isnan(pose[:, 0])
    got, alone = (mig(codes[r], pose[r], groups=[[0, 1]], **QUICK).value for r in (slice(None), known))
    assert got == pytest.approx(alone, abs=1e-12)


def test_what_the_encoders_noise_lets_through():
    # z = ±1 with normal noise: I(z; v) by numerical integration.
    label = np.arange(2000)[:, None] % 2
    grid = np.linspace(-9, 9, 20_001)
    for spread in (0.5, 1.5):
        part = np.exp(-((grid - np.array([[-1], [1]])) ** 2) / (2 * spread**2)) / (spread * np.sqrt(2 * np.pi))
        mixed = part.mean(axis=0)
        truth = (part * np.log(np.maximum(part, 1e-300) / np.maximum(mixed, 1e-300))).mean(axis=0).sum() * (
            grid[1] - grid[0]
        )
        entropy = -(mixed * np.log(np.maximum(mixed, 1e-300))).sum() * (grid[1] - grid[0])
        means = np.hstack([2.0 * label - 1, np.zeros((2000, 1))]).astype(np.float32)
        codes = Codes(means, np.full((2000, 2), 2 * np.log(spread), dtype=np.float32))
        for mode in ("reference", "robust"):
            # 10,000 samples know it to 0.005; one sample of 2,000 rows to 0.015, and its bins lose a little.
            got = rmig(codes, label, mode=mode, bootstrap=100, nulls=0)
            assert got.value == pytest.approx(truth, abs=0.02 if mode == "reference" else 0.05)
            assert got.interval[0] < got.value < got.interval[1]
        assert rmig(means, label, **QUICK).value == pytest.approx(np.log(2), abs=0.01)
        joint = jemmig(codes, label, mode="reference", **QUICK)
        assert joint.value == pytest.approx(entropy + np.log(2) - truth - truth, abs=0.04)


def test_missing_labels_under_noise():
    rng = np.random.default_rng(0)
    label = rng.integers(3, size=(900, 2)).astype(float)
    codes = Codes((label + 0.1).astype(np.float32), np.full((900, 2), -3, np.float32))
    full = rmig(codes, label, mode="reference", **QUICK).value
    joint = jemmig(codes, label, mode="reference", **QUICK).value
    label[rng.random((900, 2)) < 0.3] = np.nan
    assert rmig(codes, label, mode="reference", **QUICK).value == pytest.approx(full, abs=0.05)
    assert jemmig(codes, label, mode="reference", **QUICK).value == pytest.approx(joint, abs=0.1)
    nobody = rmig(codes, np.full((900, 1), np.nan), mode="reference", **QUICK)
    assert "no labels" in nobody.reason
    broken = Codes(codes.mean, np.where(np.arange(900)[:, None] == 5, np.nan, codes.logvar))
    with pytest.raises(DataError, match="logvar"):
        rmig(broken, label)
    with pytest.raises(ConfigError, match="normalised"):
        jemmig(codes, label, mode="reference", normalised=True)


def test_infoe_of_unequal_classes():
    rng = np.random.default_rng(0)
    factor = rng.choice(3, size=(ROWS, 1), p=[0.8, 0.15, 0.05])
    codes = np.hstack([factor + 0.7 * noise(1), noise(2, 3)])
    standard = (codes - codes.mean(axis=0)) / codes.std(axis=0)
    model = LogisticRegression(C=np.inf, class_weight="balanced").fit(standard, factor[:, 0])
    published = 1 - log_loss(factor[:, 0], model.predict_proba(standard)) / np.log(3)
    assert infomec(codes, factor, mode="reference", **QUICK)["infomec.infoe"].value == pytest.approx(
        published, abs=1e-6
    )
    # What there is to know is I / H = 0.346, by numerical integration; the published number is twice that.
    robust = infomec(codes, factor, **QUICK)["infomec.infoe"].value
    assert 0.25 < robust < 0.4 < published
    assert infomec(noise(3), factor, **QUICK)["infomec.infoe"].value < 0.01


def test_top_k_med_keeps_the_most_disentangled_codes_of_each_factor():
    importances = np.array([[0.5, 0.0], [0.3, 0.1], [0.2, 0.1], [0.0, 0.8]])
    np.testing.assert_array_equal(most_disentangled(importances, 1), importances[[0, 3]])
    np.testing.assert_array_equal(most_disentangled(importances, 2), importances[[0, 1, 3]])
    with pytest.raises(ConfigError, match="top"):
        med(noise(3), labels(), top=0)


@pytest.mark.parametrize("metric", FAMILY)
def test_one_outlier_does_not_move_robust(metric):
    factors = labels()
    codes = factors + 0.5 * noise(3)
    clean = scores(metric, codes, factors)
    codes[0] = 1e6
    for before, after in zip(clean, scores(metric, codes, factors), strict=True):
        # A linear model on standardised codes sees units, and so outliers.
        if "informativeness" not in before.name and "infoe" not in before.name:
            assert after.value == pytest.approx(before.value, abs=0.02)


@pytest.mark.parametrize("metric", FAMILY)
def test_what_cannot_be_scored_says_why(metric):
    factors = labels()
    for codes, table in itertools.product(
        (noise(3), np.ones((ROWS, 3)), noise(1)), (factors, factors[:, :1], factors * 0)
    ):
        for mode in ("reference", "robust"):
            for score in scores(metric, codes, table, mode=mode, bootstrap=5, nulls=2):
                assert (score.value is None) == (score.reason is not None)
    one_factor = {score.name: score.reason for score in scores(metric, noise(3), factors[:, :1])}
    for name in {"mig_sup", "modularity", "med.disentanglement", "infomec.infom"} & set(one_factor):
        assert "two factors" in one_factor[name]


@pytest.mark.parametrize("metric", [mig, mig_sup, rmig, jemmig, modularity])
def test_interval_covers_the_mean_of_fresh_data(metric):
    def draw(seed):
        factors = labels(seed, 800)
        turn = np.array([[0.9, 0.4, 0], [-0.4, 0.9, 0], [0, 0.3, 1]])
        return (factors / factors.std(axis=0)) @ turn + 0.4 * noise(3, seed + 1000, 800), factors

    truth = np.mean([metric(*draw(seed), **QUICK).value for seed in range(1000, 1100)])
    covered = 0
    for seed in range(40):
        low, high = metric(*draw(seed), nulls=0, seed=seed).interval
        covered += low <= truth <= high
    assert covered >= 34  # of 40, with probability 0.995 at 95 %


def test_a_bootstrap_costs_less_than_ten_evaluations():
    import time

    factors, codes = labels(0, 5000), noise(10, 0, 5000)

    def cost(bootstrap):
        spent = []
        for _ in range(5):
            start = time.process_time()
            mig(codes, factors, bootstrap=bootstrap, nulls=0)
            spent.append(time.process_time() - start)
        return min(spent)

    cost(0)
    assert cost(200) < 10 * cost(0)  # 4 times where it was written
