import os
import subprocess
import sys

import pytest

from unweave.core.errors import ConfigError, StorageError
from unweave.projects.config import Project
from unweave.projects.runs import RUNS, Run, find_run, fingerprint, run_for

DATA = {"name": "a", "data": {"images": "x"}}
_HASH = "0" * 32


def _project(**settings):
    return Project.model_validate({**DATA, **settings})


def _run(root, name, *, seconds):
    run = Run(root / RUNS / name)
    run.write("asked", {"project": DATA})
    os.utime(run.folder / "asked.json", (seconds, seconds))
    return run


@pytest.mark.parametrize(
    "settings",
    [
        {"method": {"kind": "beta_vae", "beta": 5.0}},
        {"method": {"kind": "beta_vae", "latent": 11}},
        {"net": {"kind": "mlp"}},
        {"training": {"steps": 7}},
        {"training": {"batch": 7}},
        {"training": {"learning_rate": 1.0}},
        {"training": {"schedule": "cosine"}},
        {"training": {"precision": "bf16-mixed"}},
        {"training": {"gradient_norm": 5.0}},
        {"training": {"fast": False}},
        {"training": {"seed": 1}},
    ],
)
def test_what_decides_the_weights_changes_the_fingerprint(settings):
    assert fingerprint(_project(**settings), _HASH) != fingerprint(_project(), _HASH)


def test_other_data_change_the_fingerprint():
    assert fingerprint(_project(), "1" * 32) != fingerprint(_project(), _HASH)


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "b"},
        {"notes": "why"},
        {"accept": {"mig": {"at_least": 0.1}}},
        {"sweep": {"share": 0.3}},
        {"monitoring": {"reference_rows": 5}},
        {"tracking": {"uri": "off"}},
        {"training": {"monitor_every": 5, "checkpoint_every": 5}},
        {"method": {"kind": "beta_vae", "beta": 4}},  # the default, written down
    ],
)
def test_nothing_else_does(settings):
    assert fingerprint(_project(**settings), _HASH) == fingerprint(_project(), _HASH)


def test_descriptions_and_ranks_of_factors_begin_no_new_run(tmp_path):
    from unweave.projects.data import load_data

    data = {"images": "builtin:digits", "rows": 30}
    factor = {"name": "digit", "kind": "categorical", "values": [str(d) for d in range(10)]}
    told = {**factor, "description": "which digit", "priority": 1}
    hashes = {load_data(_project(data=data, factors=[f]), tmp_path).data_hash for f in (factor, told)}
    assert len(hashes) == 1


def test_the_same_settings_find_the_same_folder(tmp_path):
    project = _project(training={"seed": 3})
    run = run_for(tmp_path, project, _HASH)
    assert run == run_for(tmp_path, project, _HASH)
    assert run.name == f"beta_vae-s3-{fingerprint(project, _HASH)}"
    assert run.folder.parent == tmp_path / RUNS
    assert not run.folder.exists()


def test_the_run_trained_last_is_found(tmp_path):
    old = _run(tmp_path, "a-1", seconds=1000)
    new = _run(tmp_path, "b-1", seconds=2000)
    (tmp_path / RUNS / "no-run").mkdir()
    assert find_run(tmp_path) == new
    # The older one is continued.
    old.write("status", {"step": 1})
    os.utime(old.folder / "status.json", (3000, 3000))
    assert find_run(tmp_path) == old
    # The other is being continued.
    with new.locked():
        assert find_run(tmp_path) == new


def test_a_run_is_found_by_name_or_by_how_it_begins(tmp_path):
    first, second, longer = (_run(tmp_path, name, seconds=1000) for name in ("a-1", "b-1", "b-12"))
    assert find_run(tmp_path, "a") == first
    assert find_run(tmp_path, "b-1") == second
    assert find_run(tmp_path, "b-12") == longer
    with pytest.raises(ConfigError, match=r"more than one run begins with 'b'.*a-1.*b-12"):
        find_run(tmp_path, "b")
    with pytest.raises(ConfigError, match=r"no run begins with 'c'. The runs are: a-1"):
        find_run(tmp_path, "c")


def test_no_run_at_all(tmp_path):
    with pytest.raises(ConfigError, match=r"holds no run\. Train one"):
        find_run(tmp_path)


_HOLD = """
import sys
from pathlib import Path
from unweave.projects.runs import Run
with Run(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_run_that_another_process_trains_is_refused(tmp_path):
    run = Run(tmp_path / RUNS / "a")
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(run.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(StorageError, match="is being trained by another process"), run.locked():
            pass
        # The lock dies with its process, however that ends.
        other.kill()
        other.wait()
        with run.locked():
            pass


def test_a_damaged_file_is_named(tmp_path):
    run = _run(tmp_path, "a", seconds=1000)
    (run.folder / "scorecard.json").write_text('{"scores": ')
    with pytest.raises(StorageError, match=r"scorecard\.json is damaged: .*Delete it"):
        run.scorecard()
    assert run.read("status") is None


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(StorageError, match=r"asked\.json is absent"):
        Run(tmp_path).project()


def test_settings_of_another_version_are_explained(tmp_path):
    run = _run(tmp_path, "a", seconds=1000)
    assert run.project() == _project()
    run.write("asked", {"project": {**DATA, "gone": 1}})
    with pytest.raises(ConfigError, match=r"asked\.json has one mistake:\n  gone: this key is unknown"):
        run.project()
