"""Nothing is lost: a training that is killed at any moment ends with the weights of one that was not."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from unweave.core.seeds import generator
from unweave.training.checkpoint import latest_checkpoint

SCRIPT = Path(__file__).parent / "_killed_run.py"
STEPS = 400


def begin(folder):
    process = subprocess.Popen([sys.executable, SCRIPT, folder, str(STEPS)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def finish(folder):
    return finished(begin(folder), folder)


def finished(process, folder):
    assert process.wait(timeout=120) == 0
    process.stdout.close()
    return np.load(folder / "weights.npy")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    process, begun = begin(folder), time.monotonic()
    return finished(process, folder), time.monotonic() - begun


def test_two_trainings_with_one_seed_are_equal(uninterrupted, tmp_path):
    assert np.array_equal(uninterrupted[0], finish(tmp_path))


def reached(folder):
    """Step of the newest checkpoint, 0 before the first."""
    newest = latest_checkpoint(folder)
    return 0 if newest is None else int(newest.stem.removeprefix("step-"))


def test_killed_at_random_steps_it_ends_with_the_same_weights(uninterrupted, tmp_path):
    rng = generator(0, "kill")
    for target in (60, 150, 240):
        process = begin(tmp_path)
        while reached(tmp_path) < target + int(rng.integers(60)) and process.poll() is None:
            time.sleep(0.001)
        time.sleep(float(rng.uniform(0, 0.01)))  # not right after a checkpoint
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert 0 < reached(tmp_path) < STEPS, "the kill did not fall inside the training"
    assert np.array_equal(uninterrupted[0], finish(tmp_path))
    assert not list(tmp_path.glob(".*")), "a half-written file stayed"


def test_ctrl_c_ends_with_a_checkpoint_and_continues(uninterrupted, tmp_path):
    process = begin(tmp_path)
    time.sleep(0.2 * uninterrupted[1])
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    process.stdout.close()
    assert np.array_equal(uninterrupted[0], finish(tmp_path))
