"""Guessing what kind of factor a raw label column is, for projects that declare none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from unweave.core.factors import Factor
from unweave.data.columns import Cells, is_scalar, known_factor
from unweave.data.labels import natural_order

_FEW_LEVELS = 20
_CIRCLES: Mapping[str, tuple[float, ...]] = {
    r"rotation|orientation|angle|azimuth|heading|hue|direction|yaw|roll|phase": (360.0, 2 * np.pi, 1.0),
    r"hour": (24.0,),
    r"minute|second": (60.0,),
    r"weekday|day_?of_?week": (7.0,),
    r"month": (12.0,),
}
"""What a name may turn around: the period of the column, in the units that its values suggest."""


@dataclass(frozen=True)
class FactorGuess:
    """What the columns look like.

    Attributes:
        factors: one per column that can be a factor, in column order.
        left_out: why the other columns are none, by name.
    """

    factors: tuple[Factor, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)


def guess_factors(columns: pa.Table) -> FactorGuess:
    """Guess kinds from names and cells; what the source declares is taken as it is.

    Words are categorical, up to 20 whole numbers ordinal, more numbers continuous; a column called like an angle or
    an hour whose values fill one turn on an even grid is circular.
    """
    factors: list[Factor] = []
    left_out: dict[str, str] = {}
    for name in columns.column_names:
        declared = known_factor(columns.field(name))
        guess = declared or _guess(columns, name)
        if isinstance(guess, Factor):
            factors.append(guess)
        else:
            left_out[name] = guess
    return FactorGuess(tuple(factors), left_out)


def _guess(columns: pa.Table, name: str) -> Factor | str:
    """A factor, or the reason why the column is none."""
    if not name.strip():
        return "it has no name"
    if not is_scalar(columns.schema.field(name).type):
        return f"its cells are {columns.schema.field(name).type}, not words or numbers"
    cells = Cells.of(columns, name).known()
    filled = int((cells.codes >= 0).sum())
    if filled == 0:
        return "all its cells are empty"
    if len(cells.texts) == 1:
        return f"it is constant: every label is {cells.texts[0]!r}"
    numbers = cells.numbers()
    if not np.isfinite(numbers).all():
        if len(cells.texts) == filled or len(cells.texts) > max(_FEW_LEVELS, filled // 2):
            return "nearly every label is different, like a name or an id"
        values = cells.values or tuple(natural_order(cells.texts))
        return Factor(name=name, kind="categorical", values=values)
    period = _period(name, numbers)
    if period is not None:
        return Factor(name=name, kind="circular", range=(0.0, period))
    if cells.values is not None:
        return Factor(name=name, kind="ordinal", values=cells.values)
    whole = bool((numbers == np.round(numbers)).all())
    if whole and len(numbers) == filled and _consecutive(numbers):
        return "it counts the rows, like an index"
    if whole and len(numbers) <= _FEW_LEVELS:
        return Factor(name=name, kind="ordinal", values=tuple(natural_order(cells.texts)))
    return Factor(name=name, kind="continuous", range=None)


def _consecutive(numbers: NDArray[np.float64]) -> bool:
    return len(numbers) > _FEW_LEVELS and bool((np.diff(np.sort(numbers)) == 1).all())


def _period(name: str, numbers: NDArray[np.float64]) -> float | None:
    """The period, if the name is that of a circle and the values fill one turn of an even grid, at least by half."""
    values = np.unique(numbers)
    # Three directions can be on any circle or on a line.
    if len(values) < 4:
        return None
    span = values[-1] - values[0]
    step = span / np.round(span / np.diff(values).min())
    places = (values - values[0]) / step
    # Angles in radians are rounded to a few digits.
    if np.abs(places - np.round(places)).max() > 0.01 or 2 * len(values) < places[-1]:
        return None
    for words, periods in _CIRCLES.items():
        if re.search(rf"(?:^|[^a-z])(?:{words})(?:$|[^a-z])", name.casefold()):
            for period in periods:
                # The grid ends one step before the turn is full, or repeats its start at the end.
                if min(abs(span + step - period), abs(span - period)) <= 1e-3 * period:
                    return period
    return None
