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


def test_killed_at_random_moments_it_ends_with_the_same_weights(uninterrupted, tmp_path):
    whole, seconds = uninterrupted
    rng = generator(0, "kill")
    killed_at = []
    for _ in range(3):
        process = begin(tmp_path)
        time.sleep(float(rng.uniform(0.1, 0.5)) * seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        newest = latest_checkpoint(tmp_path)
        killed_at.append(0 if newest is None else int(newest.stem.removeprefix("step-")))
        if killed_at[-1] == STEPS:
            break
    assert any(0 < step < STEPS for step in killed_at), f"no kill fell inside the training: {killed_at}"
    assert np.array_equal(whole, finish(tmp_path))
    assert not list(tmp_path.glob(".*")), "a half-written file stayed"


def test_ctrl_c_ends_with_a_checkpoint_and_continues(uninterrupted, tmp_path):
    process = begin(tmp_path)
    time.sleep(0.2 * uninterrupted[1])
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    process.stdout.close()
    assert np.array_equal(uninterrupted[0], finish(tmp_path))
