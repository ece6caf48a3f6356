"""Factors of variation and the table of their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from unweave.core.errors import ConfigError, ShapeError

FactorKind = Literal["categorical", "ordinal", "continuous", "circular"]
"""`categorical`: unordered names. `ordinal`: ordered names or levels. `continuous`: a number.
`circular`: a number whose range wraps around (an angle, an hour)."""


class Factor(BaseModel):
    """One thing that varies in the data.

    `values` names the classes of a categorical or ordinal factor in the order of their codes 0, 1, ….
    `range` bounds a continuous factor; for a circular one it is required and its length is the period.
    `priority` ranks factors, 1 first. An absent priority means "not ranked".
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    kind: FactorKind
    values: tuple[str, ...] | None = None
    range: tuple[float, float] | None = None
    priority: PositiveInt | None = None
    description: str = ""

    @property
    def is_discrete(self) -> bool:
        """Whether labels are class codes rather than measurements."""
        return self.kind in ("categorical", "ordinal")

    @property
    def period(self) -> float:
        """Length of one turn of a circular factor, in the units of its labels."""
        if self.kind != "circular" or self.range is None:
            raise ConfigError(f"factor {self.name!r}: only a circular factor has a period, this one is {self.kind}.")
        return self.range[1] - self.range[0]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.values is not None and not self.is_discrete:
            raise ValueError(f"factor {self.name!r} is {self.kind}: use `range`, not `values`")
        if self.values is not None and len(set(self.values)) != len(self.values):
            raise ValueError(f"factor {self.name!r}: `values` names a class twice")
        if self.range is not None and self.is_discrete:
            raise ValueError(f"factor {self.name!r} is {self.kind}: use `values`, not `range`")
        if self.range is not None and not self.range[0] < self.range[1]:
            raise ValueError(f"factor {self.name!r}: `range` must be [low, high] with low < high")
        if self.kind == "circular" and self.range is None:
            raise ValueError(f"factor {self.name!r} is circular: say where it wraps, for example `range: [0, 360]`")
        return self


@dataclass(frozen=True)
class FactorTable:
    """Labels of N rows for K factors; a missing label is masked, never a magic number.

    Attributes:
        factors: the K factors, in column order.
        values: float64 array (N, K): class codes 0, 1, … for discrete factors, measurements for the others.
            Entries that `known` masks hold 0 and mean nothing.
        known: bool array (N, K), False where the label is missing.
    """

    factors: tuple[Factor, ...]
    values: NDArray[np.float64]
    known: NDArray[np.bool_]

    def __post_init__(self) -> None:
        for name, array in (("values", self.values), ("known", self.known)):
            if array.ndim != 2 or array.shape[1] != len(self.factors) or len(array) != len(self.values):
                raise ShapeError(name, want=f"(rows, {len(self.factors)} factors)", got=array.shape)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the factors, in column order."""
        return tuple(f.name for f in self.factors)

    def index(self, name: str) -> int:
        """Column of the factor called `name`."""
        if name not in self.names:
            raise ConfigError(f"no factor is called {name!r}. The factors are: {', '.join(self.names) or 'none'}.")
        return self.names.index(name)

    def take(self, rows: NDArray[np.int64]) -> FactorTable:
        """The labels of some rows, in the order given."""
        return FactorTable(self.factors, self.values[rows], self.known[rows])

    def select(self, names: Sequence[str]) -> FactorTable:
        """The columns of some factors, in the order given."""
        columns = [self.index(name) for name in names]
        return FactorTable(tuple(self.factors[c] for c in columns), self.values[:, columns], self.known[:, columns])

    @classmethod
    def empty(cls, rows: int) -> FactorTable:
        """A table without factors, for data without labels."""
        return cls((), np.zeros((rows, 0)), np.zeros((rows, 0), dtype=bool))
