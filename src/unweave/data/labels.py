"""From raw label columns and declared factors to a FactorTable."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from unweave.core.errors import DataError
from unweave.core.factors import Factor, FactorTable
from unweave.data.columns import Cells, number

Column = tuple[Factor, NDArray[np.float64], NDArray[np.bool_]]


def factor_table(columns: pa.Table, factors: Sequence[Factor], *, ids: Sequence[str] | None = None) -> FactorTable:
    """Labels of the declared factors; empty cells, NaN and null are masked.

    A discrete factor without `values` gets those that occur: in the order that the source lists, else numbers by
    size and words by alphabet. Labels of a circular factor are reduced to [low, high) of its range.

    Args:
        columns: raw label columns, N rows.
        factors: the factors wanted, each of the name of a column.
        ids: names of the rows for messages; None says "row 12".

    Raises:
        DataError: no such column, a value that is not in `values`, a cell that is no number, a number out of range.
    """
    names = ids if ids is not None else [f"row {row}" for row in range(columns.num_rows)]
    made = [_column(columns, factor, names) for factor in factors]
    if not made:
        return FactorTable.empty(columns.num_rows)
    values = np.stack([value for _, value, _ in made], axis=1)
    return FactorTable(tuple(f for f, _, _ in made), values, np.stack([known for _, _, known in made], axis=1))


def natural_order(texts: Sequence[str]) -> list[str]:
    """Numbers by size; else words by alphabet, with the numbers inside them by size (obj2 before obj10)."""

    def key(text: str) -> tuple[list[tuple[int, float, str]], str]:
        parts = re.split(r"(\d+)", text)
        return [(0, float(p), "") if p.isdecimal() else (1, 0.0, p.casefold()) for p in parts if p], text

    try:
        return sorted(texts, key=float)
    except ValueError:
        return sorted(texts, key=key)


def _column(columns: pa.Table, factor: Factor, names: Sequence[str]) -> Column:
    if factor.name not in columns.column_names:
        near = difflib.get_close_matches(factor.name, columns.column_names, n=1)
        raise DataError(
            f"factor {factor.name!r} has no label column. "
            f"The columns are: {', '.join(columns.column_names) or 'none, the data come without labels'}."
            + (f" Did you mean {near[0]!r}?" if near else "")
        )
    cells = Cells.of(columns, factor.name)
    return _classes(factor, cells, names) if factor.is_discrete else _measurements(factor, cells, names)


def _classes(factor: Factor, cells: Cells, names: Sequence[str]) -> Column:
    cells = Cells(cells.texts, cells.codes, factor.values or cells.values).known()
    values = cells.values or tuple(natural_order(cells.texts))
    if factor.values is None and values:
        factor = factor.model_copy(update={"values": values})
    by_text = {value: float(code) for code, value in enumerate(values)}
    # 3 in a column of numbers may be "3.0" or "03" in `values`.
    by_number = {number(value): code for value, code in by_text.items() if np.isfinite(number(value))}
    # One more entry, 0 for the index -1 of an empty cell.
    codes = np.zeros(len(cells.texts) + 1)
    for place, text in enumerate(cells.texts):
        code = by_text.get(text, by_number.get(number(text)))
        if code is None:
            raise _unknown_value(factor, text, _first(cells, place, names))
        codes[place] = code
    return factor, codes[cells.codes], cells.codes >= 0


def _unknown_value(factor: Factor, text: str, where: str) -> DataError:
    values = factor.values or ()
    near = difflib.get_close_matches(text, values, n=1, cutoff=0.5)
    shown = ", ".join(values[:12]) + (", …" if len(values) > 12 else "")
    return DataError(
        f"factor {factor.name!r}: {text!r} is not one of its values ({where}). "
        + (f"Did you mean {near[0]!r}? " if near else "")
        + f"The values are: {shown}. Correct the label, empty the cell, or add {text!r} to `values`."
    )


def _measurements(factor: Factor, cells: Cells, names: Sequence[str]) -> Column:
    cells = cells.known()
    numbers = cells.numbers()
    for place in np.flatnonzero(~np.isfinite(numbers)):
        raise DataError(
            f"factor {factor.name!r} is {factor.kind}: expected a number, got {cells.texts[place]!r} "
            f"({_first(cells, int(place), names)}). Correct the label, empty the cell, "
            "or declare the factor as categorical."
        )
    if factor.kind == "circular" and factor.range is not None:
        turned = np.mod(numbers - factor.range[0], factor.period)
        # A tiny negative number is rounded up to a whole period.
        numbers = factor.range[0] + np.where(turned < factor.period, turned, 0.0)
    elif factor.range is not None:
        low, high = factor.range
        for place in np.flatnonzero((numbers < low) | (numbers > high)):
            raise DataError(
                f"factor {factor.name!r}: {cells.texts[place]} lies outside its range [{low:g}, {high:g}] "
                f"({_first(cells, int(place), names)}); the labels span {numbers.min():g} to {numbers.max():g}. "
                "Correct the label, empty the cell, or widen `range`."
            )
    return factor, np.append(numbers, 0.0)[cells.codes], cells.codes >= 0


def _first(cells: Cells, place: int, names: Sequence[str]) -> str:
    rows = np.flatnonzero(cells.codes == place)
    more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
    return f"{names[int(rows[0])]}{more}"
