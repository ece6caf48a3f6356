"""The folder of somebody who has named the people in his photographs and labelled a few of them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from photo_folder import unpack
from unweave.core.factors import FactorTable
from unweave.core.seeds import generator
from unweave.data.dataset import Dataset
from unweave.data.labels import factor_table

SWAPPED = {"left": "right", "right": "left"}
HIDDEN = ("pose", "eyes", "expression")


def make_folder(
    npz: Path, root: Path, *, familiar: Sequence[str], strangers: Sequence[str], labels: int, seed: int = 0
) -> None:
    """`photos/` with every picture twice, as it is and mirrored, and `labels.csv`; does nothing where they are.

    People are known by name in all pictures. Pose, eyes and expression are known of `labels` pictures, drawn evenly
    from the people who are neither `familiar` nor `strangers`, and of their mirror images. A column `role` says which
    pictures may be trained on: `train`, or `held` for all of the strangers' and for half of those of each familiar
    person, drawn at random. `truth.csv` has what is left empty.
    """
    if (root / "truth.csv").exists():
        return
    unpack(npz, root, mirrored=SWAPPED, scaled=True)
    with (root / "labels.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    held = {line["picture"] for line in lines if line["identity"] in strangers}
    for person in familiar:
        own = _dealt(lines, person, generator(seed, "faces held", person))
        held |= set(own[: len(own) // 2])
    labelled = _labelled(lines, {*familiar, *strangers}, labels, seed)
    columns = [*lines[0], "role"]
    for name in ("labels.csv", "truth.csv"):
        with (root / name).open("w", newline="") as file:
            out = csv.DictWriter(file, columns)
            out.writeheader()
            for line in lines:
                empty = name == "labels.csv" and line["picture"] not in labelled
                hidden = dict.fromkeys(HIDDEN, "") if empty else {}
                out.writerow({**line, "role": "held" if line["picture"] in held else "train", **hidden})


def _labelled(lines: Sequence[dict[str, str]], without: set[str], count: int, seed: int) -> set[str]:
    """`count` pictures of the people that are not in `without`, as evenly as it goes, each person's at random."""
    people = sorted({line["identity"] for line in lines} - without)
    decks = [_dealt(lines, person, generator(seed, "faces labelled", person)) for person in people]
    dealt = [picture for each in zip_longest(*decks) for picture in each if picture is not None]
    return set(dealt[:count])


def _dealt(lines: Sequence[dict[str, str]], person: str, random: np.random.Generator) -> list[str]:
    """A person's pictures at random."""
    return random.permutation(
        sorted({line["picture"] for line in lines if line["identity"] == person}, key=int)
    ).tolist()


def truth(dataset: Dataset, root: Path) -> FactorTable:
    """The labels of all rows, those that `labels.csv` leaves empty too."""
    with (root / "truth.csv").open(newline="") as file:
        lines = {line["file"]: line for line in csv.DictReader(file)}
    own = [lines[Path(str(name)).name] for name in dataset.store.ids]
    columns = pa.table({f.name: [line[f.name] for line in own] for f in dataset.table.factors})
    return factor_table(columns, dataset.table.factors)


def column(dataset: Dataset, name: str) -> NDArray[np.str_]:
    """A column of `labels.csv` as text, (N,)."""
    return np.array([str(cell) for cell in dataset.store.columns[name].to_pylist()])
