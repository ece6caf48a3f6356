"""Vectors: embeddings, states, features, in an .npy or .npz array or a Parquet table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from unweave.core.errors import DataError
from unweave.data.file_index import ListedFile
from unweave.data.sources.arrays import ArrayStream, members
from unweave.data.sources.base import Batch, Observed
from unweave.data.sources.batches import Rows
from unweave.data.sources.image_column import observed
from unweave.data.sources.npz import npz_columns
from unweave.data.sources.parquet import open_parquet

_READ_AHEAD = 4096

_MAGIC = b"\x93NUMPY"


class ArrayVectors:
    """`vectors` (N, F) of an .npz file, whose other arrays are labels, or the array of an .npy file."""

    kind: Literal["vectors"] = "vectors"
    folder = None
    settings = ""

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self.files: Sequence[ListedFile] = [ListedFile.at(path)]
        self._others: dict[str, ArrayStream] = {}
        self._vectors: ArrayStream | NDArray[Any]
        if path.suffix.lower() == ".npz":
            self._others = members(path)
            self._vectors = self._others.pop(_vector_member(self._others, path))
        else:
            with path.open("rb") as file:
                if file.read(len(_MAGIC)) != _MAGIC:  # NumPy would try it as a zip file, and leave it open
                    raise DataError(f"{path} is no array that can be read. Save it with numpy.save.")
            try:
                self._vectors = np.load(path, mmap_mode="r", allow_pickle=False)
            except (ValueError, EOFError) as error:
                raise DataError(f"{path} is no array that can be read: {error}. Save it with numpy.save.") from error
        shape, dtype = self._vectors.shape, self._vectors.dtype
        if len(shape) != 2 or 0 in shape or dtype.kind not in "fiub":
            raise DataError(f"{path}: vectors must be numbers (N, F) and not empty, they are {dtype} {shape}.")

    def open(self) -> Observed:
        """Row numbers, or the names in the file; labels of an .npz file."""
        rows = self._vectors.shape[0]
        if not self._others:
            return Observed([str(row) for row in range(rows)])
        return npz_columns(self._others, rows=rows, where=self.where)

    def batch(self, start: int, stop: int) -> Batch:
        """Some rows."""
        return Rows(np.ascontiguousarray(self._vectors[start:stop]))


class TableVectors:
    """A Parquet table: a column of lists, else all numeric columns, are the vectors; the other columns are labels."""

    kind: Literal["vectors"] = "vectors"
    folder = None

    def __init__(self, path: Path, label_names: Collection[str]) -> None:
        self.where = str(path)
        self.files: Sequence[ListedFile] = [ListedFile.at(path)]
        self._path = path
        schema = open_parquet(path).schema_arrow
        self._features = _feature_columns(schema, label_names, self.where)
        self._others = [name for name in schema.names if name not in self._features]
        self._stream = self._rows()

    @property
    def settings(self) -> str:
        """Which columns are taken, for that depends on the declared factors."""
        return repr(self._features)

    def open(self) -> Observed:
        """Names and labels."""
        file = open_parquet(self._path)
        return observed(file.read(columns=self._others).select(self._others), [None] * file.metadata.num_rows)

    def batch(self, start: int, stop: int) -> Batch:
        """The next rows of the stream."""
        return Rows(np.stack([next(self._stream) for _ in range(start, stop)]))

    def _rows(self) -> Iterator[NDArray[np.float32]]:
        width = None
        for batch in open_parquet(self._path).iter_batches(_READ_AHEAD, columns=self._features):
            block = self._block(batch)
            width = width or block.shape[1]
            if block.shape[1] != width:
                raise self._uneven()
            yield from block

    def _block(self, batch: pa.RecordBatch) -> NDArray[np.float32]:
        if len(self._features) > 1 or not _is_list(batch.schema.field(0).type):
            columns = [batch.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False) for name in self._features]
            return _narrow(np.stack(columns, axis=1))
        lists = batch.column(0)
        if lists.null_count:
            raise DataError(f"{self.where}: {self._features[0]!r} has empty cells. Remove these rows.")
        flat = lists.flatten().cast(pa.float64()).to_numpy(zero_copy_only=False)
        lengths = set(pc.list_value_length(lists).to_pylist())
        if len(lengths) != 1:
            raise self._uneven()
        return _narrow(flat.reshape(len(lists), lengths.pop()))

    def _uneven(self) -> DataError:
        return DataError(f"{self.where}: the vectors in {self._features[0]!r} have different lengths; make them equal.")


def _vector_member(arrays: dict[str, ArrayStream], path: Path) -> str:
    if "vectors" in arrays:
        return "vectors"
    tables = [n for n, a in arrays.items() if len(a.shape) == 2 and a.dtype.kind == "f" and n != "factors"]
    if len(tables) != 1:
        raise DataError(
            f"{path}: expected an array `vectors` (N, F), the file has {', '.join(arrays) or 'no arrays'}. "
            "Save it with numpy.savez(path, vectors=…)."
        )
    return tables[0]


def _feature_columns(schema: pa.Schema, label_names: Collection[str], where: str) -> list[str]:
    free = [field for field in schema if field.name not in label_names]
    lists = [field.name for field in free if _is_list(field.type)]
    usual = [name for name in lists if name in ("vector", "vectors", "embedding", "embeddings")]
    if len(lists) > 1 and not usual:
        raise DataError(
            f"{where}: several columns hold lists: {', '.join(lists)}. Call the one with the vectors `vectors`."
        )
    if lists:
        return [(usual or lists)[0]]
    numeric = [f.name for f in free if _is_number(f.type) and not f.name.startswith("__index_level_")]
    if not numeric:
        raise DataError(
            f"{where}: no column can be part of a vector: all numeric columns are declared as factors, or there are "
            f"none. The columns are: {', '.join(schema.names)}."
        )
    return numeric


def _is_list(kind: pa.DataType) -> bool:
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(lists and _is_number(kind.value_type))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _narrow(values: NDArray[np.float64]) -> NDArray[np.float32]:
    # A number too large becomes infinite, and the row is refused further on.
    with np.errstate(over="ignore"):
        return values.astype(np.float32)
