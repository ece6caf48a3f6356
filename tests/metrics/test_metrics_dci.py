"""DCI: aggregation, weights, groups, intervals."""

import numpy as np
import pytest
from scipy.stats import entropy
from sklearn.ensemble import GradientBoostingClassifier

from unweave.core import ConfigError
from unweave.metrics import dci
from unweave.metrics.importances import completeness
from unweave.metrics.splitting import train_test

NAMES = ("dci.disentanglement", "dci.completeness", "dci.informativeness", "dci.informativeness_train")


def problem(rows=600, seed=0):
    random = np.random.default_rng(seed)
    factors = np.stack([random.integers(size, size=rows) for size in (2, 3, 4)], axis=1)
    codes = np.hstack([factors + random.normal(size=(rows, 3)) * [0.2, 0.4, 0.6], random.normal(size=(rows, 1))])
    return codes, factors


def test_scores_are_complete():
    codes, factors = problem()
    card = dci(codes, factors)
    assert tuple(card) == NAMES
    for score in card.values():
        assert score.interval[0] < score.value < score.interval[1] or score.interval[1] == 1
        assert score.interval[0] > score.null_interval[1]
        assert score.stamp.settings["train_rows"] == 400
        assert score.stamp.settings["test_rows"] == 200
    assert card["dci.disentanglement"].matrix.shape == (4, 3)
    assert card["dci.informativeness"].matrix.shape == card["dci.informativeness_train"].matrix.shape == (1, 3)
    assert card["dci.informativeness"].value == pytest.approx(card["dci.informativeness"].matrix.mean())


def test_accuracies_are_those_of_scikit_learn():
    codes, factors = problem(400)
    card = dci(codes, factors, mode="reference", train_rows=250, bootstrap=0, nulls=0)
    fits = [GradientBoostingClassifier(random_state=0).fit(codes[:250], labels[:250]) for labels in factors.T]
    for name, rows in (("dci.informativeness", slice(250, None)), ("dci.informativeness_train", slice(250))):
        expected = [fit.score(codes[rows], labels[rows]) for fit, labels in zip(fits, factors.T, strict=True)]
        # Draws between equally good splits may turn a test row or two.
        np.testing.assert_allclose(card[name].matrix[0], expected, atol=0.02)
    assert card["dci.informativeness_train"].value > card["dci.informativeness"].value


def test_all_rows_are_learnt_from_in_reference_mode_only():
    factors = np.random.default_rng(0).integers(2, size=(3300, 2))
    codes = factors + np.random.default_rng(1).normal(size=factors.shape)
    for settings, rows in (({"mode": "reference"}, 2200), ({}, 2000), ({"max_rows": 3300}, 2200)):
        card = dci(codes, factors, bootstrap=0, nulls=0, **settings)
        assert card["dci.completeness"].stamp.settings["train_rows"] == rows


def test_weights_count_factors_in_every_mean():
    codes, factors = problem(500)
    codes[:, 1] += codes[:, 2]
    plain = dci(codes, factors, bootstrap=0, nulls=0)
    weights = {"factor_0": 3.0, "factor_1": 1.0, "factor_2": 0.0}
    card = dci(codes, factors, bootstrap=0, nulls=0, weights=weights)
    table, w = plain["dci.disentanglement"].matrix, np.array([3.0, 1.0, 0.0])
    by_code = np.array([1 - entropy(row / row.sum(), base=3) for row in table])
    by_factor = np.array([1 - entropy(column / column.sum(), base=4) for column in table.T])
    assert card["dci.disentanglement"].value == pytest.approx(by_code @ (table @ w) / (table @ w).sum(), abs=1e-8)
    assert card["dci.completeness"].value == pytest.approx(by_factor @ w / w.sum(), abs=1e-8)
    assert card["dci.informativeness"].value == pytest.approx(plain["dci.informativeness"].matrix[0] @ w / 4)
    assert card["dci.informativeness"].stamp.settings["weights"] == [3.0, 1.0, 0.0]
    codes[:, 0], unread = 0, {"factor_0": 0.0, "factor_1": 1.0}
    nothing = dci(codes, factors[:, :2] * [1, 0], bootstrap=0, nulls=0, weights=unread)
    assert "weight 0" in nothing["dci.completeness"].reason


