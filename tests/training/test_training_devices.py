"""Several devices: each takes its share of the batch, all take the same step."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from small_training import make_trainer, weights
from unweave.training.stopping import Stopper

SCRIPT = Path(__file__).parent / "_two_processes.py"


def test_two_processes_hold_the_same_weights_and_learn_from_both_halves(tmp_path):
    subprocess.run([sys.executable, SCRIPT, tmp_path], check=True, timeout=120, capture_output=True)
    first, second = (np.load(tmp_path / f"weights-{rank}.npy") for rank in range(2))
    assert np.array_equal(first, second)
    trainer, model = make_trainer(tmp_path / "one")
    begin = weights(model.method)
    trainer.run(Stopper())
    alone = weights(model.method)
    # Other noise than one process with the whole batch, but nearly the same gradients: the weights move the same way.
    moved = torch.nn.functional.cosine_similarity(torch.from_numpy(first) - begin, alone - begin, dim=0)
    assert moved > 0.8


def test_shares_of_a_batch_make_it_up():
    source = make_trainer(Path("unused"))[0].source
    whole = source.at(5)
    parts = [source.at(5, rank=rank, of=2) for rank in range(2)]
    assert torch.equal(torch.stack(parts, 1).flatten(0, 1), whole)
