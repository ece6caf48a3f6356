"""`unweave score` gives the values of the published implementations, from their files as they are."""

import json
import math

import numpy as np
import pytest

FAST = ("--mode", "reference", "--bootstrap", "0", "--nulls", "0")

SCORES = {
    "mig": ("mig", "mig", 1e-9),
    "modularity": ("modularity", "modularity", 1e-9),
    "explicitness": ("explicitness", "explicitness_test", 1e-3),
    "sap": ("sap_discrete", "sap", 5e-3),
    "sap.continuous": ("sap_continuous", "sap", 1e-9),
    "irs": ("irs_q99", "irs", 1e-6),
    "gaussian_total_correlation": ("unsupervised", "gaussian_total_correlation", 1e-7),
    "mutual_info_score": ("unsupervised", "mutual_info_score", 1e-7),
}
"""Block and key of the reference value in golden.json, and the tolerance that its `meta` asks for."""

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


def score(unweave, *arguments):
    code, out, err = unweave("score", *arguments, *FAST, "--json")
    assert code == 0, err
    return json.loads(out)["scores"]


@pytest.mark.shared
@pytest.mark.parametrize("case", CASES)
def test_codes_and_factors_of_one_file(unweave, shared, case):
    golden = json.loads((shared / "golden/open/golden.json").read_text())["cases"][case]["dlib"]
    file = shared / f"golden/open/{case}.npz"
    train = int(np.load(file)["n_train"])
    found = score(unweave, file, file, "--metrics", ",".join(SCORES), "--train-rows", train)
    assert list(found) == list(SCORES)
    for name, (block, key, tolerance) in SCORES.items():
        expected = float(golden[block].get(key, "nan"))  # a crash of the reference has no value
        if math.isfinite(expected) and not (case == "duplicate_dim" and block == "unsupervised"):
            assert found[name]["value"] == pytest.approx(expected, rel=tolerance, abs=tolerance), name
        elif not math.isfinite(expected):
            assert found[name]["value"] is None, name
            assert found[name]["reason"], name
    assert found["sap"]["stamp"]["settings"]["train_rows"] == train


@pytest.mark.shared
@pytest.mark.parametrize("table", ["constant_dim", "noisy_inactive", "perfect", "random", "rotation"])
def test_tables_of_a_grid(unweave, shared, table):
    golden = json.loads((shared / "golden/open/golden.json").read_text())["tables"][f"table_{table}"]
    file = shared / f"golden/open/table_{table}.npz"
    grid = ",".join(str(size) for size in np.load(file)["factor_sizes"])
    found = score(unweave, file, "--grid", grid, "--metrics", "beta_vae,factor_vae")
    for name, key in (("beta_vae", "beta_vae_default"), ("factor_vae", "factor_vae_default_thr0.05")):
        expected = golden[key]["eval_accuracy"]
        # One seed here, the mean of five there: four standard deviations of their difference.
        tolerance = max(0.005, 4 * expected["std"] * math.sqrt(1 + 1 / len(expected["values"])))
        assert found[name]["value"] == pytest.approx(expected["mean"], abs=tolerance), name


@pytest.mark.shared
def test_models_are_ranked_as_published(unweave, shared):
    golden = json.loads((shared / "golden/open/golden.json").read_text())["udr"]["udr_a"]
    found = score(unweave, "--udr", shared / "golden/open/udr_a.npz")
    for method in ("lasso", "spearman"):
        expected = golden[f"{method}_filter1"]["model_scores"]
        assert found[f"udr.{method}"]["value"] == pytest.approx(expected, abs=1e-9)
