"""A small training that every test of the loop can begin, kill and continue."""

import numpy as np
import torch

from unweave.core.seeds import generator
from unweave.methods import BetaVAEConfig
from unweave.methods.model import build_model
from unweave.nets.config import NetConfig
from unweave.nets.transform import Transform
from unweave.training.batches import BatchSource
from unweave.training.config import TrainingConfig
from unweave.training.loop import Trainer
from unweave.training.step import make_fabric

SHAPE = (16, 16, 1)


def images(rows=200):
    """Dark squares at random places on white."""
    rng = generator(0, "test images")
    made = np.full((rows, *SHAPE), 255, dtype=np.uint8)
    for image, (i, j) in zip(made, rng.integers(0, 12, (rows, 2)), strict=True):
        image[i : i + 4, j : j + 4] = 0
    return made


def make_trainer(folder, *, device="cpu", sinks=(), watcher=None, kind="conv", method=None, fabric=None, **settings):
    defaults = {"steps": 30, "batch": 16, "checkpoint_every": 10, "monitor_every": 10, "seed": 0}
    config = TrainingConfig(**(defaults | settings))
    fabric = fabric or make_fabric(device)
    model = build_model(
        method or BetaVAEConfig(latent=3),
        NetConfig(kind=kind, width=4, hidden=(16,)),
        Transform(SHAPE),
        seed=config.seed,
    )
    model.method.to(fabric.device)
    data = images()
    source = BatchSource(
        data, np.arange(len(data)), model.transform, batch=config.batch, seed=config.seed, device=fabric.device
    )
    return Trainer(model.method, source, config, folder, fabric, sinks=sinks, watcher=watcher), model


def weights(method):
    return torch.cat([p.detach().cpu().flatten() for p in method.parameters()])
