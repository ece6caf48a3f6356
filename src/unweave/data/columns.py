"""Raw label columns: an Arrow table with one row per observation, cells as the source had them, null where empty.

What a source knows about a column travels in the metadata of its field: `factor`, a whole `Factor` as JSON (built-in
sets), or `values`, the names of its classes in the order of their codes as a JSON list (`values_<factor>` of an .npz,
`ClassLabel` of a Hugging Face dataset).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from unweave.core.factors import Factor

_MISSING = frozenset({"", "nan", "na", "n/a", "null"})


def known_factor(field: pa.Field) -> Factor | None:
    """The factor that the source declares for a column, if it does."""
    text = (field.metadata or {}).get(b"factor")
    return None if text is None else Factor.model_validate_json(text)


def known_values(field: pa.Field) -> tuple[str, ...] | None:
    """The class names that the source lists for a column, in the order of their codes, if it does."""
    text = (field.metadata or {}).get(b"values")
    return None if text is None else tuple(json.loads(text))


def with_factor(field: pa.Field, factor: Factor) -> pa.Field:
    """The field, carrying its factor."""
    return field.with_metadata({"factor": factor.model_dump_json()})


def with_values(field: pa.Field, values: Sequence[str]) -> pa.Field:
    """The field, carrying its class names."""
    return field.with_metadata({"values": json.dumps(list(values))})


def is_scalar(kind: pa.DataType) -> bool:
    """Whether cells of this type can be labels: text, a number, a truth value, a date."""
    return not (pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def from_rows(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """A table from dictionaries; a key that a row lacks is an empty cell, a column of mixed types becomes text."""
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: _array([row.get(name) for row in rows]) for name in names})


def _array(cells: list[Any]) -> pa.Array:
    try:
        return pa.array(cells)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if cell is None else str(cell) for cell in cells], type=pa.string())


@dataclass(frozen=True)
class Cells:
    """One column taken apart into its different cells.

    Attributes:
        texts: the different cells as text, in order of first appearance.
        codes: int64 (N,), index into `texts`, -1 where the cell is empty.
        values: class names that the source lists, or None.
    """

    texts: tuple[str, ...]
    codes: NDArray[np.int64]
    values: tuple[str, ...] | None = None

    @classmethod
    def of(cls, columns: pa.Table, name: str) -> Cells:
        """The cells of one column."""
        column = columns.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_null(column.type):
            column = column.cast(pa.string())
        elif pa.types.is_duration(column.type):
            column = column.cast(pa.int64())
        elif pa.types.is_temporal(column.type):
            column = column.cast(pa.string())
        coded = column.combine_chunks().dictionary_encode()
        if isinstance(coded, pa.ChunkedArray):
            coded = coded.combine_chunks() if coded.num_chunks != 1 else coded.chunk(0)
        texts = [_text(cell) for cell in coded.dictionary.to_pylist()]
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return cls(*_merged(texts, codes), known_values(columns.field(name)))

    def numbers(self) -> NDArray[np.float64]:
        """`texts` as float64, NaN for a text that is no number."""
        return np.array([number(text) for text in self.texts], dtype=np.float64)

    def known(self) -> Cells:
        """The same with the usual words for "missing" (`NaN`, `NA`, `null`) emptied, unless they name a class."""
        keep = [text.lower() not in _MISSING or text in (self.values or ()) for text in self.texts]
        kept = np.array(keep, dtype=bool)
        places = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1)
        texts = tuple(text for text, stays in zip(self.texts, keep, strict=True) if stays)
        return Cells(texts, places[self.codes], self.values)


def _merged(texts: list[str], codes: NDArray[np.int64]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Cells whose text is the same become one: " a" and "a", 1 and 1.0."""
    places: dict[str, int] = {}
    merged = np.array([places.setdefault(text, len(places)) for text in texts] + [-1], dtype=np.int64)
    return tuple(places), merged[codes]


def _text(cell: Any) -> str:  # noqa: ANN401 - a cell can be anything that Arrow holds
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and math.isfinite(cell) and cell == int(cell) and abs(cell) < 2**53:
        return str(int(cell))
    return str(cell).strip()


def number(text: str) -> float:
    """The number that a cell holds, NaN if it holds none."""
    try:
        # Python reads 1_000 as a number; a table does not mean that.
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan
