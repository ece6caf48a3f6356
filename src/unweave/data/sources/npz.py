"""Images and their factors in one .npz file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from unweave.core.errors import DataError
from unweave.data.columns import with_values
from unweave.data.file_index import ListedFile
from unweave.data.sources.arrays import ArrayStream, members
from unweave.data.sources.base import Batch, Observed
from unweave.data.sources.batches import Rows

_NAMES = ("files", "file", "names", "ids")


class NpzSource:
    """`images` uint8 (N, H, W[, C]) and label columns, as `npz_columns` finds them."""

    kind: Literal["images"] = "images"
    folder = None
    settings = ""

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self.files: Sequence[ListedFile] = [ListedFile.at(path)]
        self._arrays = members(path)
        if "images" not in self._arrays:
            raise DataError(
                f"{path}: expected an array `images`, the file has {', '.join(self._arrays) or 'no arrays'}. "
                "Save it with numpy.savez(path, images=…)."
            )
        self._images = self._arrays["images"]
        _check_images(self._images, path)

    def open(self) -> Observed:
        """Names and labels of the images."""
        others = {name: array for name, array in self._arrays.items() if name != "images"}
        return npz_columns(others, rows=self._images.shape[0], where=self.where)

    def batch(self, start: int, stop: int) -> Batch:
        """Some images."""
        return Rows(self._images[start:stop])


def npz_columns(arrays: Mapping[str, ArrayStream], *, rows: int, where: str) -> Observed:
    """Label columns of an .npz file.

    Either `factors` (N, K) and `factor_names` (K,), or every one-dimensional array of length N is a column of its
    own name. `values_<factor>` turns the codes of a factor into names. `files` or `names` name the rows.
    """
    left_out: dict[str, str] = {}
    raw: dict[str, NDArray[Any]] = {}
    names = next((_texts(arrays[key]) for key in _NAMES if key in arrays and arrays[key].shape == (rows,)), None)
    if "factors" in arrays:
        raw = _matrix(arrays, rows, where)
    for key, array in arrays.items():
        if key in ("factors", "factor_names", *_NAMES) or key.startswith("values_"):
            continue
        if "factors" in arrays:
            left_out[key] = "it is not among `factor_names`"
        elif array.shape != (rows,):
            left_out[key] = f"its shape {array.shape} is not ({rows},)"
        else:
            raw[key] = array[:]
    fields, columns = [], []
    for name, cells in raw.items():
        values = arrays.get(f"values_{name}")
        field, column = _named(name, cells, None if values is None else _texts(values), where)
        fields.append(field)
        columns.append(column)
    usable = names if names is not None and len(set(names)) == rows else [str(row) for row in range(rows)]
    return Observed(usable, pa.table(columns, schema=pa.schema(fields)), left_out_columns=left_out)


def _check_images(images: ArrayStream, path: Path) -> None:
    shape = images.shape
    if images.dtype != np.uint8:
        raise DataError(
            f"{path}: `images` must be uint8 with 0 for black and 255 for white, it is {images.dtype}. "
            "Save (images * 255).round().astype('uint8') if they lie in [0, 1]."
        )
    if len(shape) == 4 and shape[1] in (1, 3) and shape[3] not in (1, 3, 4):
        raise DataError(
            f"{path}: `images` must have the channels last, (N, H, W, C), they are {shape}. "
            "Save images.transpose(0, 2, 3, 1)."
        )
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (1, 3, 4)) or 0 in shape:
        raise DataError(f"{path}: `images` must be (N, H, W) or (N, H, W, 1 | 3 | 4) and not empty, they are {shape}.")


def _matrix(arrays: Mapping[str, ArrayStream], rows: int, where: str) -> dict[str, NDArray[Any]]:
    factors = arrays["factors"][:]
    names = _texts(arrays["factor_names"]) if "factor_names" in arrays else None
    if factors.ndim != 2 or len(factors) != rows or names is None or len(names) != factors.shape[1]:
        raise DataError(
            f"{where}: `factors` must be ({rows}, K) with K names in `factor_names`; "
            f"it is {factors.shape} with {'no' if names is None else len(names)} names."
        )
    return {name: factors[:, column] for column, name in enumerate(names)}


def _named(name: str, cells: NDArray[Any], values: list[str] | None, where: str) -> tuple[pa.Field, pa.Array]:
    """A column of codes, or of the names that the codes stand for; a negative code is a missing label."""
    if cells.dtype.kind == "S":
        cells = np.char.decode(cells, "utf-8")
    if values is None or cells.dtype.kind not in "iu":
        column = pa.array(
            cells.tolist() if cells.dtype.kind == "U" else np.asarray(cells, cells.dtype.newbyteorder("="))
        )
        return pa.field(name, column.type), column
    if cells.max(initial=0) >= len(values):
        row = int(cells.argmax())
        raise DataError(
            f"{where}: factor {name!r} has code {cells[row]} in row {row}, but `values_{name}` has {len(values)} names "
            f"(codes 0 to {len(values) - 1})."
        )
    column = pa.array([values[code] if code >= 0 else None for code in cells.tolist()], type=pa.string())
    return with_values(pa.field(name, pa.string()), values), column


def _texts(array: ArrayStream) -> list[str]:
    return [cell.decode() if isinstance(cell, bytes) else str(cell) for cell in array[:].tolist()]
