"""Which columns of a code stand for which labelled factor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

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
