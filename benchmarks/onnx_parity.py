"""What the exported graphs give beside what torch gives: every method, full-size nets, trained, on real rows.

    .venv/bin/python benchmarks/onnx_parity.py --out parity [--steps 300] [--size 64] [--sets sprites,scenes]
    .venv/bin/python benchmarks/onnx_parity.py --out parity --run RUN [RUN …]     # of models that are trained already

Every method of the study with the study's settings and the net that its size gets by itself; a training that is there
is not repeated. The runs' folders hold `asked.json`; their data must be built-in sets. Both sides take the same rows at
once, 1, 3 and 64, on the same CPU; all of 192 held-out rows are compared each time, and for the decoder as many codes
drawn from the prior. Differences are plain absolute ones: codes and log-variances in their own units, pixels in [0, 1].
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from study import METHODS as SETTINGS
from study import SETS, settings
from unweave.bundles.graphs import GraphModel
from unweave.bundles.onnx import OnnxNet
from unweave.bundles.parity import BATCHES, LIMIT
from unweave.core.seeds import generator
from unweave.data.dataset import Dataset
from unweave.methods import METHODS
from unweave.methods.graphs import write_graphs
from unweave.methods.model import TrainedModel
from unweave.projects.config import Project
from unweave.projects.data import held_out, load_data
from unweave.projects.load import parse_project
from unweave.projects.models import trained_model
from unweave.projects.pipeline import train
from unweave.projects.runs import Run

ROWS = 192
OUTPUTS = ("mean", "logvar", "pixels")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """Of one model: largest absolute differences (outputs, batches), and the largest number of torch's (outputs)."""

    name: str
    shape: tuple[int, ...]
    steps: int
    apart: Floats
    largest: Floats


def project(set_: str, method: str, steps: int, size: int) -> Project:
    """The study's, at another size, with the default net and without looks in between."""
    given = settings(SETTINGS[method], steps)
    pairs = {"pairs": {"change": "random"}} if given.pop("pairs", False) else {}
    content: dict[str, Any] = {
        "name": f"parity-{set_}",
        "data": {**SETS[set_], **pairs, "size": size, "rows": 5000},
        "method": {"latent": 10, **given},
        "training": {"steps": steps, "batch": 64, "learning_rate": 1e-3, "monitor_every": steps},
        "tracking": {"uri": "off"},
    }
    return parse_project(content, "parity")


def graphs_of(model: TrainedModel, folder: Path) -> GraphModel:
    """The graphs that `unweave export` writes, as a bundle's are loaded."""
    paths = folder / "encoder.onnx", folder / "decoder.onnx"
    write_graphs(model, *paths)
    halves = [OnnxNet(p, content=p.read_bytes(), providers=("CPUExecutionProvider",)) for p in paths]
    codes = model.encode(np.zeros((1, *model.shape), np.uint8))
    return GraphModel(*halves, model.shape, model.latent, codes.groups, codes.categorical)


def compare(name: str, steps: int, model: TrainedModel, data: Dataset) -> Found:
    """Both sides on the same rows, batch by batch."""
    rows = np.sort(generator(0, "parity").permutation(held_out(data))[:ROWS])
    observations = data.observations(rows)
    own = model.encode(observations)
    codes = np.concatenate([own.mean, own.prior(len(rows), generator(0, "parity", "prior"))])
    apart, largest = np.zeros((len(OUTPUTS), len(BATCHES))), np.zeros(len(OUTPUTS))
    with tempfile.TemporaryDirectory() as folder:
        graphs = graphs_of(model, Path(folder))
        for place, batch in enumerate(BATCHES):
            for output, ours, theirs in _answers(model, graphs, observations, codes, batch):
                apart[output, place] = max(apart[output, place], float(np.abs(theirs.astype(float) - ours).max()))
                largest[output] = max(largest[output], float(np.abs(ours).max()))
    if not np.isfinite(apart).all() or apart.max() == 0:  # equal to the last bit would be the same code twice
        raise SystemExit(f"{name}: nothing was compared, or not with numbers: {apart}")
    return Found(name, model.shape, steps, apart, largest)


def _answers(
    model: TrainedModel, graphs: GraphModel, observations: NDArray[Any], codes: NDArray[np.float32], batch: int
) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.float32]]]:
    """(output, torch's, the graphs') of every batch."""
    for start in range(0, len(observations), batch):
        ours, theirs = (one.encode(observations[start : start + batch]) for one in (model, graphs))
        assert ours.logvar is not None
        assert theirs.logvar is not None
        yield 0, ours.mean, theirs.mean
        yield 1, ours.logvar, theirs.logvar
    for start in range(0, len(codes), batch):
        yield 2, *(one.decode(codes[start : start + batch]) for one in (model, graphs))


def trained(given: argparse.Namespace) -> Iterator[Found]:
    """Every method on every set, trained here."""
    missing = set(METHODS) - {s["kind"] for s in SETTINGS.values()}
    if missing:
        raise SystemExit(f"the study has no settings for {sorted(missing)}")
    for set_ in given.sets.split(","):
        for method in given.methods.split(","):
            asked = project(set_, method, given.steps, given.size)
            root = given.out / set_
            data = load_data(asked, root)
            done = train(asked, data, root, device="cpu")
            yield compare(f"{set_}, {method}", given.steps, done.model, data)


def given_runs(given: argparse.Namespace) -> Iterator[Found]:
    """Runs that are trained already."""
    for folder in given.run:
        run = Run(folder)
        asked, model = run.project(), trained_model(run)
        if not isinstance(model, TrainedModel):
            raise SystemExit(f"{folder}: its model was imported; there is no torch to compare with.")
        data = load_data(asked, given.out / asked.data.images.partition(":")[2])
        name = f"{asked.data.images.partition(':')[2]}, {asked.method.kind}, seed {asked.training.seed}"
        yield compare(name, asked.training.steps, model, data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for data and runs")
    parser.add_argument("--run", type=Path, nargs="+", help="folders of runs, in place of training")
    parser.add_argument("--steps", type=int, default=300, help="of each training: the budget")
    parser.add_argument("--size", type=int, default=64, help="of the images; above 64 the net is the residual one")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--methods", default=",".join(SETTINGS))
    given = parser.parse_args()
    at = " / ".join(str(batch) for batch in BATCHES)
    print(f"| model | shape | steps | mean, at {at} | log-variance | pixels | largest mean, log-variance |")
    print("|---" * 7 + "|")
    worst = 0.0
    for one in given_runs(given) if given.run else trained(given):
        cells = [" / ".join(f"{value:.1e}" for value in row) for row in one.apart]
        most = ", ".join(f"{value:.1f}" for value in one.largest[:2])
        shape = " × ".join(map(str, one.shape))
        print(f"| {one.name} | {shape} | {one.steps:,} | {' | '.join(cells)} | {most} |", flush=True)
        worst = max(worst, float(one.apart.max()))
    print(f"\nLargest difference of all: {worst:.1e}; the limit is {LIMIT:g}.")
    if worst > LIMIT:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
