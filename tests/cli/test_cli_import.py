"""`unweave import`: one command in an empty folder, and only the model where there is a project."""

import json

import numpy as np
import pytest
from PIL import Image

from foreign_graphs import PrincipalPair, images


@pytest.fixture
def folder(tmp_path):
    """Photos with labels beside them, and a model of somebody else."""
    pixels = images(200)
    (tmp_path / "photos").mkdir()
    lines = ["file,place"]
    for row, picture in enumerate(pixels):
        Image.fromarray(picture[..., 0]).save(tmp_path / "photos" / f"{row:03}.png")
        lines.append(f"{row:03}.png,{int((picture[0, :, 0] > 100).argmax())}")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    pair = PrincipalPair(pixels, values="signed")
    pair.encoder(tmp_path / "enc.onnx")
    pair.decoder(tmp_path / "dec.onnx")
    return tmp_path


def test_one_command_makes_project_scores_and_report(unweave, folder):
    model = ["--encoder", folder / "enc.onnx", "--decoder", folder / "dec.onnx", "-C", folder, "--bootstrap", "20"]
    code, out, err = unweave("import", *model, "--data", "photos", "--labels", "labels.csv")
    assert code in (0, 1), err
    assert "pixels in [-1, 1]" in out
    assert "mig" in out
    assert "unweave traverse" in out
    assert "found by trying" in err
    text = (folder / "unweave.yaml").read_text()
    assert "size: 8, channels: 1" in text
    (run,) = (folder / "runs").iterdir()
    assert (run / "report.html").exists()
    # Where there is a project only the model is needed, and the same model is the same run.
    code, out, _ = unweave("import", *model, "--json")
    content = json.loads(out)
    assert content["run"] == run.name
    assert content["scores"]["probe.place"]["value"] > 0.8
    assert (code == 1) == any(not gate["passed"] for gate in content["gates"])
    for command in ("evaluate", "traverse", "report"):
        code, out, err = unweave(command, "-C", folder, "--json")
        assert code in (0, 1), err
        assert json.loads(out)["run"] == run.name
    code, _, err = unweave("import", *model, "--data", "photos")
    assert code == 2
    assert "leave out --data" in err


def test_mistakes_are_said_and_leave_no_project(unweave, folder):
    decoder = ["--decoder", folder / "dec.onnx", "-C", folder]
    for arguments, message in (
        (["--encoder", folder / "none.onnx", *decoder, "--data", "photos"], "there is no such file"),
        (["--encoder", folder / "labels.csv", *decoder, "--data", "photos"], "is no ONNX graph"),
        (["--encoder", folder / "enc.onnx", *decoder], "--data must say"),
        (["--encoder", folder / "enc.onnx", *decoder, "--data", "nothing"], "nothing"),
        (["--encoder", folder / "enc.onnx", *decoder, "--data", "photos", "--size", "16"], "`size: 8`"),
        (["--encoder", folder / "enc.onnx", *decoder, "--data", "photos", "--pixel-mean", "half"], "expected a number"),
        (["--encoder", folder / "dec.onnx", *decoder, "--data", "photos"], "the encoder takes"),
        (["-C", folder, "--data", "photos"], "expected one model"),
    ):
        code, _, err = unweave("import", *arguments)
        assert code == 2, (arguments, err)
        assert message in err
        assert not (folder / "unweave.yaml").exists()


def test_codes_need_no_decoder(unweave, folder):
    pixels = np.stack([np.asarray(Image.open(path)) for path in sorted((folder / "photos").iterdir())])[..., None]
    np.savez(folder / "codes.npz", codes=PrincipalPair(pixels).codes(pixels))
    data = ["--data", "photos", "--labels", "labels.csv", "--size", "8", "-C", folder, "--bootstrap", "0"]
    code, out, err = unweave("import", "--codes", folder / "codes.npz", *data)
    assert code in (0, 1), err
    assert "probe.place" in out
    assert "reconstruction" not in out
    code, _, err = unweave("traverse", "-C", folder)
    assert code == 2
    assert "no decoder" in err
