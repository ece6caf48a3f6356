import json
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from unweave.cli.console import print_error
from unweave.core.errors import ConfigError, DataError, StorageError

COMMANDS = {
    "Start": ("demo", "init", "import", "check", "advise", "labels"),
    "Train": ("train",),
    "Measure": ("evaluate", "score", "traverse", "report"),
    "Find and move factors": ("discover", "probe", "edit", "swap", "augment"),
    "Ship": ("export", "promote"),
}
SETTINGS = """
method: {kind: beta_vae, latent: 3}
net: {kind: mlp, hidden: [16]}
training: {steps: 20, batch: 16}
tracking: {uri: "off"}
"""


@pytest.fixture
def digits(tmp_path):
    (tmp_path / "unweave.yaml").write_text(f"name: d\ndata: {{images: 'builtin:digits', size: 8, rows: 300}}{SETTINGS}")
    return tmp_path


@pytest.fixture
def pictures(tmp_path):
    """Forty made images, and labels beside them."""
    folder = tmp_path / "my [images]"
    folder.mkdir()
    lines = ["file,row,side"]
    for i in range(40):
        pixels = np.full((16, 16), 255, np.uint8)
        pixels[i % 5 : i % 5 + 4, i % 8 : i % 8 + 4] = i
        Image.fromarray(pixels).save(folder / f"{i}.png")
        lines.append(f"{i}.png,{i % 5},{'left' if i % 8 < 4 else 'right'}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_help_lists_every_command_in_its_panel(unweave):
    code, out, _ = unweave("--help")
    assert code == 0
    panels = re.split(r"╭─ ([\w ]+?) ─+╮", out)
    found = dict(zip(panels[1::2], panels[2::2], strict=True))
    for panel, commands in COMMANDS.items():
        for command in commands:
            assert re.search(rf"^│ {command}\s+\w", found[panel], re.MULTILINE), (panel, command)


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom unweave.cli.main import main\nsys.argv = ['unweave', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'numpy', 'scipy', 'sklearn', 'pydantic', 'pyarrow', 'mlflow', 'matplotlib', 'PIL'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("HEAVY []\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("trian",), "Did you mean 'train'"),
        (("train", "--sed", "x"), "No such option"),
        (("train", "--seeds", "0"), "Invalid value"),
        (("train", "--max-minutes", "-1"), "Invalid value"),
    ],
)
def test_wrong_usage_exits_with_2(unweave, arguments, words):
    code, out, err = unweave(*arguments)
    assert (code, out) == (2, "")
    assert words in err


@pytest.mark.parametrize("command", ["check", "advise", "train", "evaluate"])
def test_a_folder_without_a_project(unweave, tmp_path, command):
    code, out, err = unweave(command, "-C", tmp_path)
    assert (code, out) == (2, "")
    assert err.startswith("error ")


def test_a_mistake_in_the_file_and_on_the_command_line(unweave, digits):
    code, _, err = unweave("train", "-C", digits, "--set", "method.betta=8")
    assert code == 2
    assert "Did you mean 'beta'?" in err


def test_the_whole_job(unweave, digits):
    code, out, _ = unweave("train", "-C", digits, "--device", "cpu", "--json")
    assert code == 0
    trained = json.loads(out)  # one document and nothing else
    assert trained["status"] == "complete"
    code, out, _ = unweave("evaluate", "-C", digits, "--bootstrap", "0", "--json", "--device", "auto")
    assert code == 0
    assert json.loads(out)["run"] == trained["run"]
    with (digits / "unweave.yaml").open("a") as file:
        file.write("accept: {mig: {at_least: 1}}\n")
    code, out, _ = unweave("evaluate", "-C", digits, "--bootstrap", "0")
    assert code == 1
    assert "gate mig at least 1" in out
    code, out, _ = unweave("report", "-C", digits, "--run", "beta", "--json")
    assert (code, json.loads(out)["report"]) == (0, trained["report"])
    code, out, _ = unweave("traverse", "-C", digits, "-o", digits / "[t].png", "--frames", "3", "--top", "1")
    assert code == 0
    assert "[t].png" in out
    code, _, err = unweave("evaluate", "-C", digits, "--run", "zzz")
    assert (code, "no run begins with 'zzz'" in err) == (2, True)


def test_init_then_check(unweave, pictures):
    code, out, _ = unweave("init", "my [images]", "-C", pictures, "--size", "16", "--json")
    assert code == 0
    made = json.loads(out)["project"]
    assert [(f["name"], f["kind"]) for f in made["factors"]] == [("row", "ordinal"), ("side", "categorical")]
    file = pictures / "unweave.yaml"
    before = file.read_text()
    code, _, err = unweave("init", "my [images]", "-C", pictures)
    assert (code, "is there already" in err) == (2, True)
    assert file.read_text() == before
    code, out, _ = unweave("check", "-C", pictures, "--json")
    assert code == 0
    found = json.loads(out)
    assert sum(found["data"]["rows"].values()) == 40
    assert [f["name"] for f in found["data"]["factors"]] == ["row", "side"]
    assert isinstance(found["data"]["dead_pixels"], float)
    assert {a["state"] for a in found["checklist"]} <= {"yes", "partly", "no"}
    assert len(found["checklist"]) == 7
    code, out, _ = unweave("check", "-C", pictures)
    assert code == 0
    assert "Checklist" in out
    code, out, _ = unweave("init", "my [images]", "-C", pictures, "--force")
    assert (code, "factor row: ordinal (5 classes)" in out) == (0, True)


def test_init_on_vectors(unweave, tmp_path):
    np.save(tmp_path / "v.npy", np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32))
    code, out, _ = unweave("init", "v.npy", "-C", tmp_path, "--json")
    assert code == 0
    made = json.loads(out)["project"]
    assert made["data"] == {"vectors": "v.npy"}
    assert "factors" not in made
    assert "accept" not in made
    assert unweave("check", "-C", tmp_path)[0] == 0


