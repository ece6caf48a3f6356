"""Discovery in runs: what lies in their folder, names that stay, and models that cannot do everything."""

import json
from dataclasses import replace

import numpy as np
import pytest
from onnx import helper
from PIL import Image

from foreign_graphs import PrincipalPair, images, save
from unweave.core.errors import ConfigError
from unweave.projects.config import Project
from unweave.projects.data import load_data
from unweave.projects.discovered import discover_in, label, name_candidates, strips_of
from unweave.projects.editing import editor_of
from unweave.projects.foreign import Source, open_foreign
from unweave.projects.importing import import_model
from unweave.projects.models import model_hash
from unweave.signatures.apply import edit_codes
from unweave.signatures.candidate_directions import Candidate, Discovery
from unweave.signatures.edit import Edit, Move
from unweave.signatures.signatures import Signatures

PIXELS = images(200)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("discovered")
    np.savez(folder / "bars.npz", images=PIXELS)
    return folder


@pytest.fixture(scope="module")
def project():
    return Project.model_validate({"name": "bars", "data": {"images": "bars.npz", "size": 8, "channels": 1}})


@pytest.fixture(scope="module")
def dataset(project, root):
    return load_data(project, root)


@pytest.fixture
def run(project, dataset, root, tmp_path):
    """A run of principal components, in a folder of its own."""
    pair = PrincipalPair(PIXELS)
    files = Source(pair.encoder(root / "e.onnx"), pair.decoder(root / "d.onnx"))
    return import_model(open_foreign(files, root), project, dataset, tmp_path).run


def test_the_folder_holds_arrays_words_and_a_picture(run, dataset):
    done = discover_in(run, dataset, methods=["pca", "jacobian"], top=3, bootstraps=2)
    assert done.folder == run.folder / "discovered"
    assert sorted(path.name for path in done.folder.iterdir()) == ["candidates.json", "candidates.npz", "strips.png"]
    content = json.loads((done.folder / "candidates.json").read_text())
    assert (content["model"], content["data_hash"]) == (model_hash(run), dataset.data_hash)
    assert [c["how"] for c in content["candidates"]] == ["pca"] * 3 + ["jacobian"] * 3
    assert (done.lost, done.reason) == ((), "")
    # Codes are principal components already, and a linear decoder with orthonormal rows changes a picture as far as a
    # code moves: both methods find the axes.
    np.testing.assert_allclose(np.abs(done.found.directions[:3]), np.eye(4)[:3], atol=0.2)
    assert [c.like for c in done.found.candidates] == [(3,), (4,), (5,), (0,), (1,), (2,)]


def test_the_picture_shows_the_strips(run, dataset):
    from unweave.projects.models import trained_model

    done = discover_in(run, dataset, methods=["pca"], top=2, bootstraps=2)
    strips = strips_of(done.found, trained_model(run))
    assert strips.shape == (2, 9, 8, 8, 1)
    picture = np.asarray(Image.open(done.picture))
    # Pictures of 8 pixels are drawn eight times as large, 2 (x 8) apart, 12 from the right edge and the top.
    for row, column in ((0, 0), (0, 8), (1, 4)):
        left = picture.shape[1] - 12 - (8 - column) * 80 - 64
        found = picture[12 + row * 80 :, left:][:64:8, :64:8, 0]
        np.testing.assert_array_equal(found, np.rint(strips[row, column, ..., 0] * 255))


def test_names_stay_with_their_directions_and_are_drawn(run, dataset):
    first = discover_in(run, dataset, methods=["pca"], top=2, bootstraps=2)
    before = first.picture.read_bytes()
    named = name_candidates(run, {1: "width"})
    assert named.found.candidates[1].name == "width"
    assert named.picture.read_bytes() != before
    again = discover_in(run, dataset, methods=["pca", "jacobian"], bootstraps=3, seed=2)
    assert [c.number for c in again.found.candidates if c.name == "width"] == [1]
    assert Discovery.load(again.folder).candidates[1].name == "width"
    with pytest.raises(ConfigError, match="no candidate 50"):
        name_candidates(run, {50: "x"})


def test_names_of_another_model_are_refused(run, dataset):
    with pytest.raises(ConfigError, match="`unweave discover` first"):
        name_candidates(run, {0: "x"})
    discover_in(run, dataset, methods=["pca"], bootstraps=2)
    card = run.model / "model.json"
    card.write_text(card.read_text() + " ")
    with pytest.raises(ConfigError, match="the run's model is"):
        name_candidates(run, {0: "x"})


def test_codes_alone_have_no_strips_and_no_jacobian(project, dataset, root, tmp_path):
    np.savez(tmp_path / "c.npz", codes=PrincipalPair(PIXELS).codes(dataset.store.observations))
    run = import_model(open_foreign(Source(codes=tmp_path / "c.npz"), root), project, dataset, tmp_path).run
    done = discover_in(run, dataset, bootstraps=2)
    assert done.picture is None
    assert "no strips of pictures and no Jacobian" in done.reason
    assert {c.how for c in done.found.candidates} <= {"ica", "pca", "clusters"}
    assert not (done.folder / "strips.png").exists()


def test_of_vectors_the_components_are_listed(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "v.npy", rng.normal(size=(200, 3)).astype(np.float32) * np.float32([1, 5, 2]))
    project = Project.model_validate({"name": "v", "data": {"vectors": "v.npy"}})
    dataset = load_data(project, tmp_path)
    node = [helper.make_node("Identity", ["x"], ["y"])]
    files = Source(*(save(tmp_path / f"{name}.onnx", node, ["n", 3], ["y"], {}) for name in "ed"))
    run = import_model(open_foreign(files, tmp_path), project, dataset, tmp_path).run
    done = discover_in(run, dataset, methods=["pca"], bootstraps=2)
    assert [c.changes[0][0] for c in done.found.candidates] == [1, 2, 0]
    assert done.picture is None
    assert "vectors" in done.reason


def test_labels_say_number_name_method_share_and_stability():
    candidate = Candidate(3, "ica", 0.117, 1.0, 0.984, (0.9, 1.0), 0.5)
    assert label(candidate) == "3 · ica, 12%, stable 0.98"
    named = Candidate(3, "ica", 0.117, 1.0, 0.984, (0.9, 1.0), 0.5, name="smile")
    assert label(named) == "3 · smile · ica, 12%, stable 0.98"


def test_a_name_becomes_a_signature(run, dataset):
    discover_in(run, dataset, methods=["pca"], top=2, bootstraps=2)
    assert not run.signatures.exists()
    named = name_candidates(run, {1: "width"})
    editor = editor_of(run)
    assert editor.signatures.names == ("width",)
    codes = named.found.centre[None].astype(np.float32)
    done = edit_codes(editor.signatures, codes, Edit({"width": Move(0.5)})).codes
    read = editor.signatures["width"].reader.read
    np.testing.assert_allclose(read(done) - read(codes), 0.5, atol=1e-4)
    name_candidates(run, {1: None})
    assert not run.signatures.exists()


def test_a_factor_with_labels_keeps_its_name(run, dataset):
    discover_in(run, dataset, methods=["pca"], top=2, bootstraps=2)
    name_candidates(run, {0: "width"})
    found = Signatures.load(run.signatures)
    labelled = replace(found.signatures[0], candidate="isolated", labels=9)
    replace(found, signatures=(labelled,)).save(run.signatures)
    before = (run.folder / "discovered" / "candidates.json").read_text()
    with pytest.raises(ConfigError, match="'width' has a signature from labels"):
        name_candidates(run, {1: "width", 0: None})
    assert (run.folder / "discovered" / "candidates.json").read_text() == before
