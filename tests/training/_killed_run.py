"""A training in its own process, to be killed: FOLDER STEPS writes the final weights to FOLDER/weights.npy."""

import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
from small_training import make_trainer, weights
from unweave.training.stopping import Stopper

if __name__ == "__main__":
    torch.set_num_threads(1)
    folder, steps = Path(sys.argv[1]), int(sys.argv[2])
    trainer, model = make_trainer(folder, steps=steps, checkpoint_every=7)
    print("ready", flush=True)
    with Stopper() as stopper:
        trainer.run(stopper)
    np.save(folder / "weights.npy", weights(model.method).numpy())
