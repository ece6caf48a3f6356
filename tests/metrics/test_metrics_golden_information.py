"""Scores of information: parity with the references, on every golden case."""

import json

import numpy as np
import pytest

from unweave.core import Codes
from unweave.metrics import infomec, jemmig, med, mig, modularity, mutual_info_score, rmig
from unweave.metrics.infomec import best_part
from unweave.metrics.modularity import one_factor_only

pytestmark = pytest.mark.shared
CASES = [
    "constant_factor",
    "correlated",
    "dead_dim",
    "duplicate_dim",
    "noisy_partial",
    "perfect",
    "random",
    "rotation",
    "vae_like",
]
QUICK = {"mode": "reference", "bootstrap": 0, "nulls": 0}


@pytest.fixture
def golden(shared):
    """A golden case: (codes, factors, expected values, arrays)."""
    cases = json.loads((shared / "golden/open/golden.json").read_text())["cases"]
    assert set(cases) == set(CASES)

    def load(name):
        arrays = np.load(shared / "golden/open" / cases[name]["file"])
        return arrays["codes"], arrays["factors"], cases[name], arrays

    return load


def test_aggregation_of_matrices(shared):
    cases = json.loads((shared / "golden/open/functions.json").read_text())["matrices"]
    for case in cases:
        matrix, expected = np.array(case["matrix_DxK"]), case["expected"]
        with np.errstate(invalid="ignore", divide="ignore"):
            got = {
                "modularity_of_matrix_as_MI": one_factor_only(matrix).mean(),
                "infom_of_matrix_as_NMI(all active)": best_part(matrix, np.ones(len(matrix))),
                "infoc_of_matrix_as_NMI(all active)": best_part(matrix.T, np.ones(matrix.shape[1])),
            }
        for name, value in got.items():
            # One factor has no others: the reference divides 0 by 0, or where nothing is known takes 0 for modularity.
            np.testing.assert_allclose(value, float(expected[name]), rtol=1e-9, atol=1e-12, err_msg=str(case["kind"]))


@pytest.mark.parametrize("name", CASES)
def test_mig_of_each_factor(golden, name):
    codes, factors, case, _ = golden(name)
    expected = case["dlib"]["mig"]
    for k, value in enumerate(expected["mig_per_factor"]):
        score = mig(codes, factors[:, [k]], **QUICK)
        assert score.value == (None if value == "nan" else pytest.approx(value, rel=1e-9, abs=1e-12))


@pytest.mark.parametrize("name", CASES)
def test_modularity_and_information_between_codes(golden, name):
    codes, factors, case, _ = golden(name)
    assert modularity(codes, factors, **QUICK).value == pytest.approx(
        case["dlib"]["modularity"]["modularity"], rel=1e-9
    )
    if "explicitness_train" in case["dlib"]["explicitness"]:
        train = slice(case["n_train"])
        on_train = case["dlib"]["explicitness"]["modularity_train_rows"]
        assert modularity(codes[train], factors[train], **QUICK).value == pytest.approx(on_train, rel=1e-9)
    between = case["dlib"]["unsupervised"]["mutual_info_score"]
    assert mutual_info_score(codes, **QUICK).value == pytest.approx(between, rel=1e-7)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("discrete", [False, True])
def test_infomec(golden, name, discrete):
    codes, factors, case, _ = golden(name)
    expected = case["infomec"].get("infomec_discrete" if discrete else "infomec_latent_quantization")
    if expected is None:
        return
    card = infomec(codes, factors, **QUICK, discrete=discrete)
    if "error" in expected:
        assert all("factor_1" in score.reason for score in card.values())
        return
    # The same noise on the codes as in the reference with seed 0: cells agree to rounding.
    np.testing.assert_allclose(card["infomec.infom"].matrix.T, expected["seed0"]["nmi"], atol=1e-9)
    inactive = np.flatnonzero(~np.array(expected["seed0"]["active_latents"]))
    assert card["infomec.infom"].dropped_codes == tuple(inactive)
    few_values = name == "perfect"  # There, noise decides which neighbour is next.
    for part, tolerance in (("infom", 1e-6), ("infoc", 1e-6), ("infoe", 0.005)):
        tolerance = 0.02 if few_values else tolerance
        assert card[f"infomec.{part}"].value == pytest.approx(expected[part]["mean"], abs=tolerance)


@pytest.mark.parametrize("name", CASES)
def test_med(golden, name):
    codes, factors, case, _ = golden(name)
    expected = case["med"]
    card, top = (med(codes, factors, **QUICK, train_rows=case["n_train"], top=k) for k in (None, 2))
    if "error" in expected:
        assert all("factor_1" in score.reason for score in card.values())
        return
    for part in ("disentanglement", "completeness"):
        assert card[f"med.{part}"].value == pytest.approx(expected[part], rel=1e-9)
        assert top[f"med.{part}"].value == pytest.approx(expected[f"top2_{part}"], rel=1e-9)
    assert card["med.informativeness"].value == pytest.approx(expected["informativeness_test"], abs=0.005)
    assert card["med.informativeness_train"].value == pytest.approx(expected["informativeness_train"], abs=0.005)


def test_rmig_and_jemmig_under_the_encoders_noise(golden):
    means, factors, case, arrays = golden("vae_like")
    expected, codes = case["rmig_jemmig_do_tran"], Codes(means, arrays["logvars"])
    entropy = np.array(expected["H_y"])
    one_by_one = np.array([[rmig(codes, factors[:, [k]], **QUICK, samples=1500, seed=s).value for k in (0, 4)]
                           for s in range(3)])  # fmt: skip
    # The authors' samples: cells agree to single precision.
    np.testing.assert_allclose(
        one_by_one.mean(axis=0), (expected["RMIG_per_factor_norm"]["mean"] * entropy)[[0, 4]], atol=1e-5
    )
    scores = [rmig(codes, factors, **QUICK, samples=1500, seed=seed) for seed in range(3)]
    np.testing.assert_allclose(np.mean([s.matrix for s in scores], axis=0), expected["MI"]["mean"], atol=1e-5)
    joints = [jemmig(codes, factors, **QUICK, samples=1500, seed=seed) for seed in range(3)]
    assert np.mean([s.value for s in joints]) == pytest.approx(
        np.mean(expected["JEMMIG_per_factor_nats"]["mean"]), abs=1e-5
    )
    spread = 4 * np.linalg.norm(expected["JEMMIG_per_factor_nats"]["std"]) / 5
    assert jemmig(codes, factors, **QUICK).value == pytest.approx(np.mean([s.value for s in joints]), abs=spread)
    gaps = np.sort(rmig(codes, factors, **QUICK).matrix, axis=0)
    norm = ((gaps[-1] - gaps[-2]) / entropy).mean()
    values = expected["RMIG_norm"]["values"]
    assert norm == pytest.approx(np.mean(values), abs=4 * np.std(values))


@pytest.mark.parametrize("name", CASES)
def test_normalised_jemmig_is_that_of_ubisoft(golden, name):
    codes, factors, case, _ = golden(name)
    expected = case["ubisoft"]["jemmig_bins20"]["score"]
    if name == "constant_factor" or expected == "nan":
        return
    assert jemmig(codes, factors, **QUICK, normalised=True).value == pytest.approx(expected, rel=1e-9)
