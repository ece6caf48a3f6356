"""One contestant of throughput.py: NAME BATCH DEVICE THREADS; reads numbers of steps, answers with seconds."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

ROWS, SIDE, LATENT, BETA, RATE = 20_000, 64, 10, 4.0, 5e-4


def data() -> np.ndarray:
    """The same uint8 pictures for all: white squares and discs on black; made here, as peers have no sprites."""
    rng = np.random.default_rng(0)
    pictures = np.zeros((ROWS, SIDE, SIDE, 1), np.uint8)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    for picture, (x, y, r, round_) in zip(
        pictures, rng.integers((12, 12, 5, 0), (52, 52, 12, 2), (ROWS, 4)), strict=True
    ):
        near = (
            (rows - y) ** 2 + (columns - x) ** 2 <= r * r
            if round_
            else np.maximum(abs(rows - y), abs(columns - x)) <= r
        )
        picture[near] = 255
    return pictures


class Rounds:
    """Called after every step; answers and waits when the round's steps are done."""

    def __init__(self, device: str) -> None:
        self.device, self.left, self.began = device, 0, 0.0
        print("ready", flush=True)
        self.wait()

    def wait(self) -> None:
        self.left = int(sys.stdin.readline() or sys.exit())
        self.began = time.perf_counter()

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            if self.device.startswith("cuda"):
                torch.cuda.synchronize()
            print("seconds", time.perf_counter() - self.began, flush=True)
            self.wait()


def published_encoder(outputs: int) -> nn.Module:
    layers: list[nn.Module] = []
    for before, after in ((1, 32), (32, 32), (32, 64), (64, 64)):
        layers += [nn.Conv2d(before, after, 4, 2, 1), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(1024, 256), nn.ReLU(), nn.Linear(256, outputs))


def published_decoder() -> nn.Module:
    layers: list[nn.Module] = [
        nn.Linear(LATENT, 256),
        nn.ReLU(),
        nn.Linear(256, 1024),
        nn.ReLU(),
        nn.Unflatten(1, (64, 4, 4)),
    ]
    for before, after in ((64, 64), (64, 32), (32, 32), (32, 1)):
        layers += [nn.ConvTranspose2d(before, after, 4, 2, 1), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def run_unweave(batch: int, device: str) -> None:
    """With everything on: progress bar, MLflow, history, monitor, checkpoints."""
    from unweave.cli.watching import TrainingProgress
    from unweave.core.factors import Factor, FactorTable
    from unweave.methods import BetaVAEConfig
    from unweave.methods.model import build_model
    from unweave.nets.config import NetConfig
    from unweave.nets.transform import Transform
    from unweave.projects.config import Project
    from unweave.projects.runs import Run
    from unweave.projects.tracking import MlflowSink, open_experiment
    from unweave.training.batches import BatchSource
    from unweave.training.config import TrainingConfig
    from unweave.training.loop import Trainer
    from unweave.training.monitor import Monitor
    from unweave.training.sinks import History
    from unweave.training.step import make_fabric

    folder = Path(tempfile.mkdtemp(dir=os.environ.get("UNWEAVE_BENCHMARK_FOLDER")))
    config = TrainingConfig(steps=10**9, batch=batch, learning_rate=RATE)
    fabric = make_fabric(device)
    pictures = data()
    model = build_model(
        BetaVAEConfig(beta=BETA, latent=LATENT), NetConfig(kind="conv"), Transform((SIDE, SIDE, 1)), seed=0
    )
    model.method.to(fabric.device)
    rows = np.arange(ROWS)
    source = BatchSource(pictures, rows, model.transform, batch=batch, seed=0, device=fabric.device)
    run = Run(folder / "run")
    project = Project.model_validate({"name": "benchmark", "data": {"images": "builtin:sprites"}})
    opened = open_experiment(project, folder)
    assert opened is not None
    with TrainingProgress(10**9) as bar:
        sinks: list[Any] = [History(run.folder), MlflowSink(*opened, run, {}, {}), bar]
        labels = FactorTable(
            (Factor(name="row", kind="continuous"),), rows[:1000, None].astype(float), np.ones((1000, 1), bool)
        )
        monitor = Monitor(model, pictures[:1000], labels, sinks, seed=0)
        trainer = Trainer(model.method, source, config, run.checkpoints, fabric, sinks=sinks, watcher=monitor)
        trainer.run(Reasonless(Rounds(device)))


class Reasonless:
    """A stopper that never stops, and counts the steps."""

    def __init__(self, rounds: Rounds) -> None:
        self.rounds = rounds

    def reason(self) -> None:
        self.rounds.step()


def run_plain(batch: int, device: str) -> None:
    """The loop that anyone would write."""
    pictures = torch.from_numpy(data()).permute(0, 3, 1, 2).contiguous()
    encoder, decoder = published_encoder(2 * LATENT).to(device), published_decoder().to(device)
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=RATE)
    rounds = Rounds(device)
    while True:
        x = pictures[torch.randint(ROWS, (batch,))].to(device).float() / 255
        mean, logvar = encoder(x).chunk(2, 1)
        logits = decoder(mean + torch.randn_like(mean) * (0.5 * logvar).exp())
        recon = nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum") / batch
        loss = recon + BETA * 0.5 * (mean**2 + logvar.exp() - logvar - 1).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rounds.step()


