"""Label files that a person fills in, and filled ones joined with the labels that are there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from unweave.core.errors import ConfigError, DataError
from unweave.core.files import write_text
from unweave.data.columns import Cells
from unweave.data.dataset import Dataset
from unweave.data.join import file_column, join_labels
from unweave.data.tables import read_label_file
from unweave.projects.labels.plan import Plan

_SHOWN = 5


@dataclass(frozen=True)
class Added:
    """What a filled-in file brought.

    Attributes:
        path: the file with all labels.
        new: number of new labels by column.
        empty: cells of the filled-in file that are still empty.
        orphans: its rows that name no observation.
    """

    path: Path
    new: dict[str, int]
    empty: int
    orphans: tuple[str, ...]


def write_plan(plan: Plan, dataset: Dataset, path: Path, *, force: bool = False) -> None:
    """Write `file,factor,…`: planned rows in order, with empty cells to fill in and known labels where there are some.

    Raises:
        ConfigError: the file is there, so that somebody may have filled it in, and `force` is not set.
    """
    check_free(path, force)
    columns = [_texts(dataset, name) for name in plan.names]
    rows = ([dataset.store.ids[row], *(column[row] for column in columns)] for row in plan.rows.tolist())
    write_text(path, _csv(["file", *plan.names], rows))


def add_labels(dataset: Dataset, filled: Path, path: Path, *, force: bool = False) -> Added:
    """Write all labels that the data have, and those of a filled-in file, to a new label file.

    Raises:
        ConfigError: `path` is there and `force` is not set.
        DataError: the file cannot be read, names nothing, or contradicts a label that is there.
    """
    check_free(path, force)
    store = dataset.store
    table = read_label_file(filled)
    if file_column(table) is None:
        raise DataError(
            f"{filled}: no column `file` says which row a label is about. `unweave labels plan` writes one."
        )
    skipped = [skip.name for skip in store.report.skipped]
    joined = join_labels(table, store.ids, store.source_rows, skipped=skipped, where=str(filled))
    names = list(dict.fromkeys([*store.columns.column_names, *joined.columns.column_names]))
    cells, new, empty = [], {}, 0
    for name in names:
        old = _texts(dataset, name)
        if name in joined.columns.column_names:
            fresh = _column_texts(joined.columns, name)
            _check_same(name, old, fresh, store.ids.tolist(), filled)
            new[name] = sum(1 for a, b in zip(old, fresh, strict=True) if b and not a)
            empty += sum(1 for text in _column_texts(table, name) if not text)
            old = [a or b for a, b in zip(old, fresh, strict=True)]
        cells.append(old)
    rows = ([name, *row] for name, *row in zip(store.ids.tolist(), *cells, strict=True) if any(row))
    write_text(path, _csv(["file", *names], rows))
    return Added(path, new, empty, joined.orphans)


def check_free(path: Path, force: bool) -> None:
    """Refuse a file that is there, unless `force` is set: somebody may have filled it in."""
    if path.exists() and not force:
        raise ConfigError(
            f"{path} is there already, and may hold labels. Choose another name with -o, or pass --force."
        )


def _check_same(name: str, old: Sequence[str], fresh: Sequence[str], ids: Sequence[str], where: Path) -> None:
    apart = [(i, a, b) for i, a, b in zip(ids, old, fresh, strict=True) if a and b and a != b]
    if apart:
        shown = "; ".join(f"{i}: {a!r} here, {b!r} there" for i, a, b in apart[:_SHOWN])
        raise DataError(
            f"{where}: {len(apart)} labels of {name!r} contradict those that the data have ({shown}). "
            "Correct one of them."
        )


def _texts(dataset: Dataset, name: str) -> list[str]:
    """Cells of a label column as text, one per row, empty where there is none; all empty without such a column."""
    columns = dataset.store.columns
    return _column_texts(columns, name) if name in columns.column_names else [""] * len(dataset)


def _column_texts(columns: pa.Table, name: str) -> list[str]:
    cells = Cells.of(columns, name).known()
    return [cells.texts[code] if code >= 0 else "" for code in cells.codes.tolist()]


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
