"""Parquet files with a column of images; the other columns are labels."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from unweave.core.errors import DataError
from unweave.data.file_index import ListedFile
from unweave.data.sources.base import Batch, Observed, Payload
from unweave.data.sources.batches import Payloads
from unweave.data.sources.image_column import find_image_column, observed, payloads

_READ_AHEAD = 64
"""Images that are read at once."""

_BUFFER = 1 << 20


class ParquetSource:
    """The rows of one Parquet file, or of several below one another."""

    kind: Literal["images"] = "images"
    folder = None
    settings = ""

    def __init__(self, paths: Sequence[Path], where: str) -> None:
        self.where = where
        self.files: Sequence[ListedFile] = [ListedFile.at(path) for path in paths]
        self._paths = paths
        self._image = find_image_column(open_parquet(paths[0]).schema_arrow, where)
        self._stream = self._payloads()

    def open(self) -> Observed:
        """Names and labels; of the images only the paths that they carry are read."""
        labels, paths = [], []
        for path in self._paths:
            file = open_parquet(path)
            schema = file.schema_arrow
            others = [name for name in schema.names if name != self._image]
            labels.append(file.read(columns=others).select(others))
            paths.extend(self._image_paths(file))
        return observed(_below(labels, self.where), paths)

    def batch(self, start: int, stop: int) -> Batch:
        """The next rows of the stream."""
        return Payloads(tuple(itertools.islice(self._stream, stop - start)))

    def _payloads(self) -> Iterator[Payload]:
        for path in self._paths:
            file = open_parquet(path)
            try:
                for batch in file.iter_batches(_READ_AHEAD, columns=[self._image]):
                    yield from payloads(batch.column(0), path.parent)
            except (OSError, pa.ArrowException) as error:
                raise DataError(f"{path} is damaged: {error}. Write it again.") from error

    def _image_paths(self, file: pq.ParquetFile) -> list[str | None]:
        kind = file.schema_arrow.field(self._image).type
        if not (pa.types.is_struct(kind) and kind.get_field_index("path") >= 0):
            return [None] * file.metadata.num_rows
        paths = file.read(columns=[f"{self._image}.path"]).column(0).combine_chunks()
        found: list[str | None] = paths.field("path").to_pylist()
        return found


def open_parquet(path: Path) -> pq.ParquetFile:
    """The file, read through a small buffer so that a row group of any size takes little memory."""
    try:
        return pq.ParquetFile(path, buffer_size=_BUFFER)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} is no Parquet file that can be read: {error}.") from error


def _below(tables: Sequence[pa.Table], where: str) -> pa.Table:
    if any(table.schema.names != tables[0].schema.names for table in tables):
        raise DataError(f"{where}: its Parquet files have different columns. Give one file, or make them equal.")
    metadata = tables[0].schema.metadata
    return pa.concat_tables(tables, promote_options="permissive").replace_schema_metadata(metadata)
