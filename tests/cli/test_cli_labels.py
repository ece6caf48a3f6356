import csv
import json
import sys

import numpy as np
import pytest
import yaml
from PIL import Image

from unweave.cli.main import main
from unweave.methods import METHODS


@pytest.fixture
def unweave(monkeypatch, capsys):
    """Run a command line in this process; returns exit code, standard output and standard error."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["unweave", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err
        return ended.value.code or 0, printed.out, printed.err

    return run


@pytest.fixture
def project(tmp_path, unweave):
    """Two hundred bright bars on noise, a third of them labelled, with a project file made by `init`."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "[bars]"
    folder.mkdir()
    lines = ["file,side,height"]
    for i in range(200):
        pixels = rng.integers(0, 60, (16, 16)).astype(np.uint8)
        side, height = rng.integers(0, 2), int(rng.integers(2, 15))
        pixels[:height, 8 * side + 2 : 8 * side + 6] = 255
        Image.fromarray(pixels).save(folder / f"{i}.png")
        lines.append(f"{i}.png,{('left', 'right')[side]},{height}.5" if i % 3 == 0 else f"{i}.png,,")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    assert unweave("init", "[bars]", "-C", tmp_path, "--size", 16)[0] == 0
    return tmp_path


def _width(path):
    with Image.open(path) as picture:
        return picture.width


def test_init_writes_what_advise_says(unweave, project):
    text = (project / "unweave.yaml").read_text()
    method = yaml.safe_load(text)["method"]
    assert method["kind"] in METHODS
    code, out, _ = unweave("advise", "-C", project, "--json")
    found = json.loads(out)
    assert (code, found["best"]["method"], found["same"]) == (0, method, True)
    comment = " ".join(line[2:] for line in text.partition("\nmethod:")[0].splitlines() if line.startswith("# "))
    assert found["best"]["reason"] in comment
    code, out, _ = unweave("advise", "-C", project)
    assert code == 0
    assert "This is what the project file says." in out
    for words in ("Why: ", "Whatever the method", "unweave labels plan"):
        assert words in out
    code, out, _ = unweave("advise", "-C", project, "--set", "method={kind: beta_vae, beta: 7}")
    assert (code, "The project file has {beta: 7.0, kind: beta_vae}." in out) == (0, True)


def test_plan_fill_in_add(unweave, project):
    code, out, _ = unweave("labels", "plan", "-C", project, "--budget", "12", "--json")
    assert code == 0
    made = json.loads(out)
    assert (len(made["files"]), made["factors"]) == (12, ["side", "height"])
    assert _width(made["sheet"]) > 400
    with (project / "labels-plan.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert [row[0] for row in rows] == made["files"]
    assert {tuple(row[1:]) for row in rows} == {("", "")}
    code, out, err = unweave("labels", "plan", "-C", project)
    assert (code, out, "may hold labels" in err) == (2, "", True)
    code, out, _ = unweave("labels", "plan", "-C", project, "--budget", "500", "-o", project / "[other].csv")
    assert code == 0
    for words in ("500 rows were asked for", "side: left, right", "[other].csv", "[other].png", "no model is trained"):
        assert words.lower() in out.lower()
    with (project / "filled.csv").open("w", newline="") as file:
        csv.writer(file).writerows([head, *([name, "left", "3.5"] for name, *_ in rows)])
    code, out, _ = unweave("labels", "add", project / "filled.csv", "-C", project)
    assert (code, "side: 12 new labels" in out, "  labels: labels-all.csv" in out) == (0, True, True)
    code, out, _ = unweave("check", "-C", project, "--set", "data.labels=labels-all.csv", "--json")
    assert json.loads(out)["data"]["factors"][0]["known"] == 67 + 12


def test_what_labels_bought(unweave, project):
    code, out, _ = unweave("labels", "curve", "-C", project, "--draws", "3", "--json")
    assert code != 0 or json.loads(out)  # few held-out rows have labels
    lines = (project / "labels.csv").read_text().splitlines()
    rng = np.random.default_rng(0)
    filled = [line if not line.endswith(",,") else f"{line[:-2]},left,{rng.integers(2, 15)}.5" for line in lines]
    (project / "labels.csv").write_text("\n".join(filled) + "\n")
    code, out, _ = unweave("labels", "curve", "-C", project, "--draws", "3", "--json", "-o", project / "c.png")
    found = json.loads(out)
    assert (code, [c["factor"] for c in found["curves"]]) == (0, ["side", "height"])
    assert [p["labels"] for p in found["curves"][0]["random"]][-2:] == [80, 160]
    assert _width(found["chart"]) > 400
    code, out, _ = unweave("labels", "curve", "-C", project, "--factor", "side", "--draws", "2")
    assert code == 0
    assert "side: doubling from 80 to 160 labels bought" in out
    assert "height" not in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("labels", "plan", "--budget", "0"), "Invalid value"),
        (("labels", "plan", "--side", "tset"), "Invalid value"),
        (("labels", "plan", "--factor", "hieght"), "Did you mean 'height'"),
        (("labels", "plan", "--run", "zzz"), "holds no run"),
        (("labels", "curve", "--factor", "nothing"), "no factor is called 'nothing'"),
        (("labels", "add", "gone.csv"), "gone.csv"),
        (("labels", "pla"), "No such command"),
    ],
)
def test_mistakes(unweave, project, arguments, words):
    code, out, err = unweave(*arguments, *(() if arguments[1] == "pla" else ("-C", project)))
    assert code in (2, 3)
    assert (out, words in err) == ("", True)
