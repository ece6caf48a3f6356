"""Information by nearest neighbours, against scikit-learn's."""

import numpy as np
import pytest
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_classif

from unweave.metrics.inputs import as_problem
from unweave.metrics.nearest import JITTER, NearestTable, neighbour_terms


def of_scikit_learn(code, labels, seed=0):
    # Its noise, 1e-10 of max(1, mean |code|), after division by the spread.
    return mutual_info_classif(code[:, None], labels, n_neighbors=10, random_state=seed)[0]


def with_noise(code, seed=0):
    code = code / code.std()
    return code + JITTER * max(1, np.abs(code).mean()) * np.random.RandomState(seed).standard_normal(len(code))


@pytest.mark.parametrize(
    ("rows", "classes", "kind"),
    [
        (500, 3, "normal"),
        (500, 200, "normal"),
        (60, 25, "normal"),
        (400, 20, "normal"),
        (600, 5, "few values"),
        (300, 4, "heavy tails"),
    ],
)
def test_is_that_of_scikit_learn(rows, classes, kind):
    rng = np.random.default_rng(rows + classes)
    labels = rng.integers(classes, size=rows)
    code = {
        "normal": rng.normal(size=rows) + labels,
        "few values": (labels + rng.integers(2, size=rows)).astype(float),
        "heavy tails": rng.standard_cauchy(rows) + labels,
    }[kind]
    terms = neighbour_terms(with_noise(code), labels)
    assert np.isnan(terms).sum() == (np.bincount(labels)[labels] == 1).sum()
    assert max(0, np.nanmean(terms)) == pytest.approx(of_scikit_learn(code, labels), abs=1e-12)


def test_is_the_definition_by_brute_force():
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=150)
    code = rng.normal(size=150).round(1) + labels  # with ties
    expected = []
    for row in range(150):
        apart = np.abs(code - code[row])
        own = np.sort(apart[labels == labels[row]])
        nearer = np.count_nonzero(apart < own[10]) if own[10] > 0 else np.count_nonzero(apart == 0)
        expected.append(digamma(150) + digamma(10) - digamma(len(own)) - digamma(nearer))
    np.testing.assert_allclose(neighbour_terms(code, labels), expected, atol=1e-12)


def test_a_table_scores_each_factor_on_its_rows():
    rng = np.random.default_rng(0)
    factors = rng.integers(4, size=(400, 2)).astype(float)
    codes = factors[:, ::-1] + 0.2 * rng.normal(size=(400, 2))
    labelled = np.where(rng.random((400, 2)) < 0.3, np.nan, factors)
    whole, part = (NearestTable.of(as_problem(codes, f), 0).shares.share for f in (factors, labelled))
    assert whole[1, 0] == pytest.approx(part[1, 0], abs=0.05)
    rows = ~np.isnan(labelled[:, 0])
    alone = NearestTable.of(as_problem(codes[rows], factors[rows][:, :1]), 0).shares.share
    # Standardised by other rows, with other noise: the same order of distances.
    assert part[0, 0] == pytest.approx(alone[0, 0], abs=1e-6)


def test_resampling_has_the_spread_of_fresh_data():
    def table(seed):
        rng = np.random.default_rng(seed)
        labels = rng.integers(3, size=(600, 1))
        return NearestTable.of(as_problem(labels + 0.5 * rng.normal(size=(600, 1)), labels), seed)

    fresh = np.std([table(seed).shares.nats[0, 0] for seed in range(60)])
    drawn = np.std(table(0).resampled(400, np.random.default_rng(0)).nats[:, 0, 0])
    assert drawn == pytest.approx(fresh, rel=0.4)  # 60 values know their spread to 9 %, one data set to about as much
