"""CSV and Parquet tables of numbers and labels, a column at a time."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from unweave.core import DataError
from unweave.data.sources.damage import reading

TABLES = (".csv", ".tsv", ".parquet")

_MISSING = ["", "nan", "NaN", "NAN", "NA", "N/A", "null", "None"]


def read_table(path: Path) -> pa.Table:
    """The columns of a table; an empty cell is null. Columns that pandas wrote for its index are left out.

    A CSV file may come without a line of column names, may separate cells by commas, semicolons or tabs, and may write
    decimal commas between semicolons.

    Raises:
        DataError: the file is damaged, or holds no column.
        StorageError: it cannot be read.
    """
    with reading(str(path)):
        table = pq.read_table(path) if path.suffix.lower() == ".parquet" else _csv(path)
    names = [name for name in table.column_names if name and not name.startswith("__index_level_")]
    if not names or len(set(names)) < len(names):
        raise DataError(
            f"{path}: expected columns with different names, one per code or factor, got {', '.join(names) or 'none'}."
        )
    return table.select(names)


def table_column(table: pa.Table, name: str) -> NDArray[Any]:
    """One column (N,) as an array: numbers with NaN, or text with None, where a cell is empty."""
    column = table.column(name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        column = column.cast(pa.string())
    return np.asarray(column.to_numpy())


def vectors(table: pa.Table) -> NDArray[Any] | None:
    """The array (N, D) in the only column of a table whose cells are lists of equal length; None where it has none.

    Raises:
        DataError: lists differ in length, or a cell is empty.
    """
    kind = table.schema.field(0).type
    if table.num_columns != 1 or not (pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind)):
        return None
    rows = table.column(0).to_pylist()
    if any(row is None or len(row) != len(rows[0]) for row in rows):
        raise DataError(f"column {table.column_names[0]!r} holds lists of different lengths. Make them equal.")
    return np.array(rows, dtype=np.float64)


def _csv(path: Path) -> pa.Table:
    content = path.read_bytes()
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        content = content.decode("utf-16").encode()
    content = content.removeprefix(b"\xef\xbb\xbf")
    first, _, rest = content.partition(b"\n")
    delimiter = max(b",;\t", key=first.count)
    comma = delimiter == ord(";") and b"," in rest.partition(b"\n")[0]
    parse = pa_csv.ParseOptions(delimiter=chr(delimiter))
    convert = pa_csv.ConvertOptions(
        null_values=_MISSING, strings_can_be_null=True, decimal_point="," if comma else ".", timestamp_parsers=[]
    )
    named = not _is_data(first, rest.partition(b"\n")[0], bytes([delimiter]))
    options = pa_csv.ReadOptions(autogenerate_column_names=not named)
    return pa_csv.read_csv(io.BytesIO(content), options, parse, convert)


def _is_data(first: bytes, second: bytes, delimiter: bytes) -> bool:
    """Whether the first line of a CSV file is a row of numbers rather than the names of the columns.

    Names 0, 1, 2, … over numbers that are not whole are what pandas writes for an array.
    """
    cells, below = (
        [cell.strip(b' \r"').replace(b",", b".") for cell in line.split(delimiter)] for line in (first, second)
    )
    cells = cells[not cells[0] :]  # the name of an index is empty
    if not cells or not all(_is_number(cell) for cell in cells if cell):
        return False
    counted = cells == [b"%d" % place for place in range(len(cells))]
    return not counted or all(cell.isdigit() for cell in below)


def _is_number(cell: bytes) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
