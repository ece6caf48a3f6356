"""What each loss does to sharpness: faces at 64 pixels, reconstructions of people never seen in training.

    python benchmarks/sharpness.py FACES.npz --seconds 200 --picture sharpness.png

FACES.npz holds `images` uint8 (N, H, W), `factors` (N, K) and `factor_names`, one of them `identity`. It is unpacked to
a temporary folder and read as a user's folder would be, split by person: 65 % to train, 15 % to choose by
(`sharpness_encoders.py`), 20 % for this table. Every row trains the same net for the same CPU time on one thread, the
cost of its loss included, and is asked for E[x|z] at the mean code of each held-out image:

* gradient energy: mean squared difference of neighbouring pixels, of the reconstructions over that of the originals;
  1 is as sharp as the originals, whether or not the edges are where they should be;
* gradient cosine: between the gradients of both, which says whether they are: 1 when they are equal but for contrast;
* squared error of pixels.

The encoder of the feature loss is a VAE that is trained first, for as long as any row and on top of its row's own time.
Intervals: 95 %, bootstrap over held-out images, for the models as trained. They say nothing about other seeds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from photo_folder import unpack
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

BASE = BetaVAEConfig(latent=16, beta=1.0, likelihood="sigma")
ENCODER = "encoder"
_SIZE, _BATCH, _RATE, _SHOWN = 64, 16, 1e-3, 10

Interval = tuple[float, float, float]
"""Value, and the ends of its 95 % interval."""


@dataclass(frozen=True)
class Row:
    """What one model does to held-out images; `rate` is its KL in nats."""

    name: str
    steps: int
    rate: float
    energy: Interval
    cosine: Interval
    error: Interval
    decoded: NDArray[np.float32]


def main() -> None:
    parser = arguments_of(__doc__)
    parser.add_argument("--picture", type=Path, help="where to write originals and reconstructions side by side")
    arguments = parser.parse_args()
    with prepared() as folder:
        root = Path(folder)
        dataset = faces(arguments.faces, root)
        first, _ = train(BASE, dataset, root, seconds=arguments.seconds, seed=derive(arguments.seed, ENCODER))
        save_model(first, root / ENCODER)
        rows = table(losses(), dataset, root, dataset.splits.test, seconds=arguments.seconds, seed=arguments.seed)
        if arguments.picture is not None:
            picture(in_unit_range(dataset, dataset.splits.test), rows, arguments.picture)


def losses() -> Mapping[str, BetaVAEConfig]:
    """The rows of the table: likelihoods by themselves, then perceptual terms on top of the best of them."""
    return {
        **{likelihood: BASE.model_copy(update={"likelihood": likelihood}) for likelihood in ("bernoulli", "laplace")},
        "sigma": BASE,
        **{f"sigma + {w:g} ssim": seen(SSIMConfig(weight=w)) for w in (0.1, 0.3)},
        **{f"sigma + {w:g} ms_ssim": seen(MSSSIMConfig(weight=w)) for w in (0.1, 0.3)},
        **{f"sigma + {w:g} features": seen(FeaturesConfig(run=ENCODER, weight=w)) for w in (0.1, 0.3)},
    }


def seen(section: SSIMConfig | MSSSIMConfig | FeaturesConfig) -> BetaVAEConfig:
    """The base with a perceptual term."""
    return BASE.model_copy(update={"perceptual": section})


def arguments_of(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("--seconds", type=float, default=200, help="CPU seconds of training a row")
    parser.add_argument("--seed", type=int, default=0)
    return parser


def prepared() -> tempfile.TemporaryDirectory[str]:
    """One thread, and a folder to work in."""
    torch.set_num_threads(1)
    keep_freed_memory()
    return tempfile.TemporaryDirectory(prefix="unweave-sharpness-")


def faces(npz: Path, root: Path) -> Dataset:
    """The set as a folder of PNG files and a table, at 64 pixels, split by person."""
    unpack(npz, root)
    split = SplitConfig(train=0.65, valid=0.15, test=0.2, by="identity")
    data = DataConfig(images="photos", labels="labels.csv", size=_SIZE, split=split)
    return load_dataset(data, (), root=root, cache=root / "cache")


def table(
    configs: Mapping[str, BetaVAEConfig],
    dataset: Dataset,
    root: Path,
    held_out: NDArray[np.int64],
    *,
    seconds: float,
    seed: int,
) -> list[Row]:
    """Train and measure every row, and print it."""
    person = dataset.table.values[:, dataset.table.index("identity")]
    people, others = (len(np.unique(person[rows])) for rows in (dataset.splits.train, held_out))
    print(
        f"{len(dataset.splits.train)} training images of {people} people, measured on {len(held_out)} of {others} "
        f"others; {seconds:g} CPU seconds a row, seed {seed}\n\n"
        "| loss | steps | KL, nats | gradient energy | gradient cosine | squared error |\n|:--|--:|--:|--:|--:|--:|"
    )
    rows = []
    for name, config in configs.items():
        model, steps = train(config, dataset, root, seconds=seconds, seed=seed)
        rows.append(measure(name, model, steps, dataset, held_out))
        print(as_markdown(rows[-1]), flush=True)
    return rows


def train(
    config: BetaVAEConfig, dataset: Dataset, root: Path, *, seconds: float, seed: int
) -> tuple[TrainedModel, int]:
    """A model after so many CPU seconds, and the number of its steps."""
    model = untrained(config, dataset, root, seed=seed)
    optimizers = {n: torch.optim.Adam(p.parameters(), lr=_RATE, fused=True) for n, p in model.method.players.items()}
    fabric, noise, rows = make_fabric("cpu"), torch.Generator(), len(dataset.splits.train)

    def step(index: int, x: torch.Tensor) -> None:
        batch = Batch(x, index, rows, noise.manual_seed(derive(seed, "noise", index) % 2**32))
        train_step(model.method, optimizers, batch, fabric)

    return model, repeat(step, model, dataset, seconds=seconds, seed=seed)


def untrained(config: BetaVAEConfig, dataset: Dataset, root: Path, *, seed: int) -> TrainedModel:
    """A model in the layout in which convolutions are quick."""
    transform = Transform(dataset.store.observations.shape[1:])
    model = build_model(config, NetConfig(), transform, seed=seed, root=root)
    model.method.to(memory_format=torch.channels_last)
    return model


def repeat(
    step: Callable[[int, torch.Tensor], None], model: TrainedModel, dataset: Dataset, *, seconds: float, seed: int
) -> int:
    """Call `step` with batch after batch of training images for so many CPU seconds; returns the number of calls."""
    observations, order = dataset.store.observations, BatchOrder(dataset.splits.train, _BATCH, seed)
    began, index = time.process_time(), 0
    while time.process_time() - began < seconds:
        step(index, model.transform.inside(torch.from_numpy(observations[order.indices(index)])))
        index += 1
    return index


def measure(name: str, model: TrainedModel, steps: int, dataset: Dataset, held_out: NDArray[np.int64]) -> Row:
    """Energy, cosine and error of the reconstructions of held-out images."""
    codes, originals = model.encode(dataset.observations(held_out)), in_unit_range(dataset, held_out)
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


def in_unit_range(dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Images as the nets see them, (N, H, W, C) in [0, 1]."""
    return dataset.observations(rows).astype(np.float32) / np.float32(255)


