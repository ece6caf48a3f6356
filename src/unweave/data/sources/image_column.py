"""Tables with one column of encoded images, as Parquet files and Hugging Face datasets hold them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from unweave.core.errors import DataError
from unweave.data.columns import is_scalar, with_values
from unweave.data.images import Refusal
from unweave.data.join import file_column
from unweave.data.sources.base import Observed, Payload
from unweave.data.sources.batches import read_file

_USUAL_NAMES = ("image", "images", "img", "picture", "photo")


def find_image_column(schema: pa.Schema, where: str) -> str:
    """The column of images: declared by Hugging Face, else of bytes or {bytes, path}, else called `image`.

    Raises:
        DataError: there is none, or it is not clear which.
    """
    declared = [name for name, feature in features(schema).items() if feature.get("_type") == "Image"]
    found = [name for name in declared if name in schema.names] or [f.name for f in schema if _holds_bytes(f.type)]
    usual = [name for name in _USUAL_NAMES if name in found]
    if len(found) != 1 and not usual:
        raise DataError(
            f"{where}: expected one column of images (the bytes of PNG, JPEG, … files), found "
            f"{'several: ' + ', '.join(found) if found else 'none'}. The columns are: {', '.join(schema.names)}. "
            "Call the column `image`."
        )
    return usual[0] if usual else found[0]


def features(schema: pa.Schema) -> Mapping[str, Mapping[str, Any]]:
    """What Hugging Face says about each column, if it says anything."""
    try:
        info = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        found = info.get("info", {}).get("features", {})
    except (ValueError, AttributeError):
        return {}
    return {name: feature for name, feature in found.items() if isinstance(feature, dict)}


def observed(labels: pa.Table, paths: Sequence[str | None]) -> Observed:
    """Names and label columns.

    Args:
        labels: all columns but that of the images, N rows.
        paths: the path that each image carries, or None.
    """
    left_out = {}
    fields, columns = [], []
    for field, column in zip(labels.schema, labels.columns, strict=True):
        if field.name.startswith("__index_level_"):
            continue
        if not is_scalar(field.type):
            left_out[field.name] = f"its cells are {field.type}, not words or numbers"
            continue
        names = features(labels.schema).get(field.name, {}).get("names")
        if names and pa.types.is_integer(field.type):
            field, column = _named(field, column, names)
        fields.append(field.with_nullable(True))
        columns.append(column)
    table = pa.table(columns, schema=pa.schema(fields)) if fields else None
    return Observed(_names(labels, paths), table, left_out_columns=left_out)


def payloads(images: pa.Array, folder: Path) -> list[Payload]:
    """The bytes of each image; an empty cell is refused. A path without bytes is relative to `folder`."""
    return [_payload(cell, folder) for cell in images.to_pylist()]


def _payload(cell: bytes | Mapping[str, Any] | None, folder: Path) -> Payload:
    if isinstance(cell, bytes):
        return cell
    if cell is not None and cell.get("bytes") is not None:
        return bytes(cell["bytes"])
    if cell is not None and cell.get("path"):
        return read_file(str(folder / cell["path"]))
    return Refusal("the table has no image in this row")


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(kind.field(i).name == "bytes" and _holds_bytes(kind.field(i).type) for i in range(kind.num_fields))
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _named(field: pa.Field, column: pa.ChunkedArray, names: Sequence[str]) -> tuple[pa.Field, pa.Array]:
    """A column of class codes as names; Hugging Face writes -1 for a missing label."""
    cells = [names[code] if code is not None and 0 <= code < len(names) else None for code in column.to_pylist()]
    return with_values(pa.field(field.name, pa.string()), names), pa.array(cells, type=pa.string())


def _names(labels: pa.Table, paths: Sequence[str | None]) -> list[str]:
    column = file_column(labels)
    for names in (paths, labels.column(column).to_pylist() if column is not None else ()):
        if len(names) == len(paths) and None not in names and len(set(map(str, names))) == len(paths):
            return [str(name) for name in names]
    return [str(row) for row in range(len(paths))]
