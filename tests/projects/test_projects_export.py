"""From a trained run to a bundle: what it holds, what it says, and that it edits as the run does."""

import json
import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from small_bundle import apart, reseal
from unweave.bundles import precision
from unweave.bundles.files import CARD, CHECKSUMS, REFERENCE, SIGNATURES
from unweave.bundles.parity import LIMIT
from unweave.bundles.precision import add_variant
from unweave.bundles.run import load_bundle
from unweave.bundles.schema import read_card
from unweave.core.errors import ConfigError, DataError
from unweave.core.model import LatentModel
from unweave.methods.model import load_model, save_model
from unweave.projects.config import Project
from unweave.projects.editing import editor_of as run_editor
from unweave.projects.exporting import export_run
from unweave.projects.models import model_hash
from unweave.projects.runs import Run
from unweave.signatures.apply import edit_codes
from unweave.signatures.bundled import editor_of
from unweave.signatures.edit import Edit, Move
from unweave.signatures.signatures import Signatures


@pytest.fixture(scope="module")
def bundle(small):
    return load_bundle(small.folder)


def test_the_bundle_gives_what_the_run_gives(small, bundle):
    ours, theirs = small.model.encode(small.rows), bundle.encode(small.rows)
    assert apart(ours.mean, theirs.mean) < 1e-4
    assert apart(ours.logvar, theirs.logvar) < 1e-4
    assert (ours.groups, ours.categorical) == (theirs.groups, theirs.categorical)
    assert apart(small.model.decode(ours.mean), bundle.decode(ours.mean)) < 1e-4
    assert isinstance(bundle, LatentModel)
    assert (bundle.latent, bundle.shape, bundle.capabilities) == (7, (32, 32, 1), {"encode", "decode"})
    assert bundle.binding == small.model.binding
    assert bundle.providers == ("CPUExecutionProvider",)


def test_edits_through_the_bundle_are_those_of_the_run(small, bundle):
    """Every signature moved, one at a time and all at once; codes of either model, in its own place, and decoded."""
    in_run, in_bundle = run_editor(small.run), editor_of(bundle)
    assert in_bundle.signatures.names == in_run.signatures.names != ()
    edits = [Edit({name: Move(1.0)}) for name in in_run.signatures.names]
    edits.append(Edit(dict.fromkeys(in_run.signatures.names, Move(0.5))))
    for edit in edits:
        pictures = []
        for editor in (in_run, in_bundle):
            codes = editor.model.encode(small.rows).mean
            done = edit_codes(editor.signatures, codes, edit)
            pictures.append([editor.model.decode(codes), editor.model.decode(done.codes)])
        assert apart(pictures[0][1], pictures[1][1]) < 1e-4
        assert apart(pictures[0][0], pictures[0][1]) > 0.05  # the edit does something
    bytes_ = [editor.apply(small.rows, edits[-1]).images for editor in (in_run, in_bundle)]
    assert apart(*bytes_) <= 1  # a half may be rounded either way
    assert (bytes_[0] != bytes_[1]).mean() < 1e-3


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content.pop("density"),
        lambda content: content.update(model="0" * 32),
        lambda content: content["signatures"][0].update(directions=[[1.0]]),
        lambda content: content["signatures"][0]["reader"].update(weights=[[1.0]]),
        lambda content: content["density"].update(mean=[0.0]),
        lambda content: content["density"].update(covariance=[[0.0] * 7] * 7),
        lambda content: content.update(signatures="all"),
    ],
)
def test_signatures_that_are_damaged_are_refused_before_the_first_edit(bundle, damage):
    content = json.loads(json.dumps(bundle.signatures))
    damage(content)
    with pytest.raises(DataError, match=r"signatures\.json of the bundle is damaged"):
        editor_of(replace(bundle, signatures=content))
    with pytest.raises(ConfigError, match="has no signatures"):
        editor_of(replace(bundle, signatures=None))


