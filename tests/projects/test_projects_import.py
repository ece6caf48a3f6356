"""Imported models as runs: their folder, their hash, and all that is done with a run."""

import json
import sys

import numpy as np
import pytest
import torch
from torch import nn

import user_nets
from foreign_graphs import PrincipalPair, images
from small_project import SMALL, trained
from unweave.bundles.fit import Wanted
from unweave.core.errors import ConfigError, DataError
from unweave.metrics import mig
from unweave.projects.config import Project
from unweave.projects.data import held_out, load_data
from unweave.projects.evaluation import evaluate
from unweave.projects.finish import write_run_report
from unweave.projects.foreign import Source, open_foreign
from unweave.projects.importing import import_model
from unweave.projects.labels.space import space_of
from unweave.projects.models import model_hash, trained_model
from unweave.projects.runs import find_run
from unweave.projects.traversals import draw_traversals

ROWS = 300


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A project of pictures in an .npz whose labels are the place and the width of a bar."""
    folder = tmp_path_factory.mktemp("import")
    rng = np.random.default_rng(0)
    place, width = rng.integers(0, 5, ROWS), rng.integers(2, 4, ROWS)
    pixels = images(ROWS)
    for row in range(ROWS):
        pixels[row] = pixels[row] % 30
        pixels[row, :, place[row] : place[row] + width[row]] = 230
    np.savez(folder / "bars.npz", images=pixels, place=place, width=width)
    return folder


@pytest.fixture(scope="module")
def project():
    factors = [{"name": "place", "kind": "ordinal", "values": ["0", "1", "2", "3", "4"]}]
    return Project.model_validate(
        {"name": "bars", "data": {"images": "bars.npz", "size": 8, "channels": 1}, "factors": factors}
    )


@pytest.fixture(scope="module")
def dataset(project, root):
    return load_data(project, root)


@pytest.fixture(scope="module")
def pair(dataset):
    return PrincipalPair(np.asarray(dataset.store.observations))


@pytest.fixture(scope="module")
def files(pair, root):
    return Source(pair.encoder(root / "e.onnx"), pair.decoder(root / "d.onnx", output="image"))


@pytest.fixture(scope="module")
def made(files, project, dataset, root):
    return import_model(open_foreign(files, root), project, dataset, root)


def test_the_folder_is_all_that_a_model_needs(made, files, pair, dataset, root):
    moved = [path.rename(path.with_suffix(".gone")) for path in (files.encoder, files.decoder)]
    try:
        model = trained_model(find_run(root, made.run.name))
    finally:
        for path in moved:
            path.rename(path.with_suffix(".onnx"))
    rows = dataset.splits.test
    codes = model.encode(dataset.observations(rows))
    np.testing.assert_allclose(codes.mean, pair.codes(dataset.observations(rows)), atol=1e-4)
    assert model.decode(codes.mean).shape == (len(rows), 8, 8, 1)
    assert (model.latent, model.shape, model.capabilities) == (4, (8, 8, 1), {"encode", "decode"})


def test_the_run_says_what_was_imported_and_fakes_no_training(made, files):
    assert made.run.name.startswith("import-onnx-")
    asked = made.run.read("asked")
    assert not {"method", "net", "training"} & set(asked["project"])
    assert asked["imported"]["encoder"] == str(files.encoder)
    assert asked["imported"]["latent"] == 4
    assert asked["imported"]["reconstruction_error"] < 0.5 * asked["imported"]["error_of_the_mean_image"]
    assert made.run.project().data.size == 8
    assert made.run.read("status")["status"] == "complete"


def test_scores_are_those_of_the_codes(made, pair, dataset):
    card = evaluate(made.run, dataset, bootstrap=0)
    rows = held_out(dataset)
    by_hand = mig(pair.codes(dataset.observations(rows)).astype(np.float32), dataset.table.take(rows), bootstrap=0)
    assert card["mig"].value == pytest.approx(by_hand.value, abs=1e-6)
    x = dataset.observations(rows).reshape(len(rows), -1) / 255
    drawn = np.clip(pair.codes(dataset.observations(rows)) @ pair.directions + pair.mean, 0, 1)
    assert card["reconstruction"].value == pytest.approx(((x - drawn) ** 2).mean(), rel=1e-4)
    assert made.run.scorecard()["mig"].value == card["mig"].value


def test_the_report_shows_pictures_and_no_training(made, dataset, root):
    evaluate(made.run, dataset, bootstrap=0)
    html = write_run_report(made.run, dataset, root).read_text()
    for absent in ("<h2>Training</h2>", "Training time", "nats</span>", "Trained", "beta_vae"):
        assert absent not in html
    for present in ("imported model", "Reconstructions", "moves the picture most comes first", "found by trying"):
        assert present in html


def test_traversals_come_in_the_order_in_which_they_move_the_picture(made, pair, dataset, tmp_path):
    rows = draw_traversals(made.run, dataset, tmp_path / "t.png", frames=3)
    # Components move the picture by their own spread, which falls from the first to the last.
    spread = np.diff(np.quantile(pair.codes(dataset.observations(held_out(dataset))), [0.025, 0.975], axis=0), axis=0)
    assert [row["latent"] for row in rows] == np.argsort(-spread[0]).tolist()
    assert all(row["kl"] is None and row["used"] for row in rows)
    assert (tmp_path / "t.png").stat().st_size > 0


def test_labels_are_planned_in_its_codes(made, pair, dataset, root):
    space = space_of(dataset, root, dataset.splits.train, run=made.run.name)
    codes = pair.codes(dataset.observations(dataset.splits.train))
    np.testing.assert_allclose(space.points, (codes - codes.mean(0)) / codes.std(0), atol=1e-3)


def test_the_same_model_is_the_same_run_and_another_is_another(made, pair, project, dataset, root, files):
    again = import_model(open_foreign(files, root), project, dataset, root)
    assert (again.run, model_hash(again.run)) == (made.run, model_hash(made.run))
    assert len(model_hash(made.run)) == 32
    other = import_model(open_foreign(files, root), project, dataset, root, wanted=Wanted(range="signed"))
    assert other.run != made.run
    assert model_hash(other.run) != model_hash(made.run)
    assert not [path for path in (root / "runs").iterdir() if path.name.startswith(".")]


def test_a_trained_model_has_a_hash_of_its_weights_and_card(tmp_path):
    _, one, _ = trained(tmp_path / "a")
    _, same, _ = trained(tmp_path / "b")
    _, other, _ = trained(tmp_path / "a", training={**SMALL["training"], "seed": 1})
    assert model_hash(one.run) == model_hash(same.run) != model_hash(other.run)
    card = one.run.model / "model.json"
    card.write_text(card.read_text() + " ")
    assert model_hash(one.run) != model_hash(same.run)


@pytest.fixture(scope="module")
def in_torch(project, dataset, root):
    opened = open_foreign(Source(function="user_nets:load"), root)
    return import_model(opened, project, dataset, root)


def test_modules_are_imported_by_their_path_in_evaluation_mode(in_torch, dataset, root):
    pixels = dataset.observations(dataset.splits.test)
    model = trained_model(find_run(root, in_torch.run.name))
    encoder, decoder = (net.eval() for net in user_nets.load())
    with torch.inference_mode():
        mean, logvar = encoder(torch.from_numpy(np.moveaxis(pixels, 3, 1).astype(np.float32) / 255))
        picture = decoder(mean).numpy()
    codes = model.encode(pixels)
    np.testing.assert_allclose(codes.mean, mean.numpy(), atol=1e-5)
    np.testing.assert_allclose(codes.logvar, logvar.numpy(), atol=1e-5)
    np.testing.assert_allclose(model.decode(codes.mean), np.moveaxis(picture, 1, 3), atol=1e-5)
    assert any("needs your code" in finding.title for finding in in_torch.findings)
    assert json.loads((in_torch.run.model / "model.json").read_text())["function"] == "user_nets:load"


def test_a_frozen_model_needs_no_code_and_gives_the_same(in_torch, project, dataset, root, monkeypatch):
    opened = open_foreign(Source(function="user_nets:load"), root)
    frozen = import_model(opened, project, dataset, root, freeze=True)
    assert frozen.run.name.startswith("import-onnx-")
    assert frozen.run.read("asked")["imported"]["function"] == "user_nets:load"
    expected = in_torch.model.encode(dataset.observations(dataset.splits.test))
    monkeypatch.setitem(sys.modules, "user_nets", None)
    found = trained_model(frozen.run).encode(dataset.observations(dataset.splits.test))
    np.testing.assert_allclose(found.mean, expected.mean, atol=1e-5)
    np.testing.assert_allclose(found.logvar, expected.logvar, atol=1e-5)


def test_weights_that_changed_since_are_refused(in_torch, monkeypatch):
    def other():
        encoder, decoder = user_nets.Encoder(), user_nets.Decoder()
        nn.init.zeros_(decoder.net[0].bias)
        return encoder, decoder

    monkeypatch.setattr(user_nets, "load", other)
    with pytest.raises(ConfigError, match=r"now returns other weights.*--freeze"):
        trained_model(in_torch.run)


@pytest.mark.parametrize("function", ["named", "dictionary", "normal"])
def test_outputs_are_taken_as_users_return_them(function, in_torch, project, dataset, root):
    found = import_model(open_foreign(Source(function=f"user_nets:{function}"), root), project, dataset, root)
    rows = dataset.observations(dataset.splits.test)
    expected, codes = in_torch.model.encode(rows), found.model.encode(rows)
    np.testing.assert_allclose(codes.mean, expected.mean, atol=1e-5)
    np.testing.assert_allclose(codes.logvar, expected.logvar, atol=1e-5)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("user_nets", "expected module:function"),
        ("no_such_module:load", "finds no module 'no_such_module'"),
        ("user_nets:none", "has no attribute 'none'"),
        ("user_nets:one", "returned Encoder; expected two torch modules"),
        ("user_nets:strings", r"returned \(str, str\)"),
        ("user_nets:fails", "FileNotFoundError: vae.pt"),
        ("user_nets:text", "returns str; expected a tensor"),
        ("user_nets:sample", "not deterministic"),
    ],
)
def test_functions_that_give_something_else_are_refused(function, message, project, dataset, root):
    with pytest.raises(ConfigError, match=message):
        import_model(open_foreign(Source(function=function), root), project, dataset, root)


def codes_file(path, **arrays):
    np.savez(path, **arrays)
    return Source(codes=path)


def test_codes_are_matched_by_id_or_by_row(pair, project, dataset, root, tmp_path):
    codes = pair.codes(dataset.store.observations)
    plain = codes_file(tmp_path / "plain.npz", codes=codes)
    order = np.random.default_rng(0).permutation(len(codes))
    named = codes_file(tmp_path / "named.npz", codes=codes[order], ids=dataset.store.ids[order])
    found = [import_model(open_foreign(source, root), project, dataset, root) for source in (plain, named)]
    assert found[0].run == found[1].run
    pixels = dataset.observations(dataset.splits.test)
    np.testing.assert_allclose(found[0].model.encode(pixels).mean, pair.codes(pixels), atol=1e-5)
    card = evaluate(found[0].run, dataset, bootstrap=0)
    assert "reconstruction" not in card
    assert card["mig"].value is not None
    html = write_run_report(found[0].run, dataset, root).read_text()
    assert "The model has no decoder: there are no pictures to show." in html
    with pytest.raises(ConfigError, match="no decoder"):
        draw_traversals(found[0].run, dataset, tmp_path / "t.png")


def test_codes_that_do_not_fit_the_data_are_refused(pair, project, dataset, root, tmp_path):
    codes, ids = pair.codes(dataset.store.observations), dataset.store.ids
    short = codes_file(tmp_path / "short.npz", codes=codes[:-1])
    with pytest.raises(DataError, match=rf"codes of {ROWS - 1} rows and {ROWS} observations"):
        import_model(open_foreign(short, root), project, dataset, root)
    missing = codes_file(tmp_path / "missing.npz", codes=codes[:-2], ids=ids[:-2])
    with pytest.raises(DataError, match=f"2 of {ROWS} observations have no code, the first is {str(ids[-2])!r}"):
        import_model(open_foreign(missing, root), project, dataset, root)
    twice = codes_file(tmp_path / "twice.npz", codes=codes, ids=np.append(ids[:-1], ids[0]))
    with pytest.raises(DataError, match="is there twice"):
        import_model(open_foreign(twice, root), project, dataset, root)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "got 0"),
        ({"function": "a:b", "codes": "c.npz"}, "got 2"),
        ({"decoder": "d.onnx"}, "--decoder alone"),
    ],
)
def test_a_source_is_one_model(given, message):
    with pytest.raises(ConfigError, match=message):
        Source(**given)


def test_files_are_not_frozen(files, project, dataset, root):
    with pytest.raises(ConfigError, match="--freeze is for --torch"):
        import_model(open_foreign(files, root), project, dataset, root, freeze=True)
