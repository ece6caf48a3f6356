"""DCI: parity with disentanglement_lib, aggregation, intervals."""

import json

import numpy as np
import pytest

from unweave.core import ConfigError
from unweave.metrics import dci
from unweave.metrics.importances import completeness, disentanglement
from unweave.metrics.splitting import train_test

NAMES = ("dci.disentanglement", "dci.completeness", "dci.informativeness")


def problem(rows=600, seed=0):
    random = np.random.default_rng(seed)
    factors = np.stack([random.integers(size, size=rows) for size in (2, 3, 4)], axis=1)
    codes = np.hstack([factors + random.normal(size=(rows, 3)) * [0.2, 0.4, 0.6], random.normal(size=(rows, 1))])
    return codes, factors


@pytest.mark.shared
def test_aggregation_of_matrices(shared):
    cases = json.loads((shared / "golden/open/functions.json").read_text())["matrices"]
    for case in cases:
        matrix, expected = np.array(case["matrix_DxK"]), case["expected"]
        assert completeness(matrix) == pytest.approx(expected["dci_completeness"], rel=1e-9, abs=1e-12)
        if expected["dci_disentanglement"] != "nan":
            assert disentanglement(matrix) == pytest.approx(expected["dci_disentanglement"], rel=1e-9, abs=1e-12)


@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["constant_factor", "correlated", "dead_dim", "duplicate_dim", "noisy_partial", "perfect", "rotation"]
)
def test_reference_is_that_of_disentanglement_lib(name, shared):
    case = json.loads((shared / "golden/open/golden.json").read_text())["cases"][name]
    arrays = np.load(shared / "golden/open" / case["file"])
    rows = int(arrays["n_train"])
    card = dci(arrays["codes"], arrays["factors"], mode="reference", train_rows=rows, bootstrap=0, nulls=0)
    expected = case["dlib"]["dci"]
    if "error" in expected:
        assert all("factor_1" in score.reason for score in card.values())
        return
    # The tolerances of the golden values: which of two equally good splits is taken is random in the reference.
    ties = 0.03 if name == "duplicate_dim" else 0.005
    assert card["dci.disentanglement"].value == pytest.approx(expected["disentanglement"]["mean"], abs=ties)
    assert card["dci.completeness"].value == pytest.approx(expected["completeness"]["mean"], abs=ties)
    assert card["dci.informativeness"].value == pytest.approx(expected["informativeness_test"]["mean"], abs=0.01)
    importances = np.array(expected["seed0"]["importance"])
    if name != "duplicate_dim":
        np.testing.assert_allclose(card["dci.disentanglement"].matrix, importances, atol=0.02)


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
    assert card["dci.informativeness"].matrix.shape == (1, 3)
    assert card["dci.informativeness"].value == pytest.approx(card["dci.informativeness"].matrix.mean())


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