def run_disent(batch: int, device: str) -> None:
    """disent's BetaVae under Lightning's Trainer, as its README shows; bar, logger and checkpoints off."""
    from unittest.mock import MagicMock

    import lightning as L

    for name in ("", ".models", ".datasets", ".transforms", ".transforms.functional"):
        sys.modules.setdefault(f"torchvision{name}", MagicMock())  # imported by disent, not used by BetaVae
    from disent.frameworks.vae import BetaVae
    from disent.model import AutoEncoder
    from disent.model.ae import DecoderConv64, EncoderConv64

    pictures = torch.from_numpy(data()).permute(0, 3, 1, 2).contiguous()

    class Pictures(torch.utils.data.Dataset[Any]):
        def __len__(self) -> int:
            return ROWS

        def __getitem__(self, i: int) -> dict[str, Any]:
            return {"x_targ": (pictures[i].float() / 255,)}

    class Count(L.Callback):
        rounds: Rounds | None = None

        def on_train_batch_end(self, *arguments: Any) -> None:  # noqa: ANN401
            if self.rounds is None:
                self.rounds = Rounds(device)
            else:
                self.rounds.step()

    shape = (1, SIDE, SIDE)
    nets = AutoEncoder(
        EncoderConv64(x_shape=shape, z_size=LATENT, z_multiplier=2), DecoderConv64(x_shape=shape, z_size=LATENT)
    )
    settings = BetaVae.cfg(
        optimizer="adam", optimizer_kwargs={"lr": RATE}, recon_loss="bce", loss_reduction="mean_sum", beta=BETA
    )
    loader = torch.utils.data.DataLoader(Pictures(), batch, shuffle=True, drop_last=True)
    trainer = L.Trainer(
        accelerator="cuda" if device.startswith("cuda") else "cpu", devices=1, max_steps=10**9, logger=False,
        enable_progress_bar=False, enable_checkpointing=False, enable_model_summary=False, callbacks=[Count()],
    )  # fmt: skip
    trainer.fit(BetaVae(model=nets, cfg=settings), loader)


