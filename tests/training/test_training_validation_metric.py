"""Scores while a model is validated: batches, devices, processes."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from unweave.core import Codes, DataError, Factor, FactorTable, ShapeError
from unweave.metrics import scorecard

torchmetrics = pytest.importorskip("torchmetrics")

from unweave.training.validation_metric import ValidationScores  # noqa: E402 - after the skip

RNG = np.random.default_rng(0)
FACTORS = RNG.integers(0, 4, (300, 2))
CODES = (FACTORS @ [[1, 0.2, 0], [0, 1, 0]] + 0.3 * RNG.standard_normal((300, 3))).astype(np.float32)
QUICK = {"bootstrap": 0, "nulls": 0}


def feed(metric, codes=CODES, factors=FACTORS, batch=64, **more):
    device = metric.device
    for start in range(0, len(codes), batch):
        rows = slice(start, start + batch)
        extra = {name: torch.from_numpy(value[rows]).to(device) for name, value in more.items()}
        metric.update(torch.from_numpy(codes[rows]).to(device), torch.from_numpy(factors[rows]).to(device), **extra)
    return metric


def floats(found):
    return {name: float(value) for name, value in found.items()}


def test_batches_give_the_score_of_all_rows(device):
    metric = feed(ValidationScores(metrics=["mig", "probe"]).to(device))
    found = metric.compute()
    card = scorecard(CODES, FACTORS, metrics=["mig", "probe"], **QUICK)
    assert floats(found) == pytest.approx({name: score.value for name, score in card.items()}, abs=1e-6)
    assert {value.device.type for value in found.values()} == {torch.device(device).type}
    assert metric.card["mig"].value == card["mig"].value
    metric.reset()
    assert len(metric.codes) == len(metric.labels) == 0
    again = feed(metric, CODES[:100], FACTORS[:100]).compute()
    expected = scorecard(CODES[:100], FACTORS[:100], metrics=["mig"], **QUICK)["mig"].value
    assert float(again["mig"]) == pytest.approx(expected, abs=1e-6)


def test_it_is_a_torchmetrics_metric():
    metric = ValidationScores(metrics=["mig"])
    assert isinstance(metric, torchmetrics.Metric)
    collection = torchmetrics.MetricCollection({"scores": metric})
    feed(collection["scores"])
    assert set(collection.compute()) == {"mig"}
    assert floats(pickle.loads(pickle.dumps(metric)).compute()) == floats(metric.compute())
    assert floats(metric(torch.from_numpy(CODES[:90]), torch.from_numpy(FACTORS[:90])))  # forward: of the batch alone
    assert len(torch.cat(metric.codes)) == 390


def test_half_precision_gradients_and_missing_labels():
    labels = np.where(RNG.random(FACTORS.shape) < 0.2, np.nan, FACTORS).astype(np.float32)
    metric = ValidationScores(metrics=["mig"])
    codes = torch.from_numpy(CODES).bfloat16().requires_grad_()
    metric.update(codes, torch.from_numpy(labels))
    assert not metric.codes[0].requires_grad
    expected = scorecard(codes.detach().float().numpy(), labels, metrics=["mig"], **QUICK)["mig"].value
    assert float(metric.compute()["mig"]) == pytest.approx(expected, abs=1e-6)


def test_declared_factors_and_variances():
    factors = (Factor(name="hue", kind="circular", range=(0, 4)), Factor(name="size", kind="ordinal"))
    logvar = np.tile(np.float32([-6, -6, 3]), (300, 1))
    metric = feed(ValidationScores(factors, metrics=["mig", "probe"]), logvar=logvar)
    table = FactorTable(factors, FACTORS.astype(np.float64), np.ones(FACTORS.shape, dtype=bool))
    card = scorecard(Codes(CODES, logvar), table, metrics=["mig", "probe"], **QUICK)
    assert set(metric.compute()) == {"mig", "probe.hue", "probe.size"}
    assert metric.card.to_json() == card.to_json()
    assert metric.card["mig"].dropped_codes == (2,)  # the noise of the encoder drowns it


def test_scores_without_a_value_are_left_out():
    metric = feed(ValidationScores(metrics=["mig", "probe"]), factors=FACTORS * [[1, 0]])
    assert set(metric.compute()) == {"mig", "probe.factor_0"}
    assert metric.card["probe.factor_1"].reason == "the factor is constant."
    assert feed(ValidationScores(metrics=["mig"], budget=0)).compute() == {}


def test_mistakes_are_explained():
    metric = ValidationScores()
    codes, factors = torch.from_numpy(CODES), torch.from_numpy(FACTORS)
    for arguments in (
        (codes[:, 0], factors),
        (codes, factors[:9]),
        (codes, factors[:, 0]),
        (codes, factors, codes[:9]),
    ):
        with pytest.raises(ShapeError, match="expected shape"):
            metric.update(*arguments)
    with pytest.raises(ShapeError, match=r"\(300, 1\)"):
        ValidationScores([Factor(name="a", kind="ordinal")]).update(codes, factors)
    with pytest.warns(UserWarning, match="before the"), pytest.raises(DataError, match="there are no rows"):
        ValidationScores().compute()
    metric.reset()
    metric.update(codes, factors, codes)
    metric.update(codes, factors)
    with pytest.raises(DataError, match="300 of 600 rows have one"):
        metric.compute()


def test_two_processes_score_the_rows_of_both(tmp_path):
    np.savez(tmp_path / "rows.npz", codes=CODES, factors=FACTORS)
    script = Path(__file__).parent / "_validation_processes.py"
    subprocess.run([sys.executable, script, tmp_path], check=True, timeout=120, capture_output=True)
    card = scorecard(CODES, FACTORS, metrics=["mig", "probe"], **QUICK)
    for rank in range(2):
        values, batches = json.loads((tmp_path / f"found-{rank}.json").read_text())
        assert values == pytest.approx({name: score.value for name, score in card.items()}, abs=1e-6)
        assert batches == 3 + rank  # each keeps its own rows, to go on
