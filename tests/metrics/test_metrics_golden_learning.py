"""Parity of the metrics that learn, and of IRS, with what the reference implementations give."""

import json
from dataclasses import replace

import numpy as np
import pytest

from unweave.metrics import dci, dci_es, explicitness, irs, sap
from unweave.metrics.capacity import curve_explicitness
from unweave.metrics.explicitness import _Reading, _standardised
from unweave.metrics.importances import completeness, disentanglement
from unweave.metrics.inputs import as_problem
from unweave.metrics.sap import gap

pytestmark = pytest.mark.shared

CASES = (
    "constant_factor",
    "correlated",
    "dead_dim",
    "duplicate_dim",
    "noisy_partial",
    "perfect",
    "random",
    "rotation",
    "vae_like",
)


@pytest.fixture
def case(shared, request):
    """Codes, factors, rows to learn from, and the golden values of one case."""
    values = json.loads((shared / "golden/open/golden.json").read_text())["cases"][request.param]
    arrays = np.load(shared / "golden/open" / values["file"], allow_pickle=False)
    return request.param, arrays["codes"], arrays["factors"], int(arrays["n_train"]), values


every_case = pytest.mark.parametrize("case", CASES, indirect=True)


@pytest.fixture
def functions(shared):
    return json.loads((shared / "golden/open/functions.json").read_text())


def once(metric, *arguments, **settings):
    return metric(*arguments, mode="reference", bootstrap=0, nulls=0, **settings)


@every_case
def test_dci(case):
    name, codes, factors, train, values = case
    card, expected = once(dci, codes, factors, train_rows=train, workers=1), values["dlib"]["dci"]
    if "error" in expected:
        assert all("'factor_1'" in score.reason for score in card.values())
        return
    # Tighter than the golden tolerances (0.005, with copies 0.03, accuracy 0.01): two seeds of the reference differ by
    # up to 0.001, with copies by 0.004, since it draws between equally good splits.
    ties = 0.006 if name == "duplicate_dim" else 0.002
    got = {score: card[f"dci.{score}"].value for score in ("disentanglement", "completeness")}
    assert got["disentanglement"] == pytest.approx(expected["disentanglement"]["mean"], abs=0.002)
    assert got["completeness"] == pytest.approx(expected["completeness"]["mean"], abs=ties)
    for ours, theirs in (("informativeness", "informativeness_test"), ("informativeness_train",) * 2):
        assert card[f"dci.{ours}"].value == pytest.approx(expected[theirs]["mean"], abs=0.004)
    if name != "duplicate_dim":
        importances = np.array(expected["seed0"]["importance"])
        np.testing.assert_allclose(card["dci.disentanglement"].matrix, importances, atol=0.02)


@every_case
def test_sap(case):
    _, codes, factors, train, values = case
    card = once(sap, codes, factors, train_rows=train)
    for name, key, cells in (("sap", "sap_discrete", 0.003), ("sap.continuous", "sap_continuous", 1e-12)):
        expected = values["dlib"][key]
        if "error" in expected or expected["sap"] == "nan":
            assert "'factor_1'" in card[name].reason
            continue
        # LIBLINEAR stops short of the optimum, and the gap of two copies is rounding.
        score = {"abs": 0.005} if name == "sap" else {"rel": 1e-9, "abs": 1e-15}
        assert card[name].value == pytest.approx(expected["sap"], **score)
        np.testing.assert_allclose(card[name].matrix, expected["score_matrix"], atol=cells)


@every_case
def test_explicitness(case):
    _, codes, factors, train, values = case
    score, expected = once(explicitness, codes, factors, train_rows=train), values["dlib"]["explicitness"]
    if "error" in expected:
        assert "'factor_1'" in score.reason
        return
    assert score.value == pytest.approx(expected["explicitness_test"], abs=1e-3)
    problem, rows, test = as_problem(codes, factors), np.arange(train), np.arange(train, len(codes))
    readings = [_Reading.of(problem, k, rows, test, "reference") for k in range(factors.shape[1])]
    own = [replace(r, test=r.train, asked=r.learnt).area(_standardised(codes, rows, "reference"))[0] for r in readings]
    assert np.mean(own) == pytest.approx(expected["explicitness_train"], abs=1e-3)


@every_case
@pytest.mark.parametrize(("key", "quantile"), [("irs_q99", 0.99), ("irs_q100", 1.0)])
def test_irs(case, key, quantile):
    _, codes, factors, _, values = case
    score, expected = once(irs, codes, factors, quantile=quantile), values["dlib"][key]
    if expected["irs"] == "nan":
        assert "code 1, which is constant up to rounding" in score.reason
        return
    precision = 1e-6 if codes.dtype == np.float32 else 1e-7
    assert score.value == pytest.approx(expected["irs"], rel=precision)
    np.testing.assert_allclose(score.matrix, expected["irs_matrix"], rtol=precision, atol=precision)


@pytest.mark.parametrize("case", ["dead_dim"], indirect=True)  # the other two cases take 20 s of forests
def test_dci_es(case):
    _, codes, factors, train, values = case
    card, expected = once(dci_es, codes, factors, train_rows=train, workers=1), values["trees"]["dcies_rf"]
    losses, importances = (card[f"dci_es.{name}"].matrix for name in ("explicitness", "size"))
    assert card["dci_es.explicitness"].value == pytest.approx(expected["E"], abs=0.02)
    assert card["dci_es.size"].value == pytest.approx(expected["S"])
    np.testing.assert_allclose(1 - losses, expected["test_accuracy"], atol=0.02)
    assert disentanglement(importances) == pytest.approx(expected["D"], abs=0.02)
    assert completeness(importances) == pytest.approx(expected["C"], abs=0.02)


@pytest.mark.parametrize("case", ["dead_dim", "noisy_partial", "rotation"], indirect=True)
def test_explicitness_of_the_golden_forests(case):
    expected = case[-1]["trees"]["dcies_rf"]
    losses = 1 - np.array(expected["test_accuracy"])
    curves = zip(losses.T, expected["baseline_loss"], strict=True)
    found = [curve_explicitness(expected["depths"], loss, baseline) for loss, baseline in curves]
    np.testing.assert_allclose(found, expected["E_per_factor"], rtol=1e-9)
    assert np.mean(found) == pytest.approx(expected["E"])


def test_aggregation_of_matrices(functions):
    for case in functions["matrices"]:
        matrix, expected = np.array(case["matrix_DxK"]), case["expected"]
        assert completeness(matrix) == pytest.approx(expected["dci_completeness"], rel=1e-9, abs=1e-12)
        if expected["dci_disentanglement"] != "nan":
            assert disentanglement(matrix) == pytest.approx(expected["dci_disentanglement"], rel=1e-9, abs=1e-12)
        if len(matrix) > 1:
            equal = np.ones(matrix.shape[1])
            assert gap(matrix, equal) == pytest.approx(expected["sap_of_matrix_as_scores"], rel=1e-9, abs=1e-15)


def test_explicitness_of_curves(functions):
    for curve in functions["explicitness_single_curves"]:
        found = curve_explicitness(curve["capacity"], np.array(curve["loss"]), curve["baseline_loss"])
        assert found == pytest.approx(curve["explicitness"], rel=1e-9)
    both = functions["explicitness_joint_two_curves"]
    for name, expected in both["expected"].items():
        curve = both[name]
        loss, last = np.array(curve["loss"]), max(both["long"]["capacity"])
        assert curve_explicitness(curve["capacity"], loss, both["baseline_loss"], last=last) == pytest.approx(expected)