def run_pythae(batch: int, device: str) -> None:
    """pythae's BetaVAE under its own trainer."""
    from pythae.data.datasets import BaseDataset
    from pythae.models import BetaVAE, BetaVAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            BaseEncoder.__init__(self)
            self.net = published_encoder(2 * LATENT)

        def forward(self, x: torch.Tensor) -> Any:  # noqa: ANN401
            mean, logvar = self.net(x).chunk(2, 1)
            return ModelOutput(embedding=mean, log_covariance=logvar)

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            BaseDecoder.__init__(self)
            self.net = published_decoder()

        def forward(self, z: torch.Tensor) -> Any:  # noqa: ANN401
            return ModelOutput(reconstruction=self.net(z).sigmoid())

    class Count(TrainingCallback):
        rounds: Rounds | None = None

        def on_train_step_end(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401
            if self.rounds is None:
                self.rounds = Rounds(device)
            else:
                self.rounds.step()

    settings = BetaVAEConfig(input_dim=(1, SIDE, SIDE), latent_dim=LATENT, beta=BETA, reconstruction_loss="bce")
    model = BetaVAE(settings, encoder=Encoder(), decoder=Decoder())
    pictures = torch.from_numpy(data()).permute(0, 3, 1, 2).float() / 255
    training = BaseTrainerConfig(
        output_dir=tempfile.mkdtemp(), per_device_train_batch_size=batch, learning_rate=RATE, num_epochs=10**6,
        no_cuda=not device.startswith("cuda"),
    )  # fmt: skip
    trainer = BaseTrainer(
        model, BaseDataset(pictures, torch.zeros(ROWS)), training_config=training, callbacks=[Count()]
    )
    trainer.prepare_training()
    while True:
        trainer.train_step(1)


def measure_overhead() -> None:
    """Microseconds per step of a tiny net: the loop with everything on against a plain loop, in turn."""
    torch.set_num_threads(1)
    from unweave.cli.watching import TrainingProgress
    from unweave.methods import BetaVAEConfig
    from unweave.methods.model import build_model
    from unweave.nets.config import NetConfig
    from unweave.nets.transform import Transform
    from unweave.objectives.method import Batch
    from unweave.projects.config import Project
    from unweave.projects.runs import Run
    from unweave.projects.tracking import MlflowSink, open_experiment
    from unweave.training.batches import BatchSource
    from unweave.training.config import TrainingConfig
    from unweave.training.loop import Trainer
    from unweave.training.sinks import History
    from unweave.training.step import make_fabric

    pictures = data()[:1000, ::4, ::4]
    folder = Path(tempfile.mkdtemp())
    steps, times = 2000, {"loop": [], "plain": []}  # type: dict[str, list[float]]

    def model() -> Any:  # noqa: ANN401
        return build_model(BetaVAEConfig(latent=4), NetConfig(kind="mlp", hidden=(8,)), Transform((16, 16, 1)), seed=0)

    project = Project.model_validate({"name": "overhead", "data": {"images": "builtin:sprites"}})
    opened = open_experiment(project, folder)
    for repeat in range(5):
        made, run = model(), Run(folder / f"run{repeat}")
        source = BatchSource(pictures, np.arange(1000), made.transform, batch=8, seed=0, device=torch.device("cpu"))
        with TrainingProgress(steps) as bar:
            sinks = [History(run.folder), MlflowSink(*opened, run, {}, {}), bar]  # type: ignore[misc]
            trainer = Trainer(
                made.method,
                source,
                TrainingConfig(steps=steps, batch=8),
                run.checkpoints,
                make_fabric("cpu"),
                sinks=sinks,
            )
            began = time.perf_counter()
            trainer.run(Never())
            times["loop"].append((time.perf_counter() - began) / steps * 1e6)
        made = model()
        optimizer = torch.optim.Adam(made.method.parameters(), fused=True)
        rng, began = np.random.default_rng(0), time.perf_counter()
        for step in range(steps):
            x = made.transform.inside(torch.from_numpy(pictures[rng.integers(0, 1000, 8)]))
            loss = made.method.losses(Batch(x, step, 1000))["vae"].total
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        times["plain"].append((time.perf_counter() - began) / steps * 1e6)
    median = {name: float(np.median(values)) for name, values in times.items()}
    print(json.dumps({**median, "added": float(np.median(np.subtract(times["loop"], times["plain"])))}))


class Never:
    """A stopper that never stops."""

    def reason(self) -> None:
        return None


RUNNERS: dict[str, Callable[[int, str], None]] = {
    "unweave": run_unweave, "plain": run_plain, "disent": run_disent, "pythae": run_pythae,
}  # fmt: skip

if __name__ == "__main__":
    if sys.argv[1] == "overhead":
        measure_overhead()
    else:
        name, batch, device, threads = sys.argv[1:]
        torch.set_num_threads(int(threads))
        RUNNERS[name](int(batch), device)
