"""Label files: CSV, JSON lines or Parquet, as raw columns."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from unweave.core.errors import DataError
from unweave.core.files import storage_errors
from unweave.data.columns import from_rows

LABEL_SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")


def read_label_file(path: Path) -> pa.Table:
    """The columns of a label file; an empty cell is null.

    Raises:
        DataError: the file cannot be understood; the message names the line.
        StorageError: it cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix not in LABEL_SUFFIXES:
        raise DataError(f"{path}: a label file is a {', '.join(LABEL_SUFFIXES)} file, this is {suffix or 'none'}.")
    with storage_errors(path, "read"):
        if suffix == ".parquet":
            try:
                return pq.read_table(path)
            except pa.ArrowException as error:
                raise DataError(f"{path} is no Parquet file that can be read: {error}.") from error
        text = _text(path)
    return _json_lines(text, path) if suffix == ".jsonl" else _csv(text, path)


def _text(path: Path) -> str:
    content = path.read_bytes()
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path}, line {line}: the text is not UTF-8. Save the file with the encoding UTF-8."
        ) from error


def _csv(text: str, path: Path) -> pa.Table:
    # A spreadsheet in a country with decimal commas separates cells by semicolons.
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}.") from error
    if not any(header):
        raise DataError(f"{path} is empty; expected a first line with column names such as `file,pose,smile`.")
    twice = sorted(name for name, count in Counter(header).items() if count > 1 and name)
    if twice:
        raise DataError(f"{path}: column names must differ, these come twice: {', '.join(twice)}.")
    for line, row in rows:
        if len(row) != len(header):
            raise DataError(
                f"{path}, line {line}: expected {len(header)} cells as in the first line, got {len(row)}. "
                "A cell that contains the separator must stand in quotes."
            )
    columns = {
        name: pa.array([row[place].strip() or None for _, row in rows], type=pa.string())
        for place, name in enumerate(header)
        if name
    }
    return pa.table(columns)


def _json_lines(text: str, path: Path) -> pa.Table:
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}, line {number}: {error}. Each line must be one JSON object.") from error
        if not isinstance(row, dict):
            raise DataError(f"{path}, line {number}: expected a JSON object, got {line[:40]!r}.")
        rows.append(row)
    return from_rows(rows)
