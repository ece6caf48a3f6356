"""Scores gathered by two processes: FOLDER; each process sees half of the rows and writes what it computes."""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from unweave.training.validation_metric import ValidationScores


def run(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    rows = np.load(Path(folder, "rows.npz"))
    # Shares of different length, in batches of different length.
    share = slice(0, 130) if rank == 0 else slice(130, 300)
    codes, factors = (torch.from_numpy(rows[name][share]) for name in ("codes", "factors"))
    metric = ValidationScores(metrics=["mig", "probe"])
    for part, labels in zip(codes.split(50), factors.split(50), strict=True):
        metric.update(part, labels)
    values = {name: float(value) for name, value in metric.compute().items()}
    after = len(metric.codes)
    Path(folder, f"found-{rank}.json").write_text(json.dumps([values, after]))
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.spawn(run, (sys.argv[1],), nprocs=2)
