"""Trainings on two CPU processes: FOLDER; each process writes its final weights, and how the others ended."""

import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
from small_training import StopAt, Watching, make_trainer, weights
from unweave.training.sinks import History
from unweave.training.step import _average, make_fabric
from unweave.training.stopping import Stopper

if __name__ == "__main__":
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    fabric = make_fabric("cpu", devices=2)
    fabric.launch()
    rank = fabric.global_rank

    history, watching = History(folder / f"history-{rank}"), Watching()
    trainer, model = make_trainer(folder / "checkpoints", fabric=fabric, sinks=[history], watcher=watching)
    time.sleep(rank)  # the second process comes when the first has written its checkpoint
    trainer.run(Stopper())
    np.save(folder / f"weights-{rank}.npy", weights(model.method).numpy())

    trainer, model = make_trainer(folder / "stopped", fabric=fabric)
    stopped = trainer.run(StopAt(2) if rank == 1 else Stopper())

    trainer, model = make_trainer(folder / "broken", fabric=fabric)
    keep = trainer._keep

    def spoil(losses):
        if trainer.progress.step == 20 and trainer.progress.rate == 1:
            losses["vae"].parts["kl"].data.fill_(math.nan)
        keep(losses)

    if rank == 1:
        trainer._keep = spoil
    mended = trainer.run(Stopper())
    parameter = torch.nn.Parameter(torch.zeros(3))
    parameter.grad = torch.tensor([1.0, 2.0, 3.0]) * rank
    _average([parameter], fabric)
    ended = {
        "stopped": (stopped.status, stopped.progress.step),
        "mended": (mended.status, mended.progress.rate),
        "finite": bool(weights(model.method).isfinite().all()),
        "averaged": parameter.grad.tolist(),
    }
    (folder / f"told-{rank}.json").write_text(json.dumps([len(history.series()), watching.looks]))
    (folder / f"ended-{rank}.json").write_text(json.dumps(ended))
    fabric.barrier()
