"""What a run learns from labels: chosen rows decide everything, and the model keeps what it was bound to."""

import json
from dataclasses import replace

import numpy as np
import pytest

from small_project import SMALL, project_of, trained
from unweave.core.errors import ConfigError
from unweave.core.factors import FactorTable
from unweave.data.config import DataConfig
from unweave.data.dataset import load_dataset
from unweave.methods import BetaVAEConfig
from unweave.methods.model import load_model
from unweave.projects.data import load_data
from unweave.projects.labelled import labels_used
from unweave.projects.pipeline import train
from unweave.projects.runs import fingerprint


@pytest.fixture(scope="module")
def sprites(tmp_path_factory):
    root = tmp_path_factory.mktemp("sprites")
    config = DataConfig(
        images="builtin:sprites", size=32, rows=3000, correlate={"factors": ["scale", "x"], "strength": 0.2}
    )
    return load_dataset(config, (), root=root, cache=root / "cache")


def method(correlated=None, **supervision):
    return BetaVAEConfig(latent=10, supervision=supervision, correlated=correlated)


def test_rows_numbers_and_columns(sprites):
    used = labels_used(method(labels=100), sprites, seed=0)
    rows = used.rows.rows
    assert len(rows) == 100
    assert np.isin(rows, sprites.splits.train).all()
    named = {b.target.factor.name: b for b in used.binding.bound}
    assert {name: b.columns for name, b in named.items()} == {
        "shape": (0,),
        "scale": (1,),
        "orientation": (2, 3),
        "x": (4,),
        "y": (5,),
    }
    assert used.binding.groups == ((2, 3),)
    assert (used.binding.name(3), used.binding.name(7), used.binding.columns("z")) == ("orientation", None, ())
    for k, bound in enumerate(used.binding.bound):
        restored = bound.target.restore(used.rows.values[:, k])
        np.testing.assert_allclose(restored, sprites.table.values[rows, k], atol=1e-3)
    assert used.rows.weights.tolist() == [1] * 100
    assert used.summary["columns"]["orientation"] == [2, 3]


def test_a_column_per_class_on_request(sprites):
    used = labels_used(method(classes="logits", factors=["scale", "shape"]), sprites, seed=0)
    assert [b.columns for b in used.binding.bound] == [(0,), (1, 2, 3)]
    assert used.rows.values.shape == (len(sprites.splits.train), 2)


def test_labels_of_other_rows_decide_nothing(sprites):
    wanted = method({}, labels=200)
    used = labels_used(wanted, sprites, seed=0)
    values = np.full_like(sprites.table.values, 0.5)
    values[:, :2] = 1
    values[used.rows.rows] = sprites.table.values[used.rows.rows]
    known = np.zeros_like(sprites.table.known)
    known[used.rows.rows] = True
    blind = replace(sprites, table=FactorTable(sprites.table.factors, values, known))
    again = labels_used(wanted, blind, seed=0)
    assert again.binding == used.binding
    assert again.summary == used.summary
    for name in ("rows", "values", "known", "weights"):
        assert np.array_equal(getattr(again.rows, name), getattr(used.rows, name)), name


def test_another_seed_chooses_other_rows(sprites):
    first, second = (labels_used(method(labels=100), sprites, seed=seed).rows.rows for seed in (0, 1))
    assert not np.array_equal(first, second)


def test_factors_that_vary_together_are_found_and_weighted_apart(sprites):
    used = labels_used(method({}), sprites, seed=0)
    assert [set(pair) for pair in used.binding.correlated] == [{"scale", "x"}]
    scale, x = used.rows.values[:, 1], used.rows.values[:, 3]
    plain = np.corrcoef(scale, x)[0, 1]
    weighted = np.cov(scale, x, aweights=used.rows.weights)
    assert plain > 0.7
    assert weighted[0, 1] / np.sqrt(weighted[0, 0] * weighted[1, 1]) < plain - 0.2
    assert used.rows.weights.mean() == pytest.approx(1, abs=1e-5)
    assert 1 < used.summary["effective_rows"] < 0.8 * used.summary["rows"]
    named = labels_used(method({"factors": [["shape", "y"]], "reweight": False}), sprites, seed=0)
    assert named.binding.correlated == (("shape", "y"),)
    assert set(named.rows.weights) == {1}


@pytest.mark.parametrize(
    ("supervision", "said"),
    [
        ({"factors": ["colour"]}, "no factor is called 'colour'"),
        ({"factors": ["x", "x"]}, "expected different names"),
        ({"factors": []}, "expected different names"),
    ],
)
def test_factors_that_are_not_there(sprites, supervision, said):
    with pytest.raises(ConfigError, match=said):
        labels_used(method(**supervision), sprites, seed=0)


def test_too_few_dimensions(sprites):
    small = BetaVAEConfig(latent=5, supervision={})
    with pytest.raises(ConfigError, match=r"need 6 dimensions .*orientation 2.*there are 5.*to 10 or more"):
        labels_used(small, sprites, seed=0)


def test_no_labels_wanted(sprites):
    assert labels_used(BetaVAEConfig(), sprites, seed=0) is None


SUPERVISED = {**SMALL["method"], "latent": 4, "supervision": {"labels": 50}}


def test_a_run_keeps_its_binding_and_continues(tmp_path):
    _, done, finished = trained(tmp_path, method=SUPERVISED)
    assert 0 <= finished["scores"]["bound.digit"]["value"] <= 1
    assert done.run.read("labels")["rows"] == 50
    model = load_model(done.run.model)
    assert model.binding == done.model.binding
    assert model.binding.columns("digit") == (0,)
    assert model.binding.bound[0].target.classes == 10
    card = json.loads((done.run.model / "model.json").read_text())
    assert card["binding"]["bound"][0]["columns"] == [0]
    series = [json.loads(line) for line in (done.run.folder / "history.jsonl").read_text().splitlines()]
    assert any("train.supervision" in record for record in series)
    project = project_of(method=SUPERVISED)
    again = train(project, load_data(project, tmp_path), tmp_path, device="cpu")
    assert again.run == done.run


def test_the_labels_used_decide_the_run():
    prints = {
        fingerprint(project_of(method={**SUPERVISED, "supervision": section}), "data")
        for section in (None, {"labels": 50}, {"labels": 60}, {"labels": 50, "factors": ["digit"]})
    }
    assert len(prints) == 4


def test_a_method_of_pairs_learns_from_a_project_and_says_what_is_missing(tmp_path):
    paired = {"kind": "ada_gvae", "latent": 3}
    with pytest.raises(ConfigError, match=r"learns from pairs, and data\.pairs does not say"):
        trained(tmp_path, method=paired)
    _, done, _ = trained(tmp_path, method=paired, data={**SMALL["data"], "pairs": {"by": "digit"}})
    assert done.outcome.status == "complete"
