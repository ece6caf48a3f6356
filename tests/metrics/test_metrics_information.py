"""Estimates of mutual information, against definitions and other implementations."""

import itertools
import tracemalloc

import numpy as np
import pytest
from scipy.special import digamma
from scipy.stats import poisson
from sklearn.metrics import mutual_info_score

from unweave.metrics import mig
from unweave.metrics.information import (
    chance_information,
    entropy,
    entropy_terms,
    mutual_information,
    pair_counts,
)
from unweave.metrics.shares import adjusted_share


def tables(rows=500, seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(7, size=rows)
    binned = np.stack([labels % 3, random.integers(11, size=rows), np.zeros(rows, dtype=int)])
    return binned, labels, pair_counts(binned, labels)


def test_plug_in_is_that_of_scikit_learn():
    binned, labels, counts = tables()
    expected = [mutual_info_score(labels, code) for code in binned]
    np.testing.assert_allclose(mutual_information(counts, entropy_terms(500, "reference")), expected, atol=1e-14)


@pytest.mark.parametrize("mode", ["reference", "robust"])
def test_information_of_a_factor_with_itself_is_its_entropy(mode):
    labels = np.random.default_rng(0).integers(7, size=500)
    counts, terms = pair_counts(labels[None], labels), entropy_terms(500, mode)
    own = entropy(np.bincount(labels), terms)
    assert mutual_information(counts, terms)[0] == pytest.approx(own, abs=1e-12)
    assert own == pytest.approx(np.log(7), abs=0.02)


@pytest.mark.parametrize("mode", ["reference", "robust"])
def test_one_outcome_says_exactly_nothing(mode):
    counts, terms = tables()[2], entropy_terms(500, mode)
    assert mutual_information(counts, terms)[2] == 0
    assert chance_information(counts, terms).mean[2] == 0
    assert entropy(np.array([500]), terms) == 0


def test_robust_terms_are_grassbergers_for_small_counts_and_digamma_for_large_ones():
    n = np.arange(1, 101)
    alternation = 0.5 * (-1.0) ** n * (digamma((n + 1) / 2) - digamma(n / 2))
    got = entropy_terms(100, "robust")[1:] / n
    np.testing.assert_allclose(got, digamma(n) + alternation * np.exp(-((n / 8) ** 2)), atol=1e-12)


def test_robust_terms_have_little_bias_where_plug_in_has_much():
    counts = np.arange(400)
    for mean in (3, 5, 10, 30, 100):
        bias = {m: poisson.pmf(counts, mean) @ entropy_terms(399, m) for m in ("reference", "robust")}
        assert bias["robust"] == pytest.approx(mean * np.log(mean), abs=0.002)
        assert bias["reference"] - mean * np.log(mean) > 0.4


@pytest.mark.parametrize("mode", ["reference", "robust"])
def test_chance_is_the_mean_over_all_permutations(mode):
    code, labels = np.array([0, 0, 0, 0, 1, 1, 2]), np.array([0, 1, 1, 1, 1, 1, 2])
    terms = entropy_terms(7, mode)
    every = [
        mutual_information(pair_counts(code[None], labels[list(order)]), terms)[0]
        for order in itertools.permutations(range(7))
    ]
    assert chance_information(pair_counts(code[None], labels), terms).mean[0] == pytest.approx(
        np.mean(every), abs=1e-12
    )


@pytest.mark.parametrize("mode", ["reference", "robust"])
def test_chance_is_what_shuffled_rows_show(mode):
    binned, labels, counts = tables(3000)
    terms, random = entropy_terms(3000, mode), np.random.default_rng(1)
    shuffled = [mutual_information(pair_counts(binned, random.permutation(labels)), terms)[:2] for _ in range(200)]
    error = np.std(shuffled, axis=0) / np.sqrt(200)
    assert (np.abs(chance_information(counts, terms).mean[:2] - np.mean(shuffled, axis=0)) < 4 * error).all()


@pytest.mark.parametrize(("rows", "bins", "classes"), [(300, 20, 3), (1000, 60, 40), (600, 2, 2)])
def test_spread_and_limit_of_chance_are_what_shuffled_rows_show(rows, bins, classes):
    random = np.random.default_rng(0)
    code, labels = (
        np.arange(rows) % bins,
        random.choice(classes, rows, p=np.arange(1, classes + 1) / (classes * (classes + 1) / 2)),
    )
    terms = entropy_terms(rows, "robust")
    chance = chance_information(pair_counts(code[None], labels), terms)
    shuffled = np.concatenate(
        [
            mutual_information(pair_counts(np.stack([random.permutation(code) for _ in range(50)]), labels), terms)
            for _ in range(20)
        ]
    )
    # 1,000 shuffles know their spread to 2 %; counts that share margins are not quite independent.
    assert chance.spread[0] == pytest.approx(shuffled.std(), rel=0.15)
    assert shuffled.max() < chance.limit[0] < shuffled.mean() + 20 * shuffled.std()


def test_a_table_does_not_fill_the_memory():
    random = np.random.default_rng(0)
    codes, factors = random.normal(size=(50_000, 32)), random.integers(5, size=(50_000, 4))
    tracemalloc.start()
    mig(codes, factors, bootstrap=0, nulls=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < codes.nbytes  # A million rows of 64 codes and 10 factors: 1.0 GiB, half of them codes.


def test_adjusted_share_is_1_for_full_and_0_for_chance_information():
    entropies, chance = np.array([1.0, 2.0]), np.array([[0.2, 0.5], [0.0, 1.0]])
    full, half = np.broadcast_to(entropies, (2, 2)), (chance + entropies) / 2
    np.testing.assert_allclose(adjusted_share(full, entropies, chance), 1)
    np.testing.assert_allclose(adjusted_share(half, entropies, chance), 0.5)
    assert (adjusted_share(chance - [[0, 0.1], [0, 0]], entropies, chance) == 0).all()
    # Chance alone reaches the entropy: nothing can be said.
    assert (adjusted_share(full, entropies, np.broadcast_to(entropies, (2, 2))) == 0).all()
