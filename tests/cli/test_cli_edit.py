"""`unweave edit`, `swap` and `augment` on a small trained model: files, what they show, and bad input."""

import csv
import json
import sys

import numpy as np
import pytest
from PIL import Image

from unweave.cli.main import main
from unweave.projects.data import load_data
from unweave.projects.editing import editor_of
from unweave.projects.load import load_project
from unweave.projects.models import model_hash, trained_model
from unweave.projects.runs import find_run
from unweave.signatures.fit import fit_signatures
from unweave.signatures.signatures import Signatures

LANES, LEVELS = ("a", "b", "c", "d"), ("low", "middle", "high")
SETTINGS = """
name: squares
data: {images: images, size: 16, channels: 1}
factors:
  - {name: lane, kind: categorical, values: [a, b, c, d]}
  - {name: level, kind: ordinal, values: [low, middle, high]}
method: {kind: beta_vae, latent: 8, beta: 0.5, supervision: {classes: logits}}
net: {kind: mlp, hidden: [64]}
training: {steps: 400, batch: 32, learning_rate: 0.003, monitor_every: 400, checkpoint_every: 400}
tracking: {uri: "off"}
"""


def picture(lane, level, seed):
    """A bright square in one of four places of the upper half, and a bar of one of three greys below, on noise."""
    pixels = np.random.default_rng(seed).integers(0, 40, (16, 16)).astype(np.uint8)
    pixels[1:7, lane * 4 : lane * 4 + 4] = 255
    pixels[9:15] += np.uint8(100 * level)
    return pixels