def test_groups_count_as_one_code():
    random = np.random.default_rng(2)
    angle, size = random.integers(12, size=900), random.integers(4, size=900)
    turn = 2 * np.pi * angle / 12
    codes = np.stack([np.sin(turn), size, np.cos(turn)], axis=1) + 0.05 * random.normal(size=(900, 3))
    factors = np.stack([angle, size], axis=1)
    alone, grouped = (dci(codes, factors, bootstrap=0, nulls=0, groups=groups) for groups in (None, [[2, 0]]))
    assert alone["dci.completeness"].value < 0.75
    assert grouped["dci.completeness"].value > 0.95
    table, sums = (card["dci.disentanglement"].matrix for card in (alone, grouped))
    np.testing.assert_allclose(sums, [table[0] + table[2], table[1]], atol=1e-12)
    assert grouped["dci.completeness"].value == pytest.approx(completeness(sums))
    assert grouped["dci.disentanglement"].stamp.settings["groups"] == [[2, 0]]
    both = dci(codes, factors, bootstrap=0, nulls=0, groups=[[0, 1, 2]])
    assert "only one" in both["dci.completeness"].reason
    dead = dci(np.column_stack([codes, np.ones(900)]), factors, bootstrap=0, nulls=0, groups=[[0, 2, 3]])
    assert dead["dci.completeness"].value == pytest.approx(grouped["dci.completeness"].value, abs=0.02)
    assert dead["dci.completeness"].dropped_codes == (3,)
    with pytest.raises(ConfigError, match="groups"):
        dci(codes, factors, groups=[[0, 3]])


def test_threads_do_not_change_the_scores():
    codes, factors = problem(300)
    one, three = (dci(codes, factors, workers=workers) for workers in (1, 3))
    assert one.to_json() == three.to_json()


def test_rows_without_a_label_change_nothing():
    codes, factors = problem(600)
    holes = factors.astype(float)
    holes[400:500, 2] = np.nan
    got = dci(codes, holes, mode="reference", train_rows=400, bootstrap=0, nulls=0)["dci.informativeness"].matrix
    want = dci(codes[np.r_[:400, 500:600]], factors[np.r_[:400, 500:600]], mode="reference", train_rows=400,
               bootstrap=0, nulls=0)["dci.informativeness"].matrix  # fmt: skip
    assert got[0, 2] == want[0, 2]
    assert got[0, 1] != want[0, 1]


def test_continuous_factors_are_cut_into_classes():
    random = np.random.default_rng(0)
    factor = random.normal(size=(900, 2))
    card = dci(factor**3, factor, bootstrap=0, nulls=0)
    assert card["dci.disentanglement"].value > 0.9
    assert "factor_0" in dci(factor**3, factor, mode="reference")["dci.disentanglement"].reason


def test_what_cannot_be_scored_says_why():
    codes, factors = problem(300)
    one_factor = dci(codes, factors[:, :1], bootstrap=0, nulls=0)
    assert "only one" in one_factor["dci.disentanglement"].reason
    assert one_factor["dci.completeness"].value is not None
    one_code = dci(codes[:, :1], factors, bootstrap=0, nulls=0)
    assert "only one" in one_code["dci.completeness"].reason
    assert one_code["dci.disentanglement"].value is not None
    for card in (dci(codes[:2], factors[:2]), dci(codes, factors * 0), dci(codes * 0, factors)):
        assert all(score.reason for score in card.values())
    with pytest.raises(ConfigError, match="train_rows"):
        dci(codes, factors, train_rows=300)


def test_splits():
    random = np.random.default_rng(0)
    train, test = train_test(10, 7, None, random)
    assert (train.tolist(), test.tolist()) == (list(range(7)), [7, 8, 9])
    train, test = train_test(9000, None, 3000, random)
    assert (len(train), len(test)) == (2000, 1000)
    assert len(set(train) | set(test)) == 3000
    train, test = train_test(9000, 8000, 900, random)
    assert (len(train), len(test)) == (800, 100)
    assert train.max() < 8000 <= test.min()
