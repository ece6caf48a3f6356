"""Real faces: signatures for pose and eyes from 100 labels, and what they do to other people's pictures.

    python benchmarks/faces_edits.py FACES.npz --out faces_edits [--size 64] [--steps 12000] [--seed 0]

FACES.npz holds `images` uint8 (N, H, W), `factors` (N, K) and `factor_names`, with `identity`, `pose` and `eyes` among
them. Every picture comes twice: as it is, and mirrored, with left and right exchanged. It is known which pictures are
of one person (in a folder of photographs: by the folder's name), and that is what makes a pair. People are of three
kinds: of most come the 100 labelled pictures and the signatures; of two, the *familiar*, half of the pictures are
trained on without labels and the others are edited; of two, the *strangers*, nothing is trained on.

Measured on held-out pictures of the familiar and of the strangers, as they were taken: drawn anew; by a decoder that
was fitted, without labels, to other pictures of the person (of the familiar those that were trained on, of the
strangers every second one), or to all of them, those that are edited too, as `unweave edit --tune` does it with all
files of a person; and as a change of the original pixels. How often a picture that is
set to a pose or to eyes is then read so, what stays, and leakage. The judge of pixels has learnt pose, eyes and
identity from all pictures that are trained on and from every second one of the strangers, so that it can tell them
apart. Intervals: 95 %, over pictures; with two people of a kind they say nothing about others.

The strips are written into the folder: pictures of people, to be looked at and left there.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np

from faces_folder import column, make_folder, truth
from faces_measured import OnOriginals, Tuned, measured, reading
from faces_strips import EYES, POSES, starts, strip, write
from unweave.core.model import LatentModel
from unweave.data.columns import Cells
from unweave.data.dataset import Dataset
from unweave.projects.data import load_data
from unweave.projects.editing import editor_of, tuned_editor
from unweave.projects.load import parse_project
from unweave.projects.pipeline import train
from unweave.projects.probing import probe_run
from unweave.signatures.editor import Editor
from unweave.signatures.leakage import pixel_judge

AUGMENT = {"shift": 0.03, "zoom": 0.05, "gain": 0.2, "contrast": 0.2}
LABELS = 100
"""Pictures with labels of pose and eyes; those of their mirror images follow."""

JUDGED = ("pose", "eyes", "identity")
STEPS = {"other pictures": 400, "all pictures": 1000}
"""Of tuning a decoder to them."""


def content(size: int, steps: int, people: list[str], seed: int) -> dict[str, Any]:
    return {
        "name": "faces",
        "data": {
            "images": "photos",
            "labels": "labels.csv",
            "size": size,
            "channels": 1,
            "split": {"train": 0.8, "valid": 0.0, "test": 0.2, "by": "role"},
            "pairs": {"by": "look"},
        },
        "factors": [
            {"name": "pose", "kind": "categorical", "values": POSES},
            {"name": "eyes", "kind": "categorical", "values": EYES},
            {"name": "identity", "kind": "categorical", "values": people},
        ],
        "method": {
            "kind": "ada_gvae",
            "beta": 1,
            "latent": 30,
            "shared": 24,
            "shared_from": "partner",
            "likelihood": "sigma",
            "supervision": {
                "factors": ["pose", "eyes"],
                "labels": 2 * LABELS,
                "weight": 3000,
                "batch": 8,
                "classes": "probabilities",
                "augment": {},
            },
        },
        "net": {"kind": "conv", "width": 24},
        "training": {
            "steps": steps,
            "seed": seed,
            "batch": 8,
            "learning_rate": 1e-3,
            "schedule": "cosine",
            "monitor_every": steps,
            "checkpoint_every": 500,
            "augment": AUGMENT,
        },
        "tracking": {"uri": "off"},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--out", type=Path, default=Path("faces_edits"))
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=12_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--familiar", nargs="+", default=["glickman", "mitchell"])
    parser.add_argument("--strangers", nargs="+", default=["steffi", "tammo"])
    asked = parser.parse_args()
    root = asked.out
    make_folder(asked.faces, root, familiar=asked.familiar, strangers=asked.strangers, labels=LABELS)
    with (root / "labels.csv").open() as file:
        people = sorted({line["identity"] for line in csv.DictReader(file)})
    project = parse_project(content(asked.size, asked.steps, people, asked.seed), "faces")
    dataset = load_data(project, root)
    run = train(project, dataset, root, device="cpu").run
    if not run.signatures.exists():
        probe_run(run, dataset, labels=2 * LABELS, factors=["pose", "eyes"], by="identity", look="none")
    editor = editor_of(run)
    report(editor, dataset, root, {"familiar": asked.familiar, "strangers": asked.strangers})


def report(editor: Editor, dataset: Dataset, root: Path, kinds: dict[str, list[str]]) -> None:
    """Figures as Markdown, and the strips."""
    table, person = truth(dataset, root).select(JUDGED), column(dataset, "identity")
    as_taken = column(dataset, "look") == person
    picture = np.array(Cells.of(dataset.store.columns, "picture").known().codes)
    trained, held = dataset.splits.train, dataset.splits.test
    second = held[np.isin(person[held], kinds["strangers"]) & (picture[held] % 2 == 0)]
    learnt = np.sort(np.append(trained, second))
    judge = pixel_judge(dataset.observations(learnt), table.take(learnt), groups=picture[learnt], steps=600)
    print("judge:", {name: round(score.value or 0, 3) for name, score in judge.quality.items()})
    rows = {"trained on": trained} | {k: held[np.isin(person[held], kinds[k])] for k in kinds}
    for kind, own in rows.items():
        print(f"{kind}: {reading(editor, dataset.observations(own), table.take(own))}", flush=True)
    for kind in kinds:
        print(f"\n{kind}")
        edited = np.setdiff1d(rows[kind], second)
        edited = edited[as_taken[edited]]
        images, own = dataset.observations(edited), person[edited]
        drawing = {"drawn anew": [editor] * len(images)}
        for name, some in {"other pictures": learnt, "all pictures": np.append(learnt, edited)}.items():
            album = {n: dataset.observations(some[as_taken[some] & (person[some] == n)]) for n in kinds[kind]}
            fitted = {n: tuned_editor(editor, album[n], steps=STEPS[name]) for n in album}
            drawing[f"decoder tuned to {name} of the person"] = [fitted[n] for n in own]
        models: dict[str, LatentModel] = {n: Tuned(editor, images, editors) for n, editors in drawing.items()}
        models["change added to the original"] = OnOriginals(editor.model)
        measured(editor, models, images, table.take(edited), judge)
        chosen = starts(table.take(edited), own)
        shown = {name: [editors[k] for k in chosen] for name, editors in drawing.items()}
        for place, (name, editors) in enumerate(shown.items()):
            write([images[chosen], *strip(images[chosen], editors)], root / f"{kind}-{place}.png")
            print(f"{root}/{kind}-{place}.png: original, {name}, then {', '.join((*EYES, *POSES))}", flush=True)


if __name__ == "__main__":
    main()
