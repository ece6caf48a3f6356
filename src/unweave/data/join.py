"""Label rows to the observations that they are about."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from unweave.core.errors import DataError
from unweave.data.columns import is_scalar
from unweave.data.images import image_extensions

FILE_COLUMNS = ("file", "file_name", "filename", "image", "path", "image_path", "id")
"""Names of the column that says which observation a row is about, the first that is there counts."""


@dataclass(frozen=True)
class Joined:
    """Label columns with one row per observation, and what did not match.

    Attributes:
        columns: null where an observation has no row.
        unlabelled: observations without a row.
        orphans: rows without an observation, as the label file calls them.
        left_out: columns that cannot be labels, and why.
    """

    columns: pa.Table
    unlabelled: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)


def join_labels(
    table: pa.Table, ids: NDArray[np.str_], source_rows: NDArray[np.int64], *, skipped: Sequence[str], where: str
) -> Joined:
    """Match label rows with observations by name, or by position where the file names none.

    A name matches exactly, else in another Unicode form or with backslashes, else as the end of a longer path, else
    by its last part where that is the only one; else in the same ways without extension and in small letters.

    Args:
        table: the label file.
        ids: names of the observations.
        source_rows: their rows in the source.
        skipped: names of observations that the source has and the store has not; their rows are no orphans.
        where: the label file, for messages.

    Raises:
        DataError: two rows contradict each other, no row matches, or rows cannot be matched at all.
    """
    key = file_column(table)
    left_out = {n: "its cells are no words or numbers" for n in table.column_names if not is_scalar(table[n].type)}
    labels = table.drop_columns([*left_out, *([key] if key else [])])
    if key is None:
        total = len(ids) + len(skipped)
        if table.num_rows != total:
            raise DataError(
                f"{where}: no column says which observation a row is about (`file`), and the {table.num_rows} rows "
                f"are not as many as the {total} observations. Add a column `file` with their names."
            )
        return Joined(labels.take(pa.array(source_rows)), left_out=left_out)
    names = [None if name is None else str(name) for name in table.column(key).to_pylist()]
    if not names:
        raise DataError(f"{where} has column names and no row below them. Fill it, or do without it.")
    rows, orphans = _match(names, ids, skipped, labels, where)
    if (rows < 0).all():
        raise DataError(
            f"{where}: none of its {len(names)} rows names an observation: it says {_shown(names)}, "
            f"the data have {_shown(ids.tolist())}. Correct the column {key!r}."
        )
    unlabelled = tuple(ids[rows < 0].tolist())
    return Joined(labels.take(pa.array(rows, mask=rows < 0)), unlabelled, orphans, left_out)


def file_column(table: pa.Table) -> str | None:
    """The column that names observations."""
    lower = {name.lower(): name for name in reversed(table.column_names)}
    return next((lower[name] for name in FILE_COLUMNS if name in lower), None)


def _match(
    names: Sequence[str | None], ids: NDArray[np.str_], skipped: Sequence[str], labels: pa.Table, where: str
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Label row of each observation, -1 for none; and the names that match nothing."""
    every = [*ids.tolist(), *skipped]
    rows = np.full(len(every), -1, dtype=np.int64)
    left = list(enumerate(names))
    for form in (_plain, _loose):
        finder, taken, still = _Finder(every, form), rows >= 0, []
        for row, name in left:
            place = None if name is None else finder.place(name)
            if place is None or taken[place]:
                still.append((row, name))
            elif rows[place] < 0:
                rows[place] = row
            elif labels.slice(rows[place], 1) != labels.slice(row, 1):
                raise DataError(
                    f"{where}: rows {rows[place] + 1} and {row + 1} are both about {every[place]!r} and differ. "
                    "Remove one of them."
                )
        left = still
    orphans = tuple(f"row {row + 1} (without a name)" if name is None else name for row, name in left)
    return rows[: len(ids)], orphans


class _Finder:
    """Observations by name in one form; what two of them share, matches neither."""

    def __init__(self, ids: Sequence[str], form: Callable[[str], str]) -> None:
        self._ids, self._form = ids, form
        self._exact = {name: place for place, name in enumerate(ids)}

    def place(self, name: str) -> int | None:
        """Place of the observation that a label row calls `name`."""
        if name in self._exact:
            return self._exact[name]
        whole, last = self._indices
        parts = PurePosixPath(self._form(name)).parts
        for start in range(len(parts)):
            place = whole.get("/".join(parts[start:]))
            if place is not None:
                return place
        return last.get(parts[0]) if len(parts) == 1 else None

    @functools.cached_property
    def _indices(self) -> tuple[dict[str, int | None], dict[str, int | None]]:
        """Places by whole name and by its last part. Made when needed: for 100,000 files it takes a second."""
        whole: dict[str, int | None] = {}
        last: dict[str, int | None] = {}
        for place, name in enumerate(self._ids):
            key = self._form(name)
            for index, part in ((whole, key), (last, key.rpartition("/")[2])):
                index[part] = None if part in index else place
        return whole, last


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip().replace("\\", "/")).removeprefix("./")


def _loose(name: str) -> str:
    """Without the extension of an image, in small letters."""
    path = PurePosixPath(_plain(name))
    return str(path.with_suffix("") if path.suffix.lower() in image_extensions() else path).casefold()


def _shown(names: Sequence[str | None]) -> str:
    return ", ".join(repr(name) for name in names[:3]) + (", …" if len(names) > 3 else "")
