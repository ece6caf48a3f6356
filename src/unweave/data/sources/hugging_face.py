"""A Hugging Face dataset saved on disk (`dataset.save_to_disk`), read without the `datasets` library."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from unweave.core.errors import DataError
from unweave.data.file_index import ListedFile
from unweave.data.sources.base import Batch, Observed
from unweave.data.sources.batches import Payloads
from unweave.data.sources.image_column import find_image_column, observed, payloads

_STATE = "state.json"
_SPLITS = "dataset_dict.json"


def is_saved_dataset(folder: Path) -> bool:
    """Whether the folder holds a dataset, or a dictionary of datasets, that `save_to_disk` made."""
    return (folder / _STATE).is_file() or (folder / _SPLITS).is_file()


class HuggingFaceSource:
    """The rows of a saved dataset; of a dictionary of splits, the rows of all of them, one split after another."""

    kind: Literal["images"] = "images"
    folder = None
    settings = ""

    def __init__(self, folder: Path) -> None:
        self.where = str(folder)
        splits = _json(folder / _SPLITS)["splits"] if (folder / _SPLITS).is_file() else [""]
        paths = {split: _data_files(folder / split) for split in splits}
        self.files: Sequence[ListedFile] = [ListedFile.at(path) for files in paths.values() for path in files]
        # The tables are mapped into memory, not read.
        self._tables = {split: [_table(path) for path in files] for split, files in paths.items()}
        every = [table for tables in self._tables.values() for table in tables]
        if not every:
            raise DataError(f"{self.where}: the dataset has no data files. Save it again with save_to_disk.")
        self._image = find_image_column(every[0].schema, self.where)
        self._all = pa.concat_tables(every, promote_options="permissive")
        self._features = every[0].schema.metadata

    def open(self) -> Observed:
        """Names and labels of all rows; with several splits, names begin with the split."""
        paths: list[str | None] = []
        for split, tables in self._tables.items():
            prefix = f"{split}/" if split else ""
            for table in tables:
                paths.extend(None if p is None else prefix + p for p in self._paths(table))
        labels = self._all.drop_columns([self._image]).replace_schema_metadata(self._features)
        return observed(labels, paths)

    def batch(self, start: int, stop: int) -> Batch:
        """Some rows."""
        images = self._all.column(self._image).slice(start, stop - start)
        return Payloads(tuple(payload for chunk in images.chunks for payload in payloads(chunk, Path(self.where))))

    def _paths(self, table: pa.Table) -> list[str | None]:
        column = table.column(self._image)
        if not (pa.types.is_struct(column.type) and column.type.get_field_index("path") >= 0):
            return [None] * table.num_rows
        return [path for chunk in column.chunks for path in chunk.field("path").to_pylist()]


def _data_files(folder: Path) -> list[Path]:
    return [folder / entry["filename"] for entry in _json(folder / _STATE)["_data_files"]]


def _table(path: Path) -> pa.Table:
    try:
        table = pa.ipc.open_stream(pa.memory_map(str(path))).read_all()
        # Damaged offsets point outside of the file, and following them ends the process.
        table.validate(full=True)
        return table
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} is no Arrow file that can be read: {error}. Save the dataset again.") from error


def _json(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}. Save the dataset again with save_to_disk.") from error
    return found
