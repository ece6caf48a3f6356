"""A small training that every test of the loop can begin, kill and continue."""

import numpy as np
import torch

from unweave.core.seeds import generator
from unweave.methods import BetaVAEConfig
from unweave.methods.model import build_model
from unweave.nets.config import NetConfig
from unweave.nets.transform import Transform
from unweave.objectives.method import Method
from unweave.objectives.objective import Losses
from unweave.training.batches import BatchSource
from unweave.training.config import TrainingConfig
from unweave.training.loop import Trainer
from unweave.training.step import make_fabric
from unweave.training.stopping import Stopper

SHAPE = (16, 16, 1)


class StopAt:
    """Says stop after a number of steps."""

    def __init__(self, steps):
        self.left = steps

    def reason(self):
        self.left -= 1
        return "interrupted" if self.left <= 0 else None


class Watching:
    """A watcher that remembers when it looked; it claims to take `spends` seconds each time."""

    def __init__(self, method=None, spends=0.0):
        self.method, self.spends, self.looks, self.training = method, spends, [], []

    def look(self, progress, *, final):
        self.looks.append((progress.step, final))
        if self.method is not None:
            self.training.append(self.method.training)
        return self.spends


class Silent:
    """A sink that keeps nothing."""

    def values(self, step, values):
        pass

    def picture(self, step, name, image):
        pass

    def note(self, step, text):
        pass

    def rewind(self, step):
        pass

    def flush(self):
        pass


class TwoPlayers(Method):
    """Two numbers; each player's loss holds the other's number too, so that a leak would show."""

    inside, latent = (1,), 1

    def __init__(self):
        super().__init__()
        self.first, self.second = (torch.nn.Linear(1, 1, bias=False) for _ in range(2))
        for net, value in ((self.first, 2.0), (self.second, 3.0)):
            torch.nn.init.constant_(net.weight, value)

    @property
    def players(self):
        return {"first": self.first, "second": self.second}

    def losses(self, batch):
        a, b = (net(batch.x).mean() for net in (self.first, self.second))
        return {"first": Losses(a * b, {"a": a}), "second": Losses(10 * a * b, {"b": b})}

    def encode(self, x):
        raise NotImplementedError

    decode = distortion = encode


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


def run(folder, stopper=None, **options):
    trainer, model = make_trainer(folder, **options)
    return trainer.run(stopper or Stopper()), model, trainer


def weights(method):
    return torch.cat([p.detach().cpu().flatten() for p in method.parameters()])
