"""Does augmentation by edits break a spurious correlation? Scenes at 32 pixels whose shape and wall hue vary together.

    python benchmarks/augment.py --out augment --seeds 3 --strengths 0.1 0.2 0.4

In training the hue of the wall goes with the shape of the object (Träuble et al. 2021, eq. 1), in the test it does not.
A beta-VAE learns from the correlated images, 1,000 of them with labels; signatures are found from the same labels, and
the walls of the 1,000 images are set to hues that are drawn without regard to the shape. A perceptron of one hidden
layer on the pixels then learns the shape: from the 1,000 images (`plain`); from as many draws of them with weights that
make shape and hue independent (`weighted`); from them with their confirmed copies, in which the edit is added to the
original pixels (`edited`) or drawn anew by the decoder (`redrawn`); and from them with the true pictures of the hues
that were wanted (`rendered`), which is the most that could be had. All see as many batches. Differences are paired by
seed, with Student's interval. A run that is done is read from its file.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPClassifier

from unweave.core.factors import FactorTable
from unweave.core.files import write_bytes, write_text
from unweave.core.seeds import derive, generator
from unweave.data.association import associations
from unweave.data.builtin.registry import builtin_set
from unweave.data.builtin.sampling import draw
from unweave.data.builtin.scenes import HUES, Scenes
from unweave.data.dataset import Dataset
from unweave.data.labelled import choose_labelled
from unweave.data.reweighting import independent_weights
from unweave.data.stratify import label_levels
from unweave.methods.model import TrainedModel
from unweave.projects.config import Project
from unweave.projects.data import load_data
from unweave.projects.models import model_hash
from unweave.projects.pipeline import Trained, train
from unweave.projects.report.pictures import encode_png, labelled_grid
from unweave.signatures.apply import edit_codes
from unweave.signatures.augment import edited_copies, independent_labels
from unweave.signatures.edit import Edit, Move
from unweave.signatures.editor import Editor
from unweave.signatures.fit import fit_signatures
from unweave.signatures.residual import add_residual, preservation

LABELS, TEST, BATCHES = 1_000, 2_000, 400
READ, SPURIOUS = "shape", "wall_hue"
CASES = ("plain", "weighted", "edited", "redrawn", "rendered")
Images = NDArray[np.uint8]
Ints = NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("augment"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--strengths", type=float, nargs="+", default=[0.1, 0.2, 0.4])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    found: dict[float, list[dict[str, Any]]] = {}
    for seed in range(arguments.seeds):  # seed by seed, so that a part of the runs compares all strengths
        for strength in arguments.strengths:
            found.setdefault(strength, []).append(result(strength, seed, arguments.steps, arguments.out))
            print(f"seed {seed}, strength {strength:g}: {found[strength][-1]}", flush=True)
    report(found)
    print("\n| strength | way | detail kept | squared error elsewhere | on-target gain kept |\n|--:|:--|--:|--:|--:|")
    for strength in arguments.strengths:
        for name, cells in preserved(strength, 0, arguments.steps, arguments.out).items():
            print(f"| {strength:g} | {name} | {cells['detail']:.2f} | {cells['error']:.5f} | {cells['gain']:.2f} |")


def preserved(strength: float, seed: int, steps: int, out: Path) -> dict[str, dict[str, float]]:
    """What edits of test images keep, by the way that they are drawn: medians over rows.

    Test images are turned by a third of the circle of wall hues. The gain is that of a ridge regression of the hue's
    sine and cosine on the pixels of other images, which never saw a code.
    """
    project = project_of(strength, seed, steps)
    dataset = load_data(project, out)
    trained = train(project, dataset, out, device="cpu")
    rows = choose_labelled(dataset.table, dataset.splits.train, LABELS, derive(seed, "labels"))
    editor = editor_of(trained, dataset, rows, seed)
    scenes = builtin_set("scenes", size=32)
    axis = [f.name for f in scenes.factors].index(SPURIOUS)
    seen, shown = (draw(scenes.sizes, TEST, seed=derive(seed, word)) for word in ("judge", "shown"))
    angles = 2 * np.pi * scenes.labels(seen)[:, axis]
    judge = Ridge(alpha=10.0).fit(_pixels(scenes.render(seen)), np.stack([np.cos(angles), np.sin(angles)], axis=1))

    def told(images: NDArray[np.float32]) -> NDArray[np.float64]:
        point = judge.predict(images.reshape(len(images), -1) - np.float32(0.5))
        return np.arctan2(point[:, 1], point[:, 0])

    images = scenes.render(shown[:300])
    codes = editor.model.encode(images).mean
    edited = edit_codes(editor.signatures, codes, Edit({SPURIOUS: Move(1 / 3)})).codes
    before, after, original = editor.model.decode(codes), editor.model.decode(edited)(images)
    ways = {
        "drawn anew": after,
        "residual": add_residual(original, before, after, mask=False),
        "residual, masked": add_residual(original, before, after),
    }
    full = np.mod(told(after) - told(before), 2 * np.pi)
    found = {}
    for name, made in ways.items():
        turned = np.mod(told(made) - told(original), 2 * np.pi)
        kept = preservation(
            original,
            made,
            before,
            after,
            read_original=np.zeros(len(made)),
            read_edited=turned,
            read_before=np.zeros(len(made)),
            read_after=full,
        )
        found[name] = {n: float(np.nanmedian(getattr(kept, n))) for n in ("detail", "error", "gain")}
    return found


def project_of(strength: float, seed: int, steps: int) -> Project:
    """The correlated set and the model that learns from it."""
    data = {
        "images": "builtin:scenes",
        "size": 32,
        "rows": 6_000,
        "split": {"seed": seed},
        "correlate": {"factors": [READ, SPURIOUS], "strength": strength},
    }
    method = {
        "kind": "beta_vae",
        "beta": 1.0,
        "latent": 20,
        "supervision": {"labels": LABELS, "classes": "logits", "weight": 20.0},
        "correlated": {"reweight": True},
    }
    training = {"steps": steps, "batch": 64, "seed": seed, "learning_rate": 2e-3, "schedule": "cosine"}
    never = {"monitor_every": steps, "checkpoint_every": steps}
    return Project.model_validate(
        {
            "name": "augment",
            "data": data,
            "method": method,
            "net": {"kind": "mlp", "hidden": [128]},
            "training": {**training, **never},
            "tracking": {"uri": "off"},
        }
    )


def result(strength: float, seed: int, steps: int, out: Path) -> dict[str, Any]:
    """Accuracies of one strength and seed, computed now where that is not done yet."""
    path = out / f"s{strength:g}-seed{seed}-{steps}.json"
    if path.exists():
        done: dict[str, Any] = json.loads(path.read_text())
        return done
    began = time.process_time()
    project = project_of(strength, seed, steps)
    dataset = load_data(project, out)
    trained = train(project, dataset, out, device="cpu")
    spent = time.process_time() - began
    rows = choose_labelled(dataset.table, dataset.splits.train, LABELS, derive(seed, "labels"))
    images, table = dataset.observations(rows), dataset.table.take(rows)
    editor = editor_of(trained, dataset, rows, seed)
    wanted = independent_labels(table, SPURIOUS, READ, seed=seed)
    scenes = builtin_set("scenes", size=32)
    assert isinstance(scenes, Scenes)
    # The test set has neither the rows nor the correlation of the training set.
    cells = draw(scenes.sizes, TEST, seed=derive(seed, "test"))
    axis = table.index(READ)
    test = scenes.render(cells), scenes.labels(cells)[:, axis].astype(np.int64)
    labels = table.values[:, axis].astype(np.int64)
    weights = independent_weights([label_levels(table.select([READ, SPURIOUS]))]).values
    drawn = generator(seed, "weighted").choice(len(rows), len(rows), p=weights / weights.sum())
    found: dict[str, Any] = {
        "plain": accuracy([images], [labels], test, seed),
        "weighted": accuracy([images[drawn]], [labels[drawn]], test, seed),
    }
    for name, residual in (("edited", True), ("redrawn", False)):
        copies = edited_copies(editor, images, SPURIOUS, wanted, residual=residual)
        sure = copies.confirmed
        found[name] = accuracy([images, copies.images[sure]], [labels, labels[sure]], test, seed)
        found[f"{name}_confirmed"] = float(sure.mean())
        pictures = np.stack([images[:10], copies.images[:10], rendered(scenes, table, wanted)[:10]])
        write_bytes(
            out / f"{name}-s{strength:g}-seed{seed}.png", encode_png(labelled_grid(pictures, ["image", name, "true"]))
        )
    found["rendered"] = accuracy([images, rendered(scenes, table, wanted)], [labels, labels], test, seed)
    pair = associations(table.select([READ, SPURIOUS]), seed=0)[0].value
    edited = FactorTable(table.factors, table.values.copy(), table.known)
    edited.values[:, table.index(SPURIOUS)] = wanted
    left = associations(edited.select([READ, SPURIOUS]), seed=0)[0].value
    found |= {"association": pair, "association_of_copies": left}
    found |= {"training_cpu_seconds": spent, "cpu_seconds": time.process_time() - began}
    write_text(path, json.dumps(found, indent=1))
    return found


def editor_of(trained: Trained, dataset: Dataset, rows: Ints, seed: int) -> Editor:
    """The model with signatures from the labelled rows alone; codes of all training rows say where the data are."""
    model: TrainedModel = trained.model
    hashed = model_hash(trained.run)
    signatures = fit_signatures(
        model.encode(dataset.observations(rows)).mean,
        dataset.table.take(rows),
        model=hashed,
        reference=model.encode(dataset.observations(dataset.splits.train[:2000])).mean,
        response=lambda z: _again(model, z),
        binding=model.binding,
        bootstrap=0,
        nulls=0,
        seed=seed,
    )
    return Editor(model, signatures, hashed)


def _again(model: TrainedModel, codes: NDArray[np.float64]) -> NDArray[np.float64]:
    drawn = model.decode(codes.astype(np.float32))
    return model.encode(np.rint(drawn * 255).astype(np.uint8)).mean.astype(np.float64)


def rendered(scenes: Scenes, table: FactorTable, wanted: NDArray[np.float64]) -> Images:
    """The true pictures of the labelled rows with other hues of the wall, to the nearest that the set has."""
    values = table.values
    hues = [np.mod(np.rint(values[:, k] * len(HUES)), len(HUES)) for k in range(3)]
    hues[1] = np.mod(np.rint(wanted * len(HUES)), len(HUES))
    scale = np.rint((values[:, 3] - 0.75) / 0.5 * 7)
    yaw = np.rint((values[:, 5] + 30) / 60 * 14)
    return scenes.render(np.stack([*hues, scale, values[:, 4], yaw], axis=1).astype(np.int64))


def accuracy(images: Sequence[Images], labels: Sequence[Ints], test: tuple[Images, Ints], seed: int) -> float:
    """Of the shape, on the test."""
    x, y = _pixels(np.concatenate(images)), np.concatenate(labels)
    epochs = max(1, round(BATCHES * 64 / len(x)))
    learner = MLPClassifier((32,), batch_size=64, max_iter=epochs, alpha=1e-3, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of batches is meant
        learner.fit(x, y)
    return float(learner.score(_pixels(test[0]), test[1]))


def _pixels(images: Images) -> NDArray[np.float32]:
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255) - np.float32(0.5)


def report(found: Mapping[float, list[dict[str, Any]]]) -> None:
    """Tables in Markdown."""
    print("\n| strength | association | " + " | ".join(CASES) + " | confirmed |")
    print("|--:|--:|" + "--:|" * (len(CASES) + 1))
    for strength, runs in found.items():
        cells = [f"{np.mean([r[case] for r in runs]):.3f}" for case in CASES]
        pair, sure = (np.mean([r[key] for r in runs]) for key in ("association", "edited_confirmed"))
        print(f"| {strength:g} | {pair:.2f} | " + " | ".join(cells) + f" | {sure:.0%} |")
    print("\n| strength | edited less plain (95 %) | edited less weighted | edited less redrawn | each seed |")
    print("|--:|--:|--:|--:|:--|")
    for strength, runs in found.items():
        cells = [_difference(runs, other) for other in ("plain", "weighted", "redrawn")]
        each = ", ".join(f"{r['edited'] - r['plain']:+.3f}" for r in runs)
        print(f"| {strength:g} | " + " | ".join(cells) + f" | {each} |")


def _difference(runs: Sequence[Mapping[str, float]], other: str) -> str:
    gains = np.array([r["edited"] - r[other] for r in runs])
    if len(gains) < 2:
        return f"{gains.mean():+.3f}"
    half = stats.t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains))
    return f"{gains.mean():+.3f} ({gains.mean() - half:+.3f} to {gains.mean() + half:+.3f})"


if __name__ == "__main__":
    main()
