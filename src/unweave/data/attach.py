"""Labels that lie beside the observations: a label file, or the folders that files are sorted into."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from unweave.core.errors import DataError
from unweave.data.join import Joined, file_column, join_labels
from unweave.data.sources.folder import class_folders
from unweave.data.store import ImageStore
from unweave.data.tables import read_label_file

FOUND_BY_THEMSELVES = ("labels.csv", "metadata.csv", "metadata.jsonl")
"""Label files that need not be named in the configuration, the first that is there counts."""


def attach_labels(store: ImageStore, given: str | None, *, root: Path, folder: Path | None) -> ImageStore:
    """The store with the columns of its label file beside, or in place of, those that its source holds.

    Without a label file in, or next to, a folder of images, the `metadata` files of its sub-folders count; without
    those, and with at least two sub-folders that hold images, a file's folder is its `label`.

    Args:
        store: of the source.
        given: `data.labels`, relative to `root`, or None to look for a file.
        root: the project folder.
        folder: the folder of images, or None for another source.
    """
    paths = [_given(given, root)] if given is not None else _found(folder) if folder is not None else []
    if not paths:
        classes = class_folders(store.ids.tolist()) if folder is not None else None
        return store if classes is None else replace(store, columns=classes)
    where = ", ".join(_short(path, root) for path in paths)
    table = _read(paths, folder)
    skipped = [skip.name for skip in store.report.skipped]
    joined = join_labels(table, store.ids, store.source_rows, skipped=skipped, where=where)
    label_files = {path.relative_to(folder).as_posix() for path in paths if folder in path.parents} if folder else set()
    report = store.report.model_copy(
        update={
            "label_file": where,
            "unlabelled": joined.unlabelled,
            "orphans": joined.orphans,
            "left_out_columns": {**store.report.left_out_columns, **joined.left_out},
            "other_files": tuple(name for name in store.report.other_files if name not in label_files),
        }
    )
    return replace(store, columns=_beside(store.columns, joined), report=report)


def _beside(columns: pa.Table, joined: Joined) -> pa.Table:
    kept = columns.drop_columns([name for name in columns.column_names if name in joined.columns.column_names])
    schema = pa.schema([*kept.schema, *joined.columns.schema])
    return pa.table([*kept.columns, *joined.columns.columns], schema=schema)


def _given(given: str, root: Path) -> Path:
    path = root / given
    if path.is_file():
        return path
    beside = sorted(entry.name for entry in path.parent.iterdir()) if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, beside, n=1)
    raise DataError(
        f"data.labels: there is no file {given!r} (looked for {path.absolute()}). "
        + (f"Did you mean {near[0]!r}?" if near else "Correct the path, or remove `labels`.")
    )


def _found(folder: Path) -> list[Path]:
    places = [place / name for place in (folder, folder.absolute().parent) for name in FOUND_BY_THEMSELVES]
    beside = [path for path in places if path.is_file()]
    if beside:
        return beside[:1]
    return sorted(path for name in ("metadata.csv", "metadata.jsonl") for path in folder.rglob(name))


def _read(paths: Sequence[Path], folder: Path | None) -> pa.Table:
    """All label files below one another; names in a file of a sub-folder are relative to that sub-folder."""
    tables = []
    for path in paths:
        table = read_label_file(path)
        key = file_column(table)
        if folder is not None and folder in path.parent.parents and key is not None:
            prefix = path.parent.relative_to(folder).as_posix()
            names = [None if name is None else f"{prefix}/{name}" for name in table.column(key).to_pylist()]
            table = table.set_column(table.column_names.index(key), key, pa.array(names, type=pa.string()))
        tables.append(table)
    return pa.concat_tables(tables, promote_options="permissive")


def _short(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if root in path.parents else str(path)
