"""Every command on the pages about serving runs, as it stands there, in one project."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest
import yaml

from serving_here import png
from small_bundle import SETTINGS
from unweave.data.builtin.registry import builtin_set
from unweave.serving.settings import Settings
from unweave.stores.records import EditRecord, Naturalness
from unweave.stores.store import open_store

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def fences(page, language):
    return [found[2] for found in FENCE.finditer((ROOT / page).read_text(encoding="utf-8")) if found[1] == language]


def commands(page):
    """Lines of all shell blocks, without their comments."""
    lines = [line.split("  #")[0].strip() for block in fences(page, "sh") for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


class Shell:
    """Runs commands of a page in a project; words that stand for something of the reader's are put in."""

    def __init__(self, folder):
        self.folder, self.words, self.ran = folder, {}, set()
        self.environment = {
            **os.environ,
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
            "OMP_NUM_THREADS": "1",
        }
        self.server = None

    def meant(self, line):
        for word, value in self.words.items():
            line = re.sub(rf"(?<![\w.]){word}(?!\w)", value, line)
        return line

    def run(self, line, **variables):
        """What a command prints; a server goes on in the background."""
        if line.startswith("pip install"):
            return check_extras(line)
        self.ran.add(line)
        line = self.meant(line)
        if line.startswith("unweave serve"):
            return self.serve(line)
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env=self.environment | variables,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def serve(self, line):
        self.stop()
        line = re.sub(r" --port \d+", "", line)
        log = self.folder / "server.log"
        with log.open("w") as said:
            self.server = subprocess.Popen(
                ["bash", "-c", f"exec {line} --port 0"], cwd=self.folder, env=self.environment, stderr=said
            )
        while not (found := re.search(r'"listening".*"port": (\d+)', log.read_text())):
            assert self.server.poll() is None, f"{line}\n{log.read_text()}"
            time.sleep(0.1)
        self.words["localhost:8000"] = f"127.0.0.1:{found[1]}"
        return log.read_text()

    def stop(self):
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            assert self.server.wait(120) in (0, -signal.SIGTERM, 128 + signal.SIGTERM)
            self.server = None


def check_extras(line):
    """An environment of its own is set up by the build; here, whether the extras exist."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = re.search(r"\[(.+)\]", line)[1].split(",")
    assert set(named) <= set(extras), line
    return ""


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """A shell in a trained project that has gates."""
    folder = tmp_path_factory.mktemp("project")
    settings = {**SETTINGS, "name": "sprites", "tracking": {"uri": f"sqlite:///{folder}/mlflow.db"}}
    settings["training"] = {**SETTINGS["training"], "steps": 60}
    (card,) = [block for block in fences("docs/serving.md", "yaml") if block.startswith("card:")]
    (folder / "unweave.yaml").write_text(yaml.safe_dump(settings | yaml.safe_load(card)))
    shell = Shell(folder)
    shell.run("unweave train")
    (folder / "photo.png").write_bytes(png(builtin_set("sprites", size=32).render(np.array([[0, 3, 5, 9, 9]]))[0]))
    yield shell
    shell.stop()


def settings_of_the_page(shell):
    """The page's own list of all settings, for the project's bundle; the rest as the page says."""
    (every,) = [block for block in fences("docs/serving.md", "yaml") if block.startswith("models:")]
    shell.run(f"cp -r {shell.bundle} bundles/faces && cp -r {shell.bundle} bundles/cars")
    (shell.folder / "serve.yaml").write_text(every)
    assert Settings.model_validate(yaml.safe_load(every)) == Settings(models={"faces": "bundles/faces"})


def rate(database, study, tenants):
    """Ratings, as the studio's rating mode leaves them."""
    store = open_store(f"sqlite:///{database}")
    for tenant in tenants:
        edits = [EditRecord(tenant, "sprites", "0" * 12, [{"factor": "x", "by": 1.0}], ()) for _ in range(3)]
        store.edits.log(edits)
        for number, edit in enumerate(edits):
            store.ratings.add(
                tenant, Naturalness(study=study, edit=edit.id, score=number + 2, rater=f"rater {number % 2}")
            )
    store.close()


def test_the_way_from_a_run_to_a_product(shell):
    asked = commands("docs/serving.md")
    for line in asked[: asked.index("unweave promote") + 1]:
        shell.run(line)
    (shell.bundle,) = (f"bundles/{folder.name}" for folder in (shell.folder / "bundles").iterdir())
    shell.words |= {"bundles/NAME": shell.bundle, "models:/NAME": "models:/sprites", "smile": "x", "NAME": "look"}
    settings_of_the_page(shell)
    rate(shell.folder / "store.db", "look", tenants=("default", "acme"))
    served = 0
    for line in asked[asked.index("unweave promote") + 1 :]:
        if line.startswith("curl"):
            shell.run(f"unweave serve {shell.bundle}")
        # In a store of their own: a server on one that has keys would ask the commands after it for one.
        own = {"UNWEAVE_STORE": "sqlite:///keys.db"} if line.startswith("unweave keys") else {}
        printed = shell.run(line, **own)
        if line.startswith("unweave keys add"):
            shell.words["KEY"] = json.loads(shell.run("unweave keys list --json", **own))["keys"][-1]["key_id"]
            assert "uw_" in printed
        elif line.startswith("unweave serve"):
            served += 1
    shell.stop()
    assert served == 4
    assert (shell.folder / "edited.png").read_bytes()[:4] == b"\x89PNG"
    assert "revoked" in shell.run("unweave keys list --store sqlite:///keys.db")


def test_the_studio_and_its_file(shell):
    for line in commands("docs/studio.md"):
        if line not in shell.ran:  # to probe takes a while, and both pages begin with it
            shell.run(line)
    shell.stop()
    assert "<html" in (shell.folder / "explorer.html").read_text()[:2000]


def test_swapping_folders_and_copying_the_store(shell):
    """Commands within sentences."""
    page = (ROOT / "docs/serving.md").read_text(encoding="utf-8")
    swap, backup = "ln -s NEW next && mv -T next current", 'sqlite3 store.db ".backup copy.db"'
    assert swap in page
    assert backup in page
    for folder in ("a", "b"):
        shell.words["NEW"] = folder
        shell.run(f"mkdir {folder}")
        shell.run(swap)
        assert (shell.folder / "current").resolve().name == folder
    if not shutil.which("sqlite3") and not os.environ.get("CI"):
        pytest.skip("sqlite3 is not installed")
    shell.run(backup)
    assert "sprites" in shell.run("unweave study look --store sqlite:///copy.db")
