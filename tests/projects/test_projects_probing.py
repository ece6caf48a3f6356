"""From a run to its signatures, with leakage and in the report: what `unweave probe` does."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from small_project import SMALL, squares, trained, vectors
from unweave.cli.main import app
from unweave.core.errors import ConfigError, DataError
from unweave.core.factors import FactorTable
from unweave.projects.discovered import discover_in, name_candidates
from unweave.projects.finish import write_run_report
from unweave.projects.models import model_hash
from unweave.projects.probing import probe_run
from unweave.projects.runs import Run
from unweave.signatures.leakage.matrix import LeakageMatrix
from unweave.signatures.signatures import Signatures

COLUMNS = [("column", ["a", "b", "c", "d"]), ("row", ["x", "y", "z"])]


@pytest.fixture(scope="module")
def probed(tmp_path_factory):
    """A folder of squares whose places are learnt well enough to be moved, and what probing it gave."""
    root = tmp_path_factory.mktemp("probed")
    squares(root, COLUMNS)
    settings = {
        **SMALL,
        "data": {"images": "images", "labels": "images/labels.csv", "size": 16},
        "method": {"kind": "beta_vae", "latent": 9, "supervision": {"labels": 200, "classes": "logits"}, "beta": 1.0},
        "net": {"kind": "mlp", "hidden": [64]},
        "training": {**SMALL["training"], "steps": 300, "learning_rate": 0.003, "batch": 64},
    }
    (root / "unweave.yaml").write_text(json.dumps(settings))
    dataset, done, _ = trained(root, **settings)
    return root, dataset, done.run, probe_run(done.run, dataset, labels=200, look="codes", bootstrap=40)


def test_signatures_are_kept_with_what_they_were_learnt_from(probed):
    _, dataset, run, found = probed
    kept = Signatures.load(run.signatures)
    assert json.dumps(kept.to_json()) == json.dumps(found.signatures.to_json())
    assert kept.names == ("column", "row")
    assert kept.model == model_hash(run)
    assert kept.provenance["data"] == dataset.data_hash
    rows = np.array(kept.provenance["labelled_rows"])
    assert len(rows) == pytest.approx(200, abs=3)
    assert np.isin(rows, dataset.splits.train).all()
    for signature in kept.signatures:
        score = next(iter(signature.quality.values()))
        assert score.interval[0] > score.null_interval[1]  # a place of a bright square can be read


def test_leakage_is_there_and_says_who_looked(probed):
    _, _, run, found = probed
    (matrix,) = (LeakageMatrix.from_json(one) for one in run.read("leakage")["matrices"])
    assert matrix.measure == "codes"
    assert any("lower bound" in note for note in found.notes)
    for signature in found.signatures.signatures:
        (row,) = signature.leakage
        assert row.factors == tuple(name for name in ("column", "row") if name != signature.name)
        assert row.gain > 0.2  # it moves its own factor


def test_the_report_shows_signatures_with_pictures_and_curves(probed):
    root, dataset, run, found = probed
    page = write_run_report(run, dataset, root).read_text()
    assert "Signatures: what can be moved" in page
    assert page.count("held-out objects with") == len(found.signatures.names)
    assert "What labels bought" in page
    mean = found.signatures["row"].leakage[0].mean
    assert f"<strong>{mean:.2f}</strong>" in page


def test_the_command_prints_the_table_and_json(probed):
    root, _, run, _ = probed
    arguments = ["probe", "-C", str(root), "--labels", "100", "--look", "none", "--bootstrap", "20"]
    shown = CliRunner().invoke(app, arguments)
    assert shown.exit_code == 0, shown.output
    assert "column" in shown.output
    given = CliRunner().invoke(app, [*arguments, "--json", "--factor", "row", "--form", "isolated"])
    content = json.loads(given.stdout)
    assert content["run"] == run.name
    assert [s["factor"] for s in content["signatures"]] == ["row"]
    assert content["signatures"][0]["candidate"] == "isolated"


def test_a_judge_of_pixels_needs_labels_of_its_own(probed):
    _, dataset, run, _ = probed
    known = dataset.table.known.copy()
    known[dataset.splits.valid] = False
    used_up = replace(dataset, table=FactorTable(dataset.table.factors, dataset.table.values, known))
    with pytest.raises(DataError, match="besides those of the signatures"):
        probe_run(run, used_up, look="pixels", bootstrap=20)
    with pytest.raises(ConfigError, match="only built-in sets have exact factors"):
        probe_run(run, dataset, labels=100, look="exact", bootstrap=20)


def test_what_cannot_be_probed_is_said(probed):
    _, dataset, run, _ = probed
    with pytest.raises(ConfigError, match="no factor is called 'colour'"):
        probe_run(run, dataset, factors=["colour"])
    bare = replace(dataset, table=FactorTable.empty(len(dataset)))
    with pytest.raises(ConfigError, match="nothing to probe"):
        probe_run(run, bare)
    values = dataset.table.values.copy()
    values[:, 0] = 1
    constant = replace(dataset, table=FactorTable(dataset.table.factors, values, dataset.table.known))
    found = probe_run(run, constant, labels=200, look="none", bootstrap=0)
    assert found.signatures.names == ("row",)
    assert any(note.startswith("column has no signature") for note in found.notes)
    with pytest.raises(DataError, match="no factor can be probed"):
        probe_run(run, constant, factors=["column"], look="none", bootstrap=0)


def test_three_labels_in_all_are_refused(probed):
    _, dataset, run, _ = probed
    known = np.zeros_like(dataset.table.known)
    known[dataset.splits.train[:3]] = True
    few = replace(dataset, table=FactorTable(dataset.table.factors, dataset.table.values, known))
    with pytest.raises(DataError, match="no factor can be probed"):
        probe_run(run, few, look="none", bootstrap=0)


def test_vectors_are_probed_and_their_report_has_no_strips(tmp_path):
    settings = vectors(tmp_path)
    dataset, done, _ = trained(tmp_path, **settings)
    found = probe_run(done.run, dataset, labels=300, bootstrap=20)
    assert found.signatures.names == ("speed", "lane")
    page = write_run_report(done.run, dataset, tmp_path).read_text()
    assert "Signatures: what can be moved" in page
    assert "held-out objects with" not in page


def test_directions_found_without_labels_are_measured_beside_the_others(probed, tmp_path):
    root, dataset, run, _ = probed
    own = Run(shutil.copytree(run.folder, tmp_path / run.name))
    discover_in(own, dataset, methods=["pca"], top=3, bootstraps=2)
    name_candidates(own, {0: "first"})
    found = probe_run(own, dataset, labels=100, look="codes", bootstrap=20).signatures
    assert found.names == ("column", "row", "first")
    (row,) = found["first"].leakage
    assert set(row.factors) == {"column", "row"}
    assert row.gain > 0.2  # what is drawn says so too
    assert "first" in found["column"].leakage[0].factors
    assert "found without labels" in write_run_report(own, dataset, root).read_text()
