"""`unweave discover`: a table, a picture, and names."""

import json

import numpy as np
import pytest

from foreign_graphs import PrincipalPair, images


@pytest.fixture
def folder(tmp_path, unweave):
    pixels = images(150)
    np.savez(tmp_path / "bars.npz", images=pixels)
    pair = PrincipalPair(pixels)
    model = ["--encoder", pair.encoder(tmp_path / "e.onnx"), "--decoder", pair.decoder(tmp_path / "d.onnx")]
    code, _, err = unweave("import", *model, "--data", "bars.npz", "-C", tmp_path, "--bootstrap", "0")
    assert code == 0, err
    return tmp_path


def test_candidates_are_listed_drawn_and_named(unweave, folder):
    options = ("--method", "pca", "--method", "ica", "--top", "2", "--bootstraps", "2", "-C", folder)
    code, out, err = unweave("discover", *options)
    assert code == 0, err
    for word in ("stability", "chance", "pca", "ica", "Strips: ", "--name 3=smile"):
        assert word in out
    assert "jacobian  " not in out
    code, out, _ = unweave("discover", "--name", "1=width", "--name", "2 = place", "-C", folder, "--json")
    content = json.loads(out)
    assert code == 0
    assert [c["name"] for c in content["candidates"]] == [None, "width", "place", None]
    assert content["picture"].endswith("strips.png")
    code, out, _ = unweave("discover", "--name", "1=", "-C", folder)
    assert "place" in out
    assert "width" not in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--name", "smile"), "expected NUMBER=NAME"),
        (("--name", "1=a"), "`unweave discover` first"),
        (("--clusters", "40"), "expected 2 to 12 for 120 rows"),
        (("--run", "nothing"), "no run begins with"),
    ],
)
def test_mistakes_are_said(unweave, folder, arguments, message):
    code, _, err = unweave("discover", *arguments, "-C", folder)
    assert code == 2
    assert message in err
