"""Influence functions against the statistics themselves, computed again on changed rows."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, r2_score, roc_auc_score

from unweave.metrics.influence import (
    SAMPLE,
    Cells,
    accuracy,
    area_under_curve,
    balanced_accuracy,
    explained,
    sample_rows,
)


def data(rows=300, seed=0):
    random = np.random.default_rng(seed)
    labels = random.choice(4, size=rows, p=[0.5, 0.3, 0.15, 0.05])
    scores = random.normal(size=(rows, 4)) + 1.5 * np.eye(4)[labels]
    truth = random.normal(size=rows)
    error, deviation = (truth - 0.6 * truth - 0.3 * random.normal(size=rows)) ** 2, (truth - truth.mean()) ** 2
    return labels, scores, error, deviation


def statistics(labels, scores, error, deviation):
    right = scores.argmax(axis=1) == labels
    return {
        "accuracy": accuracy(right),
        "balanced": balanced_accuracy(right, labels),
        "explained": explained(error, deviation),
        "area": area_under_curve(scores, labels),
    }


def test_values_are_those_of_scikit_learn():
    labels, scores, _, _ = data()
    found = statistics(*data())
    assert found["balanced"][0] == pytest.approx(balanced_accuracy_score(labels, scores.argmax(axis=1)))
    assert found["area"][0] == pytest.approx(roc_auc_score(np.eye(4)[labels], scores, average="macro"))
    tied = np.round(scores)
    assert area_under_curve(tied, labels)[0] == pytest.approx(roc_auc_score(np.eye(4)[labels], tied))
    truth = np.arange(5.0)
    assert explained((truth - 1) ** 2, (truth - 2) ** 2)[0] == pytest.approx(r2_score(truth, np.ones(5)))


@pytest.mark.parametrize("name", ["accuracy", "balanced", "explained", "area"])
def test_influence_is_what_a_row_more_changes(name):
    arrays = data()
    value, influence = statistics(*arrays)[name]
    assert influence.mean() == pytest.approx(0, abs=1e-12)
    rows = len(influence)
    for row in (0, 7, int(np.abs(influence).argmax())):
        # The row twice among 40 copies of the data: a small step, in the direction of that row.
        repeated = [np.concatenate([np.tile(a, (40,) + (1,) * (a.ndim - 1)), a[row : row + 1]]) for a in arrays]
        step = (statistics(*repeated)[name][0] - value) * (40 * rows + 1)
        assert step == pytest.approx(influence[row], rel=0.02, abs=0.002)


def test_bootstrap_spreads_like_fresh_samples_of_the_rows():
    random, arrays = np.random.default_rng(1), data(2000)
    value, influence = statistics(*arrays)["area"]
    spread = Cells(np.array([value]), influence[:, None], 2000).bootstrap(400, random)[:, 0].std()
    again = []
    for _ in range(400):
        rows = random.integers(2000, size=2000)
        again.append(statistics(*(a[rows] for a in arrays))["area"][0])
    assert spread == pytest.approx(np.std(again), rel=0.2)  # each has a standard error of 3.5 %; and first order


def test_a_sample_of_the_rows_spreads_like_all():
    random = np.random.default_rng(2)
    influence = random.normal(size=(4 * SAMPLE, 2))
    kept = sample_rows(len(influence), random)
    assert len(kept) == SAMPLE == len(np.unique(kept))
    draws = Cells(np.zeros(2), influence[kept], len(influence)).bootstrap(300, random)
    np.testing.assert_allclose(draws.std(axis=0), 1 / np.sqrt(4 * SAMPLE), rtol=0.2)
    np.testing.assert_array_equal(sample_rows(9, random), np.arange(9))


def test_nothing_to_explain():
    assert explained(np.ones(4), np.zeros(4))[0] == 0
    assert area_under_curve(np.ones((3, 2)), np.array([0, 1, 1]))[0] == 0.5
