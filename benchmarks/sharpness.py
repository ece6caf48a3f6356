"""What each loss does to sharpness: faces at 64 pixels, reconstructions of people never seen in training.

    python benchmarks/sharpness.py FACES.npz --seconds 40 --picture sharpness.png

FACES.npz holds `images` uint8 (N, H, W) and `factors` with a column `identity`. It is unpacked to a temporary folder and
read as a user's folder would be, split by person. Every row trains the same net with the same CPU time on one thread,
the cost of its loss included, and is asked for E[x|z] at the mean code of each held-out image:

* gradient energy: mean squared difference of neighbouring pixels, of the reconstructions over that of the originals;
  1 is as sharp as the originals, whether or not the edges are where they should be;
* gradient cosine: between the gradients of both, which says whether they are; 1 when they are equal but for contrast;
* squared error of pixels.

Intervals: 95 %, bootstrap over held-out images, for the models as trained. `--encoders` compares encoders for the
feature loss instead.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from unweave.core.seeds import derive, generator
from unweave.data.config import DataConfig, SplitConfig
from unweave.data.dataset import Dataset, load_dataset
from unweave.data.sampling import BatchOrder
from unweave.methods import BetaVAEConfig
from unweave.methods.model import TrainedModel, build_model, save_model
from unweave.methods.perceptual import FeaturesConfig, MSSSIMConfig, SSIMConfig
from unweave.nets.config import NetConfig
from unweave.nets.transform import Transform
from unweave.objectives.method import Batch
from unweave.training.allocator import keep_freed_memory
from unweave.training.step import make_fabric, train_step

SIZE, LATENT, BATCH, RATE, BETA = 64, 16, 16, 1e-3, 1.0
_SHOWN = 10


@dataclass(frozen=True)
class Row:
    """What one model does to held-out images; each number with its interval."""

    name: str
    steps: int
    rate: float
    energy: tuple[float, float, float]
    cosine: tuple[float, float, float]
    error: tuple[float, float, float]
    decoded: NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("--seconds", type=float, default=40, help="CPU seconds of training a row")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", type=Path, help="where to write originals and reconstructions side by side")
    parser.add_argument("--only", nargs="*", help="names of rows")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    with tempfile.TemporaryDirectory(prefix="unweave-sharpness-") as folder:
        root = Path(folder)
        dataset = faces(arguments.faces, root)
        originals = dataset.observations(dataset.splits.test).astype(np.float32) / np.float32(255)
        print(f"{len(dataset.splits.train)} training images, {len(originals)} of other people; ", end="")
        print(f"{arguments.seconds:g} CPU seconds a row, seed {arguments.seed}\n")
        print(
            "| loss | steps | KL, nats | gradient energy | gradient cosine | squared error |\n|:--|--:|--:|--:|--:|--:|"
        )
        rows = []
        for name, config in losses(root, dataset, arguments).items():
            if arguments.only and name not in arguments.only:
                continue
            model, steps = train(config, dataset, root, seconds=arguments.seconds, seed=arguments.seed)
            rows.append(measure(name, model, steps, originals, dataset))
            print(as_markdown(rows[-1]), flush=True)
    if arguments.picture is not None:
        picture(originals, rows, arguments.picture)


def losses(root: Path, dataset: Dataset, arguments: argparse.Namespace) -> Mapping[str, BetaVAEConfig]:
    """The rows of the table. The encoder of the feature loss is trained first, with as much time as any row."""
    base = BetaVAEConfig(latent=LATENT, beta=BETA)
    first, _ = train(base, dataset, root, seconds=arguments.seconds, seed=derive(arguments.seed, "encoder"))
    save_model(first, root / "encoder")
    with_term = lambda section: base.model_copy(update={"perceptual": section})  # noqa: E731
    return {
        "bernoulli": base,
        "bernoulli, beta 0.5": base.model_copy(update={"beta": 0.5}),
        "laplace, learned scale": base.model_copy(update={"likelihood": "laplace"}),
        "gaussian, learned scale": base.model_copy(update={"likelihood": "gaussian"}),
        **{f"bernoulli + {w:g} ssim": with_term(SSIMConfig(weight=w)) for w in (0.1, 1)},
        **{f"bernoulli + {w:g} ms_ssim": with_term(MSSSIMConfig(weight=w)) for w in (0.1, 1)},
        **{f"bernoulli + {w:g} features": with_term(FeaturesConfig(run="encoder", weight=w)) for w in (0.1, 1)},
    }


def faces(npz: Path, root: Path) -> Dataset:
    """The set as a folder of PNG files and a table, at 64 pixels, a fifth of the people held out."""
    content = np.load(npz, allow_pickle=False)
    photos, names = root / "photos", content["factor_names"].tolist()
    photos.mkdir()
    with (root / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", *names])
        for index, (pixels, factors) in enumerate(zip(content["images"], content["factors"], strict=True)):
            Image.fromarray(pixels).save(photos / f"{index:05d}.png")
            table.writerow(
                [f"{index:05d}.png", *(f"{name}{value}" for name, value in zip(names, factors, strict=True))]
            )
    split = SplitConfig(train=0.8, valid=0.0, test=0.2, by="identity")
    return load_dataset(
        DataConfig(images="photos", labels="labels.csv", size=SIZE, split=split), (), root=root, cache=root / "cache"
    )


def train(
    config: BetaVAEConfig, dataset: Dataset, root: Path, *, seconds: float, seed: int
) -> tuple[TrainedModel, int]:
    """A model after so many CPU seconds, and the number of its steps."""
    observations = dataset.store.observations
    model = build_model(config, NetConfig(), Transform(observations.shape[1:]), seed=seed, root=root)
    model.method.to(memory_format=torch.channels_last)
    optimizers = {n: torch.optim.Adam(p.parameters(), lr=RATE, fused=True) for n, p in model.method.players.items()}
    order, fabric, noise = BatchOrder(dataset.splits.train, BATCH, seed), make_fabric("cpu"), torch.Generator()
    began, step = time.process_time(), 0
    while time.process_time() - began < seconds:
        x = model.transform.inside(torch.from_numpy(observations[order.indices(step)]))
        batch = Batch(x, step, len(dataset.splits.train), noise.manual_seed(derive(seed, "noise", step) % 2**32))
        train_step(model.method, optimizers, batch, fabric)
        step += 1
    return model, step


def measure(name: str, model: TrainedModel, steps: int, originals: NDArray[np.float32], dataset: Dataset) -> Row:
    """Energy, cosine and error of the reconstructions of held-out images."""
    codes = model.encode(dataset.observations(dataset.splits.test))
    assert codes.logvar is not None
    rate = 0.5 * (codes.mean**2 + np.exp(codes.logvar) - codes.logvar - 1).sum(1).mean()
    decoded = model.decode(codes.mean)
    wanted, found = gradients(originals), gradients(decoded)
    ours, theirs, both = ((a * b).mean(1) for a, b in ((found, found), (wanted, wanted), (found, wanted)))
    error = ((decoded - originals) ** 2).mean((1, 2, 3))
    return Row(
        name,
        steps,
        float(rate),
        with_interval(lambda i: ours[i].mean() / theirs[i].mean(), len(error)),
        with_interval(lambda i: both[i].mean() / np.sqrt(ours[i].mean() * theirs[i].mean()), len(error)),
        with_interval(lambda i: error[i].mean(), len(error)),
        decoded,
    )


def gradients(images: NDArray[np.float32]) -> NDArray[np.float64]:
    """Differences of neighbouring pixels in both directions, (N, all of them)."""
    wide = images.astype(np.float64)
    return np.concatenate([np.diff(wide, axis=axis).reshape(len(wide), -1) for axis in (1, 2)], 1)


def with_interval(value: Callable[[NDArray[np.int64]], float], rows: int) -> tuple[float, float, float]:
    """A value over all rows, and the 2.5 % and 97.5 % quantiles over resampled rows."""
    draws = generator(0, "sharpness").integers(0, rows, (1000, rows))
    low, high = np.quantile([value(draw) for draw in draws], (0.025, 0.975))
    return float(value(np.arange(rows))), float(low), float(high)


def as_markdown(row: Row) -> str:
    shown = (
        f"{v:.{d}f} ({a:.{d}f} to {b:.{d}f})" for (v, a, b), d in ((row.energy, 2), (row.cosine, 2), (row.error, 4))
    )
    return f"| {row.name} | {row.steps} | {row.rate:.1f} | {' | '.join(shown)} |"


def picture(originals: NDArray[np.float32], rows: list[Row], path: Path) -> None:
    """Originals in the first line, then the reconstructions of every row, as bright as the brightest original."""
    chosen = np.linspace(0, len(originals) - 1, _SHOWN).astype(int)
    lines = [np.concatenate([images[i] for i in chosen], 1) for images in (originals, *(r.decoded for r in rows))]
    pixels = np.concatenate(lines) / originals.max()
    Image.fromarray((pixels.clip(0, 1) * 255).astype(np.uint8).squeeze(-1)).resize(
        (2 * pixels.shape[1], 2 * pixels.shape[0])
    ).save(path)


if __name__ == "__main__":
    main()
