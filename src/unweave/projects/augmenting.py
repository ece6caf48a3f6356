"""A data set with a factor balanced, or independent of another, through edits: images, labels and a manifest."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError, DataError
from unweave.core.factors import Factor, FactorTable
from unweave.core.files import atomic_folder
from unweave.data.dataset import Dataset
from unweave.projects.editing import png_of
from unweave.signatures.augment import Copies, balanced_labels, edited_copies, independent_labels
from unweave.signatures.editor import Editor

LABELS, MANIFEST = "labels.csv", "manifest.csv"

_SAME = 1e-9


@dataclass(frozen=True)
class Augmented:
    """What was written.

    Attributes:
        folder: with the images, `labels.csv` and `manifest.csv`.
        originals: training images written as they are.
        unchanged: rows whose label is already what it should be; they are among the originals, or written as they are.
        edited: confirmed copies.
        dropped: copies that the factor's probe does not confirm; they are in the manifest only.
        clipped: copies, confirmed or not, whose edit ended early because the data do, or for the budget.
        others_changed: share of the confirmed copies in which the probe of each other factor now reads something else.
    """

    folder: Path
    originals: int
    unchanged: int
    edited: int
    dropped: int
    clipped: int
    others_changed: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {**asdict(self), "folder": str(self.folder)}


def augment(
    editor: Editor,
    dataset: Dataset,
    folder: Path,
    *,
    factor: str,
    independent_of: str | None = None,
    residual: bool = True,
    budget: float | None = None,
    originals: bool = True,
    seed: int = 0,
) -> Augmented:
    """Write a folder that `unweave init` reads: training images, and copies of them with one factor edited.

    Args:
        editor: of a model of these data.
        dataset: its labelled training rows are used.
        folder: to be made.
        factor: to be edited.
        independent_of: make the factor independent of this one, its own margin kept; None makes its labels even.
        residual, budget: see `edited_copies`.
        originals: whether all training images are written too, as they are; else each row once, edited or unchanged.
        seed: of which row gets which label.

    Raises:
        ConfigError: there is no such factor, or something is at `folder` already.
        DataError: the data are vectors, or too few rows have the labels.
    """
    if folder.exists():
        raise ConfigError(f"{folder} is there already. Remove it, or choose another place.")
    if dataset.store.kind != "images":
        raise DataError("the data are vectors: there are no images to edit.")
    if independent_of == factor:
        raise ConfigError(f"{factor} cannot be independent of itself. Name two different factors.")
    rows, table = _labelled(dataset, [factor, *([independent_of] if independent_of else [])])
    if independent_of is None:
        wanted = balanced_labels(table, factor, seed=seed)
    else:
        wanted = independent_labels(table, factor, independent_of, seed=seed)
    now = table.values[:, table.index(factor)]
    same = np.abs(wanted - now) <= _SAME
    images = np.asarray(dataset.observations(rows), dtype=np.uint8)
    copies = edited_copies(editor, images[~same], factor, wanted[~same], residual=residual, budget=budget)
    writer = _Writer(table, dataset.store.ids[rows], factor)
    with atomic_folder(folder) as part:
        for row in range(len(rows)) if originals else np.flatnonzero(same):
            writer.original(part, int(row), images[row])
        for place, row in enumerate(np.flatnonzero(~same)):
            writer.copy(part, int(row), copies, place)
        writer.finish(part)
    sure = copies.confirmed
    return Augmented(
        folder=folder,
        originals=len(rows) if originals else int(same.sum()),
        unchanged=int(same.sum()),
        edited=int(sure.sum()),
        dropped=int((~sure).sum()),
        clipped=int((copies.kept < 1).sum()),
        others_changed={
            name: float(copies.changed[sure, k].mean()) if sure.any() else 0.0 for k, name in enumerate(copies.others)
        },
    )


def _labelled(dataset: Dataset, names: Sequence[str]) -> tuple[NDArray[np.int64], FactorTable]:
    """Training rows that have all these labels, and all their labels."""
    train = dataset.splits.train
    known = dataset.table.select(names).known[train].all(axis=1)
    rows = train[known]
    if len(rows) < 2:
        raise DataError(f"{len(rows)} training rows have a label of {' and '.join(names)}. Label some more.")
    return rows, dataset.table.take(rows)


class _Writer:
    """Writes images, and gathers the rows of the two tables."""

    def __init__(self, table: FactorTable, ids: NDArray[np.str_], factor: str) -> None:
        self.table, self.ids, self.factor = table, ids, factor
        self.column = table.index(factor)
        self.labels: list[list[str]] = [["file", "source", *table.names]]
        self.manifest: list[list[str]] = [
            ["file", "source", "factor", "from", "to", "read", "confirmed", "kept", "distance", "others_changed"]
        ]

    def original(self, part: Path, row: int, image: NDArray[np.uint8]) -> None:
        name = f"{row:06d}.png"
        (part / name).write_bytes(png_of(image))
        self.labels.append([name, str(self.ids[row]), *self._cells(row)])

    def copy(self, part: Path, row: int, copies: Copies, place: int) -> None:
        sure = bool(copies.confirmed[place])
        name = f"{row:06d}-edited.png" if sure else ""
        kind = self.table.factors[self.column]
        before, to, said = (
            _cell(kind, float(x))
            for x in (self.table.values[row, self.column], copies.wanted[place], copies.said[place])
        )
        changed = ";".join(n for n, c in zip(copies.others, copies.changed[place], strict=True) if c)
        numbers = f"{copies.kept[place]:.4g}", f"{copies.distance[place]:.4g}"
        shown = ("no", "yes")[sure]
        self.manifest.append([name, str(self.ids[row]), self.factor, before, to, said, shown, *numbers, changed])
        if sure:
            (part / name).write_bytes(png_of(copies.images[place]))
            cells = self._cells(row)
            cells[self.column] = to
            self.labels.append([name, str(self.ids[row]), *cells])

    def finish(self, part: Path) -> None:
        for name, lines in ((LABELS, self.labels), (MANIFEST, self.manifest)):
            with (part / name).open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows(lines)

    def _cells(self, row: int) -> list[str]:
        known, values = self.table.known[row], self.table.values[row]
        return [_cell(f, float(v)) if k else "" for f, v, k in zip(self.table.factors, values, known, strict=True)]


def _cell(factor: Factor, value: float) -> str:
    if factor.is_discrete:
        return factor.values[round(value)] if factor.values else str(round(value))
    return f"{value:.9g}"