def test_the_card_says_where_it_comes_from_and_what_it_can(small, bundle):
    card = bundle.card
    assert (card.name, card.run, card.notes) == ("small sprites", small.run.name, "for tests")
    assert (card.model_hash, card.data_hash) == (model_hash(small.run), small.dataset.data_hash)
    assert card.factors == small.dataset.table.factors
    scorecard = small.run.scorecard()
    assert set(card.scores) == set(scorecard)
    assert card.scores["mig"].value == scorecard["mig"].value
    assert card.scores["mig"].rows == len(small.dataset.splits.test)
    assert [(g.score, g.wanted, g.passed) for g in card.gates] == [("mig", "at least 0", True)]
    assert card.training.settings["training"]["steps"] == 400
    assert card.training.rows["train"] == len(small.dataset.splits.train)
    assert card.training.versions["unweave"]
    assert (card.statement.licence, card.statement.intended_use) == ("CC0-1.0", "tests")
    assert any(finding.startswith("shape cannot be moved: it was not probed") for finding in card.findings)
    assert any("was not measured for" in finding for finding in card.findings)
    assert [s.factor for s in card.signatures] == list(Signatures.load(small.run.folder / SIGNATURES).names)
    assert all(p.passed and 0 < p.difference < LIMIT == p.limit for p in card.parity)


def test_the_reference_holds_quantiles_of_codes_errors_and_probes(small, bundle):
    rows = np.sort(np.concatenate([small.dataset.splits.valid, small.dataset.splits.test]))
    reference, signatures = bundle.reference, Signatures.from_json(bundle.signatures)
    assert reference.rows == bundle.card.reference_rows == 100
    assert (reference.probabilities[0], reference.probabilities[-1], len(reference.probabilities)) == (0, 1, 257)
    # 100 of the unseen rows, so each of its numbers lies between theirs and its middle is near to theirs.
    pixels = small.dataset.observations(rows)
    codes = small.model.encode(pixels).mean
    assert (reference.codes[0] >= codes.min(0) - 1e-4).all()
    assert (reference.codes[-1] <= codes.max(0) + 1e-4).all()
    spread = codes.std(0)
    assert (np.abs(reference.codes[128] - np.median(codes, axis=0)) < 0.6 * spread).all()
    errors = ((pixels / 255 - small.model.decode(codes)) ** 2).mean((1, 2, 3))
    assert errors.min() - 1e-5 <= reference.reconstruction_error[0]
    assert reference.reconstruction_error[-1] <= errors.max() + 1e-5
    assert tuple(reference.probes) == signatures.names
    for name, sketch in reference.probes.items():
        outputs = signatures[name].reader(codes)[:, sketch.outputs]
        assert np.isfinite(outputs).all()
        assert (sketch.quantiles >= outputs.min(0) - 1e-3).all()
        assert (sketch.quantiles <= outputs.max(0) + 1e-3).all()
        assert (np.diff(sketch.quantiles, axis=0) >= 0).all()


def test_the_reference_of_all_rows_is_their_quantiles(small, tmp_path, at_hand):
    project = small.project.model_copy(update={"monitoring": None})  # then up to 2,000 rows: all that are unseen
    made = export_run(small.run, small.dataset, project, small.root, output=tmp_path / "all")
    rows = np.concatenate([small.dataset.splits.valid, small.dataset.splits.test])
    reference = load_bundle(made.folder).reference
    assert reference.rows == len(rows)
    codes = small.model.encode(small.dataset.observations(rows)).mean
    np.testing.assert_allclose(reference.codes, np.quantile(codes, np.linspace(0, 1, 257), axis=0), atol=1e-4)
    with np.load(made.folder / REFERENCE, allow_pickle=False) as arrays:  # with NumPy alone, as documented
        assert arrays["format"] == 1
        assert arrays["factors"].tolist() == list(reference.probes)
        assert arrays["probe_0"].shape == (257, len(arrays["probe_0_outputs"]))


