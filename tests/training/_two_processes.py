"""A training on two CPU processes: FOLDER; each process writes its final weights."""

import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
from small_training import make_trainer, weights
from unweave.training.step import make_fabric
from unweave.training.stopping import Stopper

if __name__ == "__main__":
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    fabric = make_fabric("cpu", devices=2)
    fabric.launch()
    trainer, model = make_trainer(folder / "checkpoints", fabric=fabric)
    with Stopper() as stopper:
        trainer.run(stopper)
    np.save(folder / f"weights-{fabric.global_rank}.npy", weights(model.method).numpy())
    fabric.barrier()
