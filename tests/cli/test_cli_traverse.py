"""`unweave traverse`: the picture, its rows, and what it says about bad input."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from unweave.cli.main import main
from unweave.data.dataset import Dataset
from unweave.metrics import mig
from unweave.projects.data import held_out, load_data
from unweave.projects.load import load_project
from unweave.projects.models import trained_model
from unweave.projects.runs import find_run
from unweave.training.traversal import kl_per_dimension

FACTORS = """
factors:
  - {name: shape, kind: categorical, values: [square, ellipse, heart]}
  - {name: scale, kind: ordinal, values: ["0.5", "0.6", "0.7", "0.8", "0.9", "1"]}
"""
SETTINGS = f"""
name: t
data: {{images: 'builtin:sprites', size: 32, rows: 900}}{FACTORS}
method: {{kind: beta_vae, latent: 4, beta: 0.5}}
net: {{kind: mlp, hidden: [32]}}
training: {{steps: 200, batch: 32, learning_rate: 0.003, monitor_every: 200}}
tracking: {{uri: "off"}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("traverse")
    (root / "unweave.yaml").write_text(SETTINGS)
    before, sys.argv = sys.argv, ["unweave", "train", "-C", str(root), "--device", "cpu", "--json"]
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        sys.argv = before
    assert not ended.value.code
    return root


@pytest.fixture(scope="module")
def codes(folder):
    """Codes of the held-out rows, and their labels."""
    dataset: Dataset = load_data(load_project(folder), folder)
    rows = held_out(dataset)
    return trained_model(find_run(folder)).encode(dataset.observations(rows)), dataset.table.take(rows)


def test_the_picture_has_a_row_for_every_dimension(unweave, folder):
    code, out, _ = unweave("traverse", "-C", folder, "--json")
    assert code == 0
    said = json.loads(out)
    assert said["picture"] == str(find_run(folder).folder / "traversals.png")
    with Image.open(said["picture"]) as picture:
        picture.load()
    assert picture.format == "PNG"
    # Four rows of 32 pixels enlarged twice, gaps of four pixels between them, and a margin of twelve around.
    assert picture.size[1] == 4 * 64 + 3 * 4 + 2 * 12
    grid = 9 * 64 + 8 * 4
    assert picture.size[0] > grid + 2 * 12 + 50
    frames = np.asarray(picture)[12:-12, -12 - grid : -12]
    assert (frames[64:68] == 255).all()
    assert (frames[:, 64:68] == 255).all()
    assert len(said["dimensions"]) == 4


def test_rows_are_ordered_by_information_and_name_the_factor_that_they_move(unweave, folder, codes):
    codes, table = codes
    _, out, _ = unweave("traverse", "-C", folder, "--json")
    rows = json.loads(out)["dimensions"]
    kl = kl_per_dimension(codes)
    assert [row["latent"] for row in rows] == list(np.argsort(-kl))
    assert [row["kl"] for row in rows] == pytest.approx(sorted(kl, reverse=True))
    # MIG's matrix holds the same information in nats; the classes of these factors are about equally frequent.
    entropy = np.log([len(factor.values) for factor in table.factors])
    shares = mig(codes, table, bootstrap=0, nulls=0).matrix / entropy
    named = [row for row in rows if row["factor"]]
    assert named, "no dimension moves a factor: the test has nothing to see"
    for row in named:
        share = shares[row["latent"], table.names.index(row["factor"])]
        assert row["share"] == pytest.approx(share, abs=0.1)
        assert share > shares[row["latent"]].max() - 0.05
        assert row["label"] == f"{row['factor']} ({row['share']:.2f})"
    _, out, _ = unweave("traverse", "-C", folder)
    lines = out.splitlines()
    assert lines[:4] == [f"z{row['latent']}: {row['kl']:.2f} nats, {row['label']}" for row in rows]


def test_fewer_rows_more_frames_another_place(unweave, folder, tmp_path):
    path = tmp_path / "new" / "t.png"
    code, out, _ = unweave("traverse", "-C", folder, "--top", "2", "--frames", "3", "-o", path, "--json")
    assert (code, len(json.loads(out)["dimensions"])) == (0, 2)
    with Image.open(path) as picture:
        assert picture.size[1] == 2 * 64 + 4 + 24
    code, out, _ = unweave("traverse", "-C", folder, "--top", "99", "-o", path, "--json")
    assert (code, len(json.loads(out)["dimensions"])) == (0, 4)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--frames", "1"], 2, "Invalid value for '--frames'"),
        (["--top", "0"], 2, "Invalid value for '--top'"),
        (["--run", "zzz"], 2, "no run begins with 'zzz'. The runs are: beta_vae-s0-"),
        (["-o", "FOLDER"], 3, "cannot write"),
        (["-o", "FOLDER/unweave.yaml/t.png"], 3, "cannot write"),
    ],
)
def test_bad_input_is_explained(unweave, folder, arguments, code, words):
    arguments = [a.replace("FOLDER", str(folder)) for a in arguments]
    found, out, err = unweave("traverse", "-C", folder, *arguments)
    assert (found, out) == (code, "")
    assert words in err
    assert (folder / "unweave.yaml").read_text() == SETTINGS


def test_there_must_be_a_run_that_is_complete_and_of_images(unweave, tmp_path):
    (tmp_path / "unweave.yaml").write_text(SETTINGS)
    code, _, err = unweave("traverse", "-C", tmp_path)
    assert (code, "holds no run. Train one with `unweave train`" in err) == (2, True)
    unweave("train", "-C", tmp_path, "--max-minutes", "0", "--device", "cpu")
    code, _, err = unweave("traverse", "-C", tmp_path)
    assert (code, "is not complete (step 1)" in err) == (2, True)
    np.save(tmp_path / "v.npy", np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32))
    images = next(line for line in SETTINGS.splitlines() if line.startswith("data:"))
    settings = SETTINGS.replace(images + FACTORS, "data: {vectors: v.npy}\n")
    (tmp_path / "unweave.yaml").write_text(settings)
    assert unweave("train", "-C", tmp_path, "--set", "training.steps=20", "--device", "cpu")[0] == 0
    code, _, err = unweave("traverse", "-C", tmp_path)
    assert (code, "the data are vectors: there is no picture to draw" in err) == (2, True)
