"""Parity of sampled and unsupervised scores and of UDR with disentanglement_lib."""

import json

import numpy as np
import pytest

from unweave.metrics import (
    beta_vae,
    factor_vae,
    gaussian_total_correlation,
    udr,
    wasserstein_correlation,
    wasserstein_correlation_norm,
)
from unweave.metrics.agreement import relative_strength
from unweave.metrics.gaussian_measures import published_wasserstein, total_correlation, wasserstein
from unweave.metrics.importances import completeness, disentanglement

pytestmark = pytest.mark.shared

SMALL = {"batch": 16, "train_points": 500, "test_points": 500}
SAMPLED = {
    "beta_vae_default": (beta_vae, {}),
    "beta_vae_small": (beta_vae, SMALL),
    "factor_vae_default_thr0.05": (factor_vae, {}),
    "factor_vae_default_thr0": (factor_vae, {"threshold": 0}),
    "factor_vae_small_thr0.05": (factor_vae, {**SMALL, "variance_points": 2000}),
}


@pytest.fixture
def golden(shared):
    return shared / "golden" / "open"


def read(golden, name):
    return json.loads((golden / name).read_text())


@pytest.mark.parametrize("block", SAMPLED)
def test_scores_of_tables(golden, block):
    metric, settings = SAMPLED[block]
    for name, blocks in read(golden, "golden.json")["tables"].items():
        arrays, expected = np.load(golden / f"{name}.npz"), blocks[block]["eval_accuracy"]
        found = [
            metric(
                arrays["codes"],
                grid=arrays["factor_sizes"],
                mode="reference",
                bootstrap=0,
                nulls=0,
                seed=seed,
                **settings,
            )
            for seed in range(5)
        ]
        # The tolerance that comes with the golden values, for means of five seeds.
        tolerance = max(0.005, 4 * expected["std"] / np.sqrt(5))
        assert np.mean([score.value for score in found]) == pytest.approx(expected["mean"], abs=tolerance), name


def number(value):
    """Real part of a golden number."""
    return value["real"] if isinstance(value, dict) else float(value)


def test_unsupervised_scores_of_cases(golden):
    metrics = {
        "gaussian_total_correlation": gaussian_total_correlation,
        "gaussian_wasserstein_correlation": wasserstein_correlation,
        "gaussian_wasserstein_correlation_norm": wasserstein_correlation_norm,
    }
    for name, case in read(golden, "golden.json")["cases"].items():
        codes = np.load(golden / case["file"])["codes"]
        for key, metric in metrics.items():
            expected = case["dlib"]["unsupervised"][key]
            score = metric(codes, mode="reference", bootstrap=0, nulls=0)
            if number(expected) > 30:  # rounding noise of a singular covariance
                assert score.value is None or score.value > 30
            else:
                tolerance = {"abs": 1e-3} if isinstance(expected, dict) else {"rel": 1e-7}
                assert score.value == pytest.approx(number(expected), **tolerance), (name, key)


@pytest.mark.parametrize("method", ["lasso", "spearman"])
@pytest.mark.parametrize("filtered", [True, False])
def test_udr(golden, method, filtered):
    for name, blocks in read(golden, "golden.json")["udr"].items():
        arrays, expected = np.load(golden / f"{name}.npz"), blocks[f"{method}_filter{int(filtered)}"]
        found = udr(
            arrays["reps"],
            arrays["kl"],
            method=method,
            filter_low_kl=filtered,
            mode="reference",
            bootstrap=0,
            nulls=0,
        )
        np.testing.assert_allclose([s.value for s in found.scores], expected["model_scores"], rtol=0, atol=1e-12)
        pairs = np.array(expected["pairwise_disentanglement_scores"], dtype=float)
        np.testing.assert_allclose(found.pairwise, pairs, rtol=0, atol=1e-12)
        relations = np.array(expected["raw_correlations"], dtype=float)
        np.testing.assert_allclose(found.relations, relations, rtol=0, atol=1e-12)


def test_functions_of_matrices(golden):
    for case in read(golden, "functions.json")["matrices"]:
        matrix, covariance, expected = np.array(case["matrix_DxK"]), np.array(case["cov"]), case["expected"]
        assert relative_strength(matrix) == pytest.approx(expected["udr_relative_strength"], rel=1e-9)
        assert total_correlation(covariance).value == pytest.approx(expected["gaussian_total_correlation"], rel=1e-9)
        for value in (wasserstein(covariance).value, published_wasserstein(covariance)):
            assert value == pytest.approx(expected["gaussian_wasserstein_correlation"], rel=1e-7)
        if case["K"] > 1:  # aggregates of effect matrices
            assert disentanglement(matrix) == pytest.approx(expected["dci_disentanglement"], rel=1e-9, abs=1e-12)
            assert completeness(matrix) == pytest.approx(expected["dci_completeness"], rel=1e-9, abs=1e-12)
