"""What edits of held-out faces do, as a judge of pixels says; used by `faces_edits.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.codes import Codes
from unweave.core.factors import FactorTable
from unweave.core.model import LatentModel
from unweave.core.observations import as_decoded
from unweave.core.seeds import generator
from unweave.signatures.apply import edit_codes
from unweave.signatures.edit import Edit, Set
from unweave.signatures.editor import Editor
from unweave.signatures.leakage import measure_leakage
from unweave.signatures.leakage.judge import Judge
from unweave.signatures.residual import add_residual

DRAWS = 1000


class EachItsOwn:
    """A model that draws several edits of each of some pictures, in their order, by what it knows of the picture.

    It encodes the pictures once; what it decodes afterwards are edits of these.
    """

    def __init__(self, model: LatentModel) -> None:
        self.model, self.latent = model, model.latent

    def encode(self, observations: NDArray[Any]) -> Codes:
        self.images, codes = observations, self.model.encode(observations)
        self.drawn = self.model.decode(codes.mean)
        return codes


class OnOriginals(EachItsOwn):
    """The originals with the decoder's change added."""

    def decode(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        each = len(codes) // len(self.images)
        before, originals = (np.repeat(x, each, axis=0) for x in (self.drawn, as_decoded(self.images)))
        return add_residual(originals, before, self.model.decode(codes))


class Tuned(EachItsOwn):
    """Each picture by a decoder of its own, one per picture that may come, known by its pixels."""

    def __init__(self, editor: Editor, images: NDArray[np.uint8], editors: Sequence[Editor]) -> None:
        super().__init__(editor.model)
        self.own = {image.tobytes(): e.model for image, e in zip(images, editors, strict=True)}

    def decode(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        parts = np.split(codes, len(self.images))
        return np.concatenate([self.own[x.tobytes()].decode(z) for x, z in zip(self.images, parts, strict=True)])


def reading(editor: Editor, images: NDArray[np.uint8], table: FactorTable) -> str:
    """Squared error of what is drawn anew, and the share of labels that the signatures' probes read right."""
    codes = editor.model.encode(images).mean
    error = ((editor.model.decode(codes) - as_decoded(images)) ** 2).mean()
    told = {
        name: (editor.signatures[name].reader.read(codes) == table.values[:, table.index(name)]).mean().round(2)
        for name in editor.signatures.names
    }
    return f"{len(images)} pictures, squared error {error:.4f}, read right {told}"


def measured(
    editor: Editor, models: Mapping[str, LatentModel], images: NDArray[np.uint8], table: FactorTable, judge: Judge
) -> None:
    """Tables, as Markdown: what is said after a factor is set, and leakage.

    Args:
        editor: whose signatures are used.
        models: what draws, by name; codes of all are the editor's.
        images, table: to be edited, and their labels.
        judge: of pixels.
    """
    names = table.names
    print("\n| pictures | set | is read so | " + " | ".join(f"{n} stays" for n in names) + " |")
    print("|:--|:--|--:|" + "--:|" * len(names))
    for name, model in models.items():
        for factor in editor.signatures.names:
            print(
                f"| {name} | {factor} | " + " | ".join(_after_set(editor, model, images, table, judge, factor)) + " |",
                flush=True,
            )
    print("\n| pictures | moves | gain | " + " | ".join(names) + " |\n|:--|:--|--:|" + "--:|" * len(names))
    for name, model in models.items():
        (found,) = measure_leakage(model, editor.signatures, images, table, [judge], rows=len(images))
        for moved, row in found.matrix.rows.items():
            cells = dict(zip(row.factors, zip(row.values, row.intervals, strict=True), strict=True))
            shown = ("1" if f == moved else "–" if f not in cells else _cell(cells[f][0], *cells[f][1]) for f in names)
            print(f"| {name} | {moved} | {row.gain:.2f} | " + " | ".join(shown) + " |", flush=True)
        for factor, why in found.matrix.left_out.items():
            print(f"- {name}: {factor} is left out: {why}")


def _after_set(
    editor: Editor, model: LatentModel, images: NDArray[np.uint8], table: FactorTable, judge: Judge, factor: str
) -> list[str]:
    """Shares of edits, over all labels that a picture does not have: is read so, and each factor stays what it is."""
    codes, at = model.encode(images).mean, table.index(factor)
    columns = [[f.name for f in judge.factors].index(name) for name in table.names]
    rows, shares = [], []
    for value, label in enumerate(table.factors[at].values or ()):
        told = judge(model.decode(edit_codes(editor.signatures, codes, Edit({factor: Set(label)})).codes))[:, columns]
        others = table.values[:, at] != value
        rows.append(np.flatnonzero(others))
        shares.append(np.column_stack([told[:, at] == value, told == table.values])[others].astype(float))
    cells = _shares(np.concatenate(rows), np.concatenate(shares))
    return ["–" if k == at + 1 else cell for k, cell in enumerate(cells)]


def _shares(rows: NDArray[np.int64], right: NDArray[np.float64]) -> list[str]:
    """Means of the columns of several edits of each row, with intervals over bootstraps of rows."""
    sums = np.stack([np.bincount(rows, column) for column in right.T], axis=1)
    counts = np.bincount(rows)
    drawn = generator(0, "faces shares").integers(len(counts), size=(DRAWS, len(counts)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)[:, None]
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    return [_cell(*cell) for cell in zip(right.mean(axis=0), low, high, strict=True)]


def _cell(value: float, low: float, high: float) -> str:
    return f"{value:.2f} ({low:.2f} to {high:.2f})"