def gradients(images: NDArray[np.float32]) -> NDArray[np.float64]:
    """Differences of neighbouring pixels in both directions, (N, all of them)."""
    wide = images.astype(np.float64)
    return np.concatenate([np.diff(wide, axis=axis).reshape(len(wide), -1) for axis in (1, 2)], 1)


def with_interval(value: Callable[[NDArray[np.int64]], float], rows: int) -> Interval:
    """A value over all rows, and the 2.5 % and 97.5 % quantiles over resampled rows."""
    draws = generator(0, "sharpness").integers(0, rows, (1000, rows))
    low, high = np.quantile([value(draw) for draw in draws], (0.025, 0.975))
    return float(value(np.arange(rows))), float(low), float(high)


def as_markdown(row: Row) -> str:
    numbers = ((row.energy, 2), (row.cosine, 2), (row.error, 4))
    shown = (f"{value:.{d}f} ({low:.{d}f} to {high:.{d}f})" for (value, low, high), d in numbers)
    return f"| {row.name} | {row.steps} | {row.rate:.1f} | {' | '.join(shown)} |"


def picture(originals: NDArray[np.float32], rows: list[Row], path: Path) -> None:
    """Originals in the first line, then the reconstructions of every row, as bright as the brightest original."""
    chosen = np.linspace(0, len(originals) - 1, _SHOWN).astype(int)
    lines = [np.concatenate(list(images[chosen]), 1) for images in (originals, *(row.decoded for row in rows))]
    pixels = (np.concatenate(lines) / originals.max()).clip(0, 1) * 255
    image = Image.fromarray(pixels.astype(np.uint8).squeeze(-1))
    image.resize((2 * image.width, 2 * image.height)).save(path)


if __name__ == "__main__":
    main()
