"""Real faces: signatures for pose and eyes from 100 labels, and what they do to people never seen in training.

    python benchmarks/faces_edits.py FACES.npz --out faces_edits [--steps 14000]

FACES.npz holds `images` uint8 (N, H, W), `factors` (N, K) and `factor_names`, with `identity`, `pose` and `eyes` among
them. Every picture comes twice: as it is, and mirrored, with left and right exchanged. Some people are kept for the
test, about a fifth of the pictures. Of the others come the training, the 100 labels and the signatures.

Leakage is measured on pictures of the people kept back, drawn anew and as a change of the original pixels. The judge of
pixels has learnt pose, eyes and identity from all other people and from every second picture of these, so that it can
tell them apart; the other pictures are edited. Intervals: 95 %, over pictures; with a few people they say nothing about
others.

The strips are written into the folder: pictures of people, to be looked at and left there.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photo_folder import unpack
from unweave.core.codes import Codes
from unweave.core.observations import as_decoded, at_rest
from unweave.data.columns import Cells
from unweave.projects.data import load_data
from unweave.projects.editing import editor_of
from unweave.projects.load import parse_project
from unweave.projects.pipeline import train
from unweave.projects.probing import probe_run
from unweave.signatures.edit import Edit, Set
from unweave.signatures.editor import Editor
from unweave.signatures.leakage import measure_leakage, pixel_judge
from unweave.signatures.residual import add_residual

SWAPPED = {"left": "right", "right": "left"}
POSES, EYES = ("left", "straight", "right", "up"), ("open", "sunglasses")
AUGMENT = {"shift": 0.03, "zoom": 0.05, "gain": 0.2, "contrast": 0.2}
JUDGED = ("pose", "eyes", "identity")


def content(steps: int, people: list[str]) -> dict[str, Any]:
    return {
        "name": "faces",
        "data": {
            "images": "photos",
            "labels": "labels.csv",
            "size": 64,
            "channels": 1,
            "split": {"train": 0.8, "valid": 0.0, "test": 0.2, "by": "identity"},
        },
        "factors": [
            {"name": "pose", "kind": "categorical", "values": POSES},
            {"name": "eyes", "kind": "categorical", "values": EYES},
            {"name": "identity", "kind": "categorical", "values": people},
        ],
        "method": {
            "kind": "beta_vae",
            "beta": 1,
            "latent": 32,
            "likelihood": "sigma",
            "supervision": {
                "factors": ["pose", "eyes"],
                "labels": 100,
                "weight": 300,
                "classes": "logits",
                "augment": {},
            },
        },
        "net": {"kind": "conv", "width": 24},
        "training": {
            "steps": steps,
            "batch": 16,
            "learning_rate": 1e-3,
            "schedule": "cosine",
            "monitor_every": 2000,
            "checkpoint_every": 500,
            "augment": AUGMENT,
        },
        "tracking": {"uri": "off"},
    }


class OnOriginals:
    """A model whose pictures are the originals with the decoder's change added, for `measure_leakage`.

    It encodes some pictures once; what it decodes afterwards are edits of these, in their order, several of each.
    """

    def __init__(self, editor: Editor) -> None:
        self.model, self.latent = editor.model, editor.model.latent
        self.originals: NDArray[np.float32] = np.zeros(0, dtype=np.float32)
        self.drawn = self.originals

    def encode(self, observations: NDArray[Any]) -> Codes:
        codes = self.model.encode(observations)
        self.originals, self.drawn = as_decoded(observations), self.model.decode(codes.mean)
        return codes

    def decode(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        each = len(codes) // len(self.originals)
        before, originals = (np.repeat(images, each, axis=0) for images in (self.drawn, self.originals))
        return add_residual(originals, before, self.model.decode(codes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--out", type=Path, default=Path("faces_edits"))
    parser.add_argument("--steps", type=int, default=14_000)
    asked = parser.parse_args()
    root = asked.out
    if not (root / "labels.csv").exists():
        unpack(asked.faces, root, mirrored=SWAPPED, scaled=True)
    with (root / "labels.csv").open() as file:
        people = sorted({line["identity"] for line in csv.DictReader(file)})
    project = parse_project(content(asked.steps, people), "faces")
    dataset = load_data(project, root)
    run = train(project, dataset, root, device="cpu").run
    if not run.signatures.exists():
        probe_run(run, dataset, labels=100, factors=["pose", "eyes"], by="identity", look="none")
    editor = editor_of(run)
    report(editor, dataset)
    strips(editor, dataset, root)


def report(editor: Editor, dataset: Any) -> None:  # noqa: ANN401 - Dataset
    """Reconstruction, reading and leakage, as Markdown."""
    table, splits = dataset.table, dataset.splits
    picture = np.array(Cells.of(dataset.store.columns, "picture").known().codes)
    for name, rows in (("training", splits.train), ("test", splits.test)):
        images = dataset.observations(rows)
        codes = editor.model.encode(images).mean
        error = ((editor.model.decode(codes) - as_decoded(images)) ** 2).mean()
        told = {
            n: (editor.signatures[n].reader.read(codes) == table.values[rows, table.index(n)]).mean()
            for n in editor.signatures.names
        }
        print(f"{name}: {len(rows)} pictures, squared error {error:.4f}, read right {told}", flush=True)
    known = splits.test[picture[splits.test] % 2 == 0]
    edited = splits.test[picture[splits.test] % 2 == 1]
    learnt = np.sort(np.append(splits.train, known))
    judged = table.select(JUDGED)
    judge = pixel_judge(dataset.observations(learnt), judged.take(learnt), groups=picture[learnt], steps=1500)
    print("judge:", {name: round(score.value or 0, 3) for name, score in judge.quality.items()})
    print("\n| pictures | moves | gain | " + " | ".join(JUDGED) + " |\n|:--|:--|--:|" + "--:|" * len(JUDGED))
    for name, model in (("drawn anew", editor.model), ("original, changed", OnOriginals(editor))):
        (found,) = measure_leakage(
            model, editor.signatures, dataset.observations(edited), judged.take(edited), [judge], rows=len(edited)
        )
        for moved, row in found.matrix.rows.items():
            cells = dict(zip(row.factors, zip(row.values, row.intervals, strict=True), strict=True))
            shown = ("1" if f == moved else _cell(cells.get(f)) for f in JUDGED)
            print(f"| {name} | {moved} | {row.gain:.2f} | " + " | ".join(shown) + " |")
        for factor, why in found.matrix.left_out.items():
            print(f"- {name}: {factor} is left out: {why}")


def _cell(found: tuple[float, tuple[float, float]] | None) -> str:
    return "–" if found is None else f"{found[0]:.2f} ({found[1][0]:.2f} to {found[1][1]:.2f})"


def strips(editor: Editor, dataset: Any, root: Path) -> None:  # noqa: ANN401 - Dataset
    """Three pictures of every person kept back: as they are, drawn anew, and edited, on the original and anew."""
    table, rows = dataset.table, dataset.splits.test
    rows = rows[np.array([dataset.store.ids[row].find("mirrored") < 0 for row in rows])]
    person, pose, eyes = (table.values[rows, table.index(name)] for name in ("identity", "pose", "eyes"))
    chosen = [
        rows[np.flatnonzero((person == one) & (pose == POSES.index(p)) & (eyes == EYES.index(e)))[0]]
        for one in np.unique(person)
        for p, e in (("straight", "open"), ("left", "sunglasses"), ("right", "open"))
    ]
    images = dataset.observations(np.array(chosen))
    edits = [Edit({"eyes": Set(label)}) for label in EYES] + [Edit({"pose": Set(label)}) for label in POSES]
    columns = [images, at_rest(editor.model.decode(editor.model.encode(images).mean))]
    columns += [editor.apply(images, edit, residual=True).images for edit in edits]
    columns += [editor.apply(images, edit).images for edit in edits]
    picture = np.concatenate([np.concatenate(list(column), 0) for column in columns], 1)[..., 0]
    Image.fromarray(picture).resize((2 * picture.shape[1], 2 * picture.shape[0])).save(root / "strips.png")
    print(f"\n{root / 'strips.png'}: original, drawn anew, then {', '.join((*EYES, *POSES))} on the original and anew")


if __name__ == "__main__":
    main()
