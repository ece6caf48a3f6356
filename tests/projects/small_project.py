"""Small projects that a test trains in a moment, and what presses Ctrl-C."""

import csv
import os
import signal

import numpy as np
from PIL import Image

from unweave.projects.config import Project
from unweave.projects.data import load_data
from unweave.projects.finish import finish
from unweave.projects.pipeline import train

SMALL = {
    "name": "digits",
    "data": {"images": "builtin:digits", "size": 8, "rows": 400},
    "method": {"kind": "beta_vae", "beta": 1.0, "latent": 3},
    "net": {"kind": "mlp", "hidden": [16]},
    "training": {"steps": 30, "batch": 16, "monitor_every": 10, "checkpoint_every": 10},
    "tracking": {"uri": "off"},
}


class Interrupt:
    """A sink that presses Ctrl-C when training has come to a step."""

    def __init__(self, step):
        self.step, self.pressed = step, False

    def values(self, step, values):
        if step >= self.step and not self.pressed:  # pressed twice it stops at once
            self.pressed = True
            os.kill(os.getpid(), signal.SIGINT)

    def picture(self, step, name, image):
        pass

    def note(self, step, text):
        pass

    def rewind(self, step):
        pass

    def flush(self):
        pass


def project_of(**settings):
    return Project.model_validate({**SMALL, **settings})


def trained(root, *, sinks=(), **settings):
    """A project trained, scored and reported on; returns data set, what `train` and what `finish` gave."""
    project = project_of(**settings)
    dataset = load_data(project, root)
    done = train(project, dataset, root, device="cpu", sinks=sinks)
    return dataset, done, finish(done, dataset, root)


def squares(root, columns, *, rows=600):
    """A folder `images` of bright squares, with `labels.csv` whose columns are named as asked.

    The first factor is the column of the square (4 classes), the second its row (3 classes).
    """
    folder = root / "images"
    folder.mkdir()
    rng = np.random.default_rng(0)
    table = [["file", *(name for name, _ in columns)]]
    for row in range(rows):
        places = row % 4, row // 4 % 3
        pixels = rng.integers(0, 40, (16, 16)).astype(np.uint8)  # noise: no two are duplicates
        pixels[places[1] * 4 : places[1] * 4 + 6, places[0] * 4 : places[0] * 4 + 4] = 255
        Image.fromarray(pixels).save(folder / f"{row}.png")
        table.append([f"{row}.png", *(classes[place] for (_, classes), place in zip(columns, places, strict=False))])
    write_table(folder / "labels.csv", table)


def write_table(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def vectors(root):
    """`states.npy` (1500, 6), linear in two factors, and `labels.csv` beside it."""
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 4, (1500, 2))
    # Noise makes rows distinct: equal rows never stand on two sides of the split.
    states = factors @ rng.normal(size=(2, 6)) + 0.05 * rng.normal(size=(1500, 6))
    np.save(root / "states.npy", states.astype(np.float32))
    lines = [f"{row},{a},{b}" for row, (a, b) in enumerate(factors)]
    (root / "labels.csv").write_text("\n".join(["file,speed,lane", *lines]) + "\n")
    return {
        **SMALL,
        "data": {"vectors": "states.npy", "labels": "labels.csv"},
        "net": {"hidden": [16]},
        "training": {**SMALL["training"], "steps": 200, "learning_rate": 0.01},
    }