def read_table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A project whose level goes with its lane, trained, with signatures."""
    root = tmp_path_factory.mktemp("edit")
    (root / "unweave.yaml").write_text(SETTINGS)
    (root / "images").mkdir()
    rng = np.random.default_rng(0)
    rows = [["file", "lane", "level"]]
    for k in range(500):
        lane = int(rng.integers(4))
        level = min(2, lane) if rng.random() < 0.6 else int(rng.integers(3))
        Image.fromarray(picture(lane, level, k)).save(root / "images" / f"{k}.png")
        rows.append([f"{k}.png", LANES[lane], LEVELS[level]])
    with (root / "images" / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    before, sys.argv = sys.argv, ["unweave", "train", "-C", str(root), "--device", "cpu", "--json"]
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        sys.argv = before
    assert not ended.value.code
    run, dataset = find_run(root), load_data(load_project(root), root)
    codes = trained_model(run).encode(dataset.observations(dataset.splits.train)).mean
    found = fit_signatures(
        codes, dataset.table.take(dataset.splits.train), model=model_hash(run), only="isolated", bootstrap=0, nulls=0
    )
    found.save(run.signatures)
    return root


@pytest.fixture
def files(tmp_path):
    """Two pictures that the model has not seen: lane a, high; lane d, low. The second is large and has colour."""
    Image.fromarray(picture(0, 2, 9001)).save(tmp_path / "one.png")
    Image.fromarray(picture(3, 0, 9002)).resize((48, 48), Image.Resampling.NEAREST).convert("RGB").save(
        tmp_path / "two.jpg"
    )
    return tmp_path / "one.png", tmp_path / "two.jpg"


def shown(path):
    """Lane and level that a picture shows, and its pixels."""
    with Image.open(path) as image:
        assert (image.format, image.size, image.mode) == ("PNG", (16, 16), "L")
        pixels = np.asarray(image).astype(float)
    lane = pixels[1:7].reshape(6, 4, 4).mean(axis=(0, 2)).argmax()
    level = np.clip(np.rint((pixels[9:15].mean() - 20) / 100), 0, 2)
    return LANES[lane], LEVELS[int(level)], pixels


def test_edit_sets_factors_and_leaves_the_others(unweave, folder, files, tmp_path):
    out = tmp_path / "out"
    code, printed, err = unweave("edit", "-C", folder, *files, "--set", "lane=b", "-o", out)
    assert code == 0, err
    assert printed.split() == [str(out / "one.png"), str(out / "two.png")]
    assert shown(out / "one.png")[:2] == ("b", "high")
    assert shown(out / "two.png")[:2] == ("b", "low")
    code, printed, _ = unweave(
        "edit", "-C", folder, files[0], "--set", "lane=d", "--set", "level=low", "-o", out, "--json"
    )
    said = json.loads(printed)
    assert (code, said["asked"]) == (0, {"lane": {"set": "d"}, "level": {"set": "low"}})
    assert said["factors"]["lane"]["after"] == [3]
    assert said["files"] == [str(out / "one.png")]
    assert shown(out / "one.png")[:2] == ("d", "low")
    code, printed, _ = unweave("edit", "-C", folder, files[0], "--move", "level=-1", "-o", out, "--json")
    level = json.loads(printed)["factors"]["level"]
    assert (code, level["before"], level["wanted"]) == (0, [2], pytest.approx([2 - (2 / 3) ** 0.5], abs=0.4))


def test_a_residual_edit_keeps_pixels(unweave, folder, files, tmp_path):
    with Image.open(files[0]) as image:
        original = np.asarray(image).astype(float)
    kept = {}
    for option in ("--residual", None):
        assert (
            unweave("edit", "-C", folder, files[0], "--set", "lane=c", "-o", tmp_path / "o", *filter(None, [option]))[0]
            == 0
        )
        pixels = shown(tmp_path / "o" / "one.png")[2]
        kept[option] = np.abs(pixels - original)[9:].mean()  # nothing happens in the lower half
    assert kept["--residual"] < kept[None] / 2


def test_a_tuned_decoder_keeps_what_the_model_never_saw(unweave, folder, files, tmp_path):
    with Image.open(files[0]) as image:
        original = np.asarray(image).copy()
    original[15, :8] = 120  # a bright line that no training picture has
    Image.fromarray(original).save(files[0])
    kept = {}
    for steps in ((), ("--tune", 100)):
        out = tmp_path / f"tuned{len(steps)}"
        assert unweave("edit", "-C", folder, files[0], "--set", "lane=c", *steps, "-o", out)[0] == 0
        assert shown(out / "one.png")[:2] == ("c", "high")
        assert unweave("edit", "-C", folder, files[0], "--set", "lane=a", *steps, "-o", out)[0] == 0  # as it is
        kept[len(steps)] = np.abs(shown(out / "one.png")[2] - original)[15, :8].mean()
    assert kept[2] < kept[0] / 2


def test_swap_takes_a_factor_from_another_image(unweave, folder, files, tmp_path):
    code, printed, err = unweave("swap", "-C", folder, *files, "--factors", "lane", "-o", tmp_path / "s.png")
    assert (code, printed.strip()) == (0, str(tmp_path / "s.png")), err
    assert shown(tmp_path / "s.png")[:2] == ("d", "high")
    code, printed, _ = unweave(
        "swap", "-C", folder, *files, "--factors", "lane,level", "-o", tmp_path / "s.png", "--json"
    )
    assert json.loads(printed)["asked"] == {"lane": {"swap": True}, "level": {"swap": True}}
    assert shown(tmp_path / "s.png")[:2] == ("d", "low")


def test_augment_writes_a_set_in_which_the_factors_are_independent(unweave, folder, tmp_path):
    out = tmp_path / "more"
    code, printed, err = unweave(
        "augment", out, "-C", folder, "--edit", "level", "--independent-of", "lane", "--redraw", "--json"
    )
    assert code == 0, err
    said = json.loads(printed)
    labels, manifest = (read_table(out / name) for name in ("labels.csv", "manifest.csv"))
    assert len(labels) == said["originals"] + said["edited"] == len(list(out.glob("*.png")))
    assert len(manifest) == said["edited"] + said["dropped"]
    assert said["edited"] > 3 * said["dropped"] > -1
    dropped = [row for row in manifest if row["confirmed"] == "no"]
    assert (len(dropped), {row["file"] for row in dropped} - {""}) == (said["dropped"], set())
    by_file = {row["file"]: row for row in labels}
    right = []
    for row in manifest:
        if row["confirmed"] == "yes":
            copy, source = by_file[row["file"]], next(r for r in labels if r["source"] == row["source"])
            assert (copy["level"], copy["lane"]) == (row["to"], source["lane"])
            assert row["from"] == source["level"] != row["to"]
            right.append(shown(out / row["file"])[:2] == (copy["lane"], copy["level"]))
    assert np.mean(right) > 0.9
    # Each row is once in the edited half, edited or with a label that is what it should be: lane says nothing there.
    same = {row["source"] for row in manifest}
    half = [r for r in labels if r["file"] in {m["file"] for m in manifest} or r["source"] not in same]
    joint = np.array([[sum(r["lane"] == a and r["level"] == b for r in half) for b in LEVELS] for a in LANES])
    apart = joint / joint.sum() - np.outer(joint.sum(1), joint.sum(0)) / joint.sum() ** 2
    assert np.abs(apart).max() < 0.03
    code, printed, err = unweave("init", out, "-C", tmp_path / "new", "--by", "source", "--size", "16")
    assert code == 0, err
    assert "factor lane: categorical (4 classes)" in printed


def test_augment_balances(unweave, folder, tmp_path):
    out = tmp_path / "even"
    code, printed, err = unweave(
        "augment", out, "-C", folder, "--balance", "level", "--no-originals", "--redraw", "--json"
    )
    assert code == 0, err
    counts = np.array([sum(row["level"] == v for row in read_table(out / "labels.csv")) for v in LEVELS])
    assert np.ptp(counts) <= json.loads(printed)["dropped"] + 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["edit", "ONE"], 2, "an edit names at least one factor"),
        (["edit", "ONE", "--set", "lane=e"], 2, "has no value 'e'. It can be set to: a, b, c, d"),
        (["edit", "ONE", "--set", "lan=a"], 2, "Did you mean 'lane'?"),
        (["edit", "ONE", "--move", "lane=1"], 2, "so a number does not say where to move"),
        (["edit", "ONE", "--set", "level=low", "--budget", "0.1"], 2, "the leakage of 'level' was not measured"),
        (["edit", "ONE", "--move", "level=99", "--beyond", "refuse"], 2, "leaves the data"),
        (["edit", "TEXT", "--set", "lane=a"], 2, "it is no image but text"),
        (["edit", "NONE", "--set", "lane=a"], 3, "cannot read"),
        (["edit", "ONE", "--set", "lane=a", "-o", "HERE"], 2, "it would be lost"),
        (["swap", "ONE", "TWO", "--factors", ",", "-o", "X"], 2, "an edit names at least one factor"),
        (["swap", "ONE", "TWO", "--factors", "lane", "-o", "ONE"], 2, "it would be lost"),
        (["augment", "X", "--edit", "level"], 2, "expected --edit FACTOR --independent-of FACTOR"),
        (["augment", "HERE", "--balance", "level"], 2, "is there already"),
        (["augment", "X", "--edit", "lane", "--independent-of", "lane"], 2, "name two different"),
        (["augment", "X", "--balance", "shape"], 2, "no factor is called 'shape'"),
    ],
)
def test_bad_input_is_explained(unweave, folder, files, tmp_path, arguments, code, words):
    (tmp_path / "text.png").write_text("hello")
    places = {"ONE": files[0], "TWO": files[1], "TEXT": tmp_path / "text.png", "NONE": tmp_path / "none.png"}
    places |= {"HERE": tmp_path, "X": tmp_path / "x"}
    found, out, err = unweave(*[places.get(a, a) for a in arguments], "-C", folder)
    assert (found, out) == (code, "")
    assert words.lower() in err.lower()
    assert not (tmp_path / "x").exists()


def test_signatures_of_another_model_and_none(unweave, folder, files, tmp_path):
    run = find_run(folder)
    path = run.signatures
    content = path.read_text()
    editor = editor_of(run)
    try:
        other = Signatures("0" * 32, editor.signatures.density, editor.signatures.signatures)
        other.save(path)
        code, _, err = unweave("edit", "-C", folder, files[0], "--set", "lane=a", "-o", tmp_path / "o")
        assert (code, "the signatures belong to model 000000000000, the codes to model" in err) == (2, True)
        path.unlink()
        code, _, err = unweave("edit", "-C", folder, files[0], "--set", "lane=a", "-o", tmp_path / "o")
        assert (code, "Find them with `unweave probe`" in err) == (2, True)
    finally:
        path.write_text(content)
