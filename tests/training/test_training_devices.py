"""Several devices: each takes its share of the batch, all take the same step."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from small_training import make_trainer, weights
from unweave.training.stopping import Stopper

SCRIPT = Path(__file__).parent / "_two_processes.py"


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    subprocess.run([sys.executable, SCRIPT, folder], check=True, timeout=120, capture_output=True)
    return folder


def test_two_processes_hold_the_same_weights_and_learn_from_both_halves(two_processes, tmp_path):
    first, second = (np.load(two_processes / f"weights-{rank}.npy") for rank in range(2))
    assert np.array_equal(first, second)
    trainer, model = make_trainer(tmp_path / "one")
    begin = weights(model.method)
    trainer.run(Stopper())
    alone = weights(model.method)
    # Other noise than one process with the whole batch, but nearly the same gradients: the weights move the same way.
    moved = torch.nn.functional.cosine_similarity(torch.from_numpy(first) - begin, alone - begin, dim=0)
    assert moved > 0.8


def test_what_happens_to_one_process_happens_to_all(two_processes):
    first, second = (json.loads((two_processes / f"ended-{rank}.json").read_text()) for rank in range(2))
    assert first == second
    # Processes speak with each other at every tenth step here; one is asked the second time.
    assert first == {
        "stopped": ["interrupted", 20],
        "mended": ["complete", 0.3],
        "finite": True,
        "averaged": [0.5, 1.0, 1.5],
    }


def test_only_the_first_process_looks_and_speaks(two_processes):
    first, second = (json.loads((two_processes / f"told-{rank}.json").read_text()) for rank in range(2))
    assert first[0] > 0
    assert [step for step, _ in first[1]] == [10, 20, 30]
    assert second == [0, []]


def test_shares_of_a_batch_make_it_up():
    source = make_trainer(Path("unused"))[0].source
    whole = source.batch(5).x
    parts = [source.batch(5, rank=rank, of=2).x for rank in range(2)]
    assert torch.equal(torch.stack(parts, 1).flatten(0, 1), whole)