def test_the_same_run_gives_the_same_bytes(small, tmp_path):
    assert small.folder.name == f"{small.run.name}-{small.exported.digest[:8]}"
    again = export_run(small.run, small.dataset, small.project, small.root, output=tmp_path / "here")
    assert (again.folder, again.digest) == (tmp_path / "here", small.exported.digest)
    for path in small.folder.iterdir():
        assert (again.folder / path.name).read_bytes() == path.read_bytes()
    assert not [p for p in (*small.folder.parent.iterdir(), *tmp_path.iterdir()) if p.name.startswith(".")]


def test_nothing_is_written_over_but_an_equal_bundle_stays(small, tmp_path, at_hand):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("all of it")
    other = shutil.copytree(small.folder, tmp_path / "other")
    (other / CARD).write_text((other / CARD).read_text().replace("for tests", "for fun"))
    reseal(other)
    for place in ("mine", "other"):
        with pytest.raises(ConfigError, match="holds something else"):
            export_run(small.run, small.dataset, small.project, small.root, output=tmp_path / place)
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "all of it"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine", "other"]
    again = export_run(small.run, small.dataset, small.project, small.root)
    assert (again.folder, again.digest) == (small.folder, small.exported.digest)


def copied_run(small, root):
    """The run in another project folder, so that a test can damage it."""
    folder = root / "runs" / small.run.name
    shutil.copytree(small.run.folder, folder)
    return Run(folder)


def test_signatures_of_another_model_stop_the_export(small, tmp_path):
    run = copied_run(small, tmp_path)
    model = load_model(run.model)
    shutil.rmtree(run.model)
    next(model.method.parameters()).data.add_(0.01)
    save_model(model, run.model)
    with pytest.raises(ConfigError, match="signatures belong to model"):
        export_run(run, small.dataset, small.project, tmp_path)


def test_a_run_without_signatures_and_scores_says_so(small, tmp_path, at_hand):
    run = copied_run(small, tmp_path)
    run.signatures.unlink()
    (run.folder / "scorecard.json").unlink()
    made = export_run(run, small.dataset, small.project, tmp_path)
    assert not (made.folder / SIGNATURES).exists()
    assert load_bundle(made.folder).signatures is None
    assert made.card.findings[0] == "The model was not scored on held-out rows."
    assert "no factor can be moved by name" in made.card.findings[1]
    assert [gate.passed for gate in made.card.gates] == [False]


def test_graphs_that_differ_stop_the_export_and_leave_nothing(small, tmp_path, at_hand, monkeypatch):
    import unweave.projects.exporting as exporting

    right = exporting.write_graphs

    def nudged(model, encoder, decoder):
        right(model, encoder, decoder)
        graph = onnx.load(decoder)
        bias = next(w for w in graph.graph.initializer if list(w.dims) == [32 * 32])  # of the last layer
        bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + np.float32(0.01), bias.name))
        onnx.save(graph, decoder)

    monkeypatch.setattr(exporting, "write_graphs", nudged)
    with pytest.raises(ConfigError, match=r"nothing is exported.*decoder, observations"):
        export_run(small.run, small.dataset, small.project, tmp_path, output=tmp_path / "b" / "bundle")
    assert list((tmp_path / "b").iterdir()) == []


def test_other_precisions_are_kept_within_their_limits(small, tmp_path, at_hand):
    made = export_run(
        small.run, small.dataset, small.project, small.root, output=tmp_path / "b", variants=("fp16", "int8")
    )
    for variant in made.card.variants:
        assert {p.output for p in variant.parity} == {"mean", "logvar", "observations"}
        assert variant.bytes > 0
        assert variant.why.startswith("kept" if variant.kept else "refused")
        if variant.kept:
            assert all(p.passed for p in variant.parity)
            assert variant.leakage <= variant.float32_leakage + variant.leakage_limit
        assert (made.folder / f"encoder.{variant.precision}.onnx").exists() == variant.kept
    assert "fp16" in made.card.precisions  # rounding of 0.05 % moves these codes by less than 0.01
    half, whole = load_bundle(made.folder, precision="fp16"), load_bundle(made.folder)
    difference = apart(half.encode(small.rows).mean, whole.encode(small.rows).mean)
    assert 0 < difference <= made.card.variants[0].parity[0].limit
    assert made.card.variants[0].bytes < 0.7 * made.card.variants[0].float32_bytes


