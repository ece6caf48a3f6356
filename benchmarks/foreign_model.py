"""A model trained elsewhere goes through the commands: a plain autoencoder, made with torch alone and exported to ONNX.

    python benchmarks/foreign_model.py --out foreign_model

Nothing of this package makes the model: `train_elsewhere` knows a folder of PNG files and torch. The pictures are
sprites at 32 pixels, written once as files with a `labels.csv` beside them. Then the commands run as a user types them;
what they print with `--json` is kept in `OUT/results.json`. CPU time is measured, not wall time.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

LATENT = 10
FACTORS = ("shape", "scale", "x", "y")
"""Squares and ellipses look the same after a part of a turn, so no code can tell the orientation."""

COMMANDS = {
    "import": ["import", "--encoder", "encoder.onnx", "--decoder", "decoder.onnx", "--data", "photos"],
    "evaluate": ["evaluate"],
    "traverse": ["traverse"],
    "discover": ["discover"],
    "probe": ["probe", "--labels", "1000"],
    "edit": ["edit", "photos/00000.png", "photos/00001.png", "--move", "x=-1", "--set", "scale=1"],
    "report": ["report"],
}
"""Name to arguments; they run in this order, in the folder of the pictures and the model."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("foreign_model"))
    parser.add_argument("--rows", type=int, default=8000)
    parser.add_argument("--steps", type=int, default=3000)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    folder = arguments.out
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "photos" / "labels.csv").exists():
        write_pictures(folder / "photos", arguments.rows)
    if not (folder / "decoder.onnx").exists():
        before = own_seconds()
        loss = train_elsewhere(folder, arguments.steps)
        print(f"trained elsewhere: {loss:.1f} nats an image, {own_seconds() - before:.0f} CPU s", flush=True)
    results = {name: run_command(line, folder) for name, line in COMMANDS.items() if is_due(name, folder)}
    (folder / "results.json").write_text(json.dumps(results, indent=2))
    for name, found in results.items():
        print(f"unweave {name}: exit {found['exit']}, {found['cpu_seconds']:.0f} CPU s")
    for name, score in results["evaluate"]["said"]["scores"].items():
        print(f"  {name}: {score['value']:.3f}", score["interval"], score["null"])


def write_pictures(folder: Path, rows: int) -> None:
    """Sprites as PNG files, and their labels."""
    # The pictures are ours, the model is not.
    from unweave.data.builtin.registry import builtin_set, draw_rows
    from unweave.data.config import DataConfig

    generated = builtin_set("sprites", size=32)
    index = draw_rows(generated, DataConfig(images="builtin:sprites", size=32, rows=rows))
    labels = generated.labels(index)
    columns = [(k, factor) for k, factor in enumerate(generated.factors) if factor.name in FACTORS]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", *(factor.name for _, factor in columns)])
        for row, picture in enumerate(generated.render(index)):
            Image.fromarray(picture[..., 0]).save(folder / f"{row:05}.png")
            said = [f.values[int(labels[row, k])] if f.values else f"{labels[row, k]:g}" for k, f in columns]
            table.writerow([f"{row:05}.png", *said])


def train_elsewhere(folder: Path, steps: int) -> float:
    """Train a plain convolutional autoencoder on the PNG files and export it; returns its last loss in nats an image.

    The encoder takes pixels in [-1, 1] and the decoder gives logits. Nobody tells `unweave import` so.
    """
    torch.manual_seed(0)
    files = sorted((folder / "photos").glob("*.png"))
    pixels = torch.from_numpy(np.stack([np.asarray(Image.open(file)) for file in files]))[:, None]
    encoder = nn.Sequential(
        *(nn.Conv2d(1, 16, 4, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.ReLU()),
        *(nn.Conv2d(32, 32, 4, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, LATENT)),
    )
    decoder = nn.Sequential(
        *(nn.Linear(LATENT, 128), nn.ReLU(), nn.Linear(128, 512), nn.ReLU(), nn.Unflatten(1, (32, 4, 4))),
        *(nn.ConvTranspose2d(32, 32, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU()),
        nn.ConvTranspose2d(16, 1, 4, 2, 1),
    )
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)
    loss = torch.zeros(())
    for _ in range(steps):
        x = pixels[torch.randint(len(pixels), (64,))].float() / 255
        logits = decoder(encoder(2 * x - 1))
        loss = nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    rows = ({0: torch.export.Dim("rows")},)
    for name, net, example in (
        ("encoder", encoder, torch.zeros(2, 1, 32, 32)),
        ("decoder", decoder, torch.zeros(2, LATENT)),
    ):
        path = str(folder / f"{name}.onnx")
        torch.onnx.export(
            net.eval(), (example,), path, dynamo=True, external_data=False, dynamic_shapes=rows, verbose=False
        )
    return float(loss)


def is_due(name: str, folder: Path) -> bool:
    """A project that is there needs no second import with data."""
    return name != "import" or not (folder / "unweave.yaml").exists()


def run_command(line: list[str], folder: Path) -> dict[str, Any]:
    """Exit code, CPU seconds and what a command says as JSON."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [str(Path(sys.executable).with_name("unweave")), *line, "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    if done.returncode > 1:
        raise SystemExit(f"unweave {' '.join(line)}: {done.stderr}")
    return {"exit": done.returncode, "cpu_seconds": seconds, "said": json.loads(done.stdout), "noted": done.stderr}


def own_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
