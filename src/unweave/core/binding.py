"""Which columns of a code stand for which labelled factor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unweave.core.targets import Target


@dataclass(frozen=True)
class Bound:
    """A factor and its own columns: one, two for a point on the circle, or one per class.

    Attributes:
        target: the factor, and how its labels become numbers.
        columns: columns of the code, rising.
    """

    target: Target
    columns: tuple[int, ...]

    def read(self, codes: NDArray[np.float32]) -> NDArray[np.float64]:
        """The labels that codes (N, D) stand for, in the units of the factor: float64 (N,)."""
        own = codes[:, list(self.columns)].astype(np.float64)
        if self.target.factor.kind == "circular":
            return self.target.restore(np.mod(np.arctan2(own[:, 1], own[:, 0]), 2 * math.pi))
        if not self.target.factor.is_discrete:
            return self.target.restore(own[:, 0])
        if len(self.columns) > 1:
            return np.asarray(own.argmax(1), dtype=np.float64)
        # Classes on a line have their places where levels have theirs: 0 … classes - 1, standardised.
        last = self.target.classes - 1
        nearest = np.rint(own[:, 0] * math.sqrt(((last + 1) ** 2 - 1) / 12) + last / 2)
        return np.asarray(np.clip(nearest, 0, last))


@dataclass(frozen=True)
class Binding:
    """The labelled factors of a model and their columns; empty for a model that was trained without labels.

    Attributes:
        bound: one entry per factor, in the order of the label columns that training sees.
        correlated: pairs of factors, by name, that vary together in the data.
    """

    bound: tuple[Bound, ...] = ()
    correlated: tuple[tuple[str, str], ...] = ()

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Columns that belong together: what metrics take as `groups`."""
        return tuple(b.columns for b in self.bound if len(b.columns) > 1)

    def columns(self, factor: str) -> tuple[int, ...]:
        """Columns of a factor by name, empty when it has none of its own."""
        return next((b.columns for b in self.bound if b.target.factor.name == factor), ())

    def name(self, column: int) -> str | None:
        """The factor that a column stands for, or None."""
        return next((b.target.factor.name for b in self.bound if column in b.columns), None)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {
            "bound": [{"target": b.target.to_json(), "columns": list(b.columns)} for b in self.bound],
            "correlated": [list(pair) for pair in self.correlated],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        bound = tuple(Bound(Target.from_json(b["target"]), tuple(b["columns"])) for b in data["bound"])
        return cls(bound, tuple((a, b) for a, b in data["correlated"]))


NOTHING_BOUND = Binding()
"""Of a model that learnt from no labels."""