def test_other_precisions_that_leak_more_or_differ_too_much_are_refused(small, bundle, tmp_path, monkeypatch):
    folder = shutil.copytree(small.folder, tmp_path / "b")
    asked = []

    def judge(model):  # worse for the reduced graphs, which it sees first
        asked.append(model)
        return 0.25 if len(asked) == 1 else 0.2

    variant = add_variant("fp16", folder, bundle, small.rows, judge=judge)
    assert not variant.kept
    assert (variant.leakage, variant.float32_leakage, variant.leakage_limit) == (0.25, 0.2, 0.01)
    assert "leaks 0.250" in variant.why
    assert asked[0].encoder is not asked[1].encoder is bundle.encoder
    monkeypatch.setitem(precision.LIMITS, "fp16", {"mean": 1e-7, "logvar": 1, "observations": 1})
    variant = add_variant("fp16", folder, bundle, small.rows)
    assert "too far from the float32 graphs: mean" in variant.why
    assert not list(folder.glob("*.fp16.onnx"))
    with pytest.raises(ConfigError, match="has graphs of precision float32, not of fp16"):
        load_bundle(folder, precision="fp16")


def test_a_run_that_cannot_be_exported(small, tmp_path):
    run = copied_run(small, tmp_path)
    shutil.rmtree(run.model)
    with pytest.raises(ConfigError, match="not complete"):
        export_run(run, small.dataset, small.project, tmp_path)


def test_providers_that_are_not_there(small):
    with pytest.raises(ConfigError, match="has no provider MagicExecutionProvider"):
        load_bundle(small.folder, providers=("MagicExecutionProvider",))
    with pytest.raises(ConfigError, match="no provider"):
        load_bundle(small.folder, providers=())


WITHOUT_TORCH = """
    import sys
    from pathlib import Path
    import numpy as np
    from unweave.bundles.run import load_bundle

    bundle = load_bundle(Path(sys.argv[1]))
    codes = bundle.encode(np.zeros((2, 32, 32, 1), np.uint8))
    assert bundle.decode(codes.mean).shape == (2, 32, 32, 1)

    from unweave.signatures.bundled import load_editor
    from unweave.signatures.edit import Edit, Move

    editor = load_editor(Path(sys.argv[1]))
    edit = Edit({editor.signatures.names[0]: Move(1.0)})
    assert editor.apply(np.zeros((2, 32, 32, 1), np.uint8), edit).images.shape == (2, 32, 32, 1)
    heavy = {"torch", "onnx", "onnxscript", "mlflow", "lightning_fabric", "sklearn", "numba", "matplotlib"}
    print(*sorted(heavy & set(sys.modules)))
"""


def test_a_bundle_runs_without_what_training_needs(small):
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(WITHOUT_TORCH), small.folder], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == ""


def test_a_statement_in_the_project_file_is_checked():
    settings = {"name": "a", "data": {"images": "x"}}
    with pytest.raises(ValueError, match="license"):
        Project.model_validate({**settings, "card": {"license": "MIT"}})
    assert Project.model_validate(settings).card.licence == ""


def test_a_bundle_holds_what_is_documented_and_no_more(small):
    names = {path.name for path in small.folder.iterdir()}
    assert names == {CARD, CHECKSUMS, REFERENCE, SIGNATURES, "encoder.onnx", "decoder.onnx"}
    sums = json.loads((small.folder / CHECKSUMS).read_text())["blake2b"]
    assert set(sums) == names - {CHECKSUMS}
    card = (small.folder / CARD).read_text()
    assert str(small.root) not in card
    with pytest.raises(DataError, match="format 7"):
        read_card(card.replace('"format": 1', '"format": 7').encode(), "card.json")