@pytest.mark.parametrize("name", ["gone", "bad.npz", "bad.parquet", "bad.npy"])
def test_init_on_what_cannot_be_read(unweave, tmp_path, name):
    if name != "gone":
        (tmp_path / name).write_bytes(b"PK\x03\x04 nothing of the kind")
    code, _, err = unweave("init", name, "-C", tmp_path)
    assert code == 2
    assert name in err
    assert not (tmp_path / "unweave.yaml").exists()


@pytest.mark.parametrize(
    ("error", "code"),
    [(ConfigError("x"), 2), (DataError("x"), 2), (StorageError("x"), 3), (RuntimeError("x"), 3)],
)
def test_exit_codes(error, code, capsys):
    assert print_error(error) == code
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("text", ["a [1, 2] b", "[red]x[/red]", "[/nothing]", r"C:\[x]", ":warning: y", "a\n  b"])
def test_a_message_is_printed_as_it_is(text, capsys):
    print_error(ConfigError(text))
    assert capsys.readouterr().err == f"error {text}\n"


def test_without_the_extra_the_command_says_what_to_install(digits):
    code = (  # the finder hides torch as if it were not installed; None in sys.modules would be found by other packages
        "import sys\nclass Absent:\n  def find_spec(self, name, path=None, target=None):\n"
        "    if name.partition('.')[0] == 'torch': raise ModuleNotFoundError(f'No module named {name}', name=name)\n"
        "sys.meta_path.insert(0, Absent())\nfrom unweave.cli.main import main\n"
        f"sys.argv = ['unweave', 'train', '-C', {str(digits)!r}]\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error This command needs torch, which is not installed. Run: pip install 'unweave[train]'\n"


def test_another_module_that_is_absent_is_a_fault_of_ours(capsys):
    assert print_error(ModuleNotFoundError("No module named 'torchx'", name="torchx")) == 3
    assert "something broke" in capsys.readouterr().err


def test_what_breaks_leaves_its_details_in_a_file(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    print_error(ZeroDivisionError("by zero"))
    (log,) = tmp_path.glob("unweave-*.log")
    err = capsys.readouterr().err
    assert "something broke: ZeroDivisionError: by zero" in err
    assert str(log) in err
    assert "ZeroDivisionError" in log.read_text()
