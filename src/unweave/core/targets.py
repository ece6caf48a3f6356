"""Labels as the numbers that a net can aim at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import DataError
from unweave.core.factors import Factor, FactorTable


@dataclass(frozen=True)
class Target:
    """One factor, and how its labels become numbers.

    A class code stays what it is; a level or a measurement becomes (label - centre) / scale, of mean 0 and variance 1
    where labels spread evenly over their range; an angle becomes radians, 0 at the low end of its range.

    Attributes:
        factor: whose labels.
        centre, scale: in the units of the labels; 0 and 1 for a categorical factor.
    """

    factor: Factor
    centre: float = 0.0
    scale: float = 1.0

    @property
    def classes(self) -> int:
        """Number of classes of a discrete factor, 0 for the others."""
        return len(self.factor.values or ()) if self.factor.is_discrete else 0

    def normalise(self, labels: NDArray[np.float64]) -> NDArray[np.float32]:
        """Labels in their units to numbers."""
        scaled: NDArray[np.float32] = ((labels - self.centre) / self.scale).astype(np.float32)
        return scaled

    def restore(self, numbers: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """The inverse of `normalise`."""
        return np.asarray(numbers, dtype=np.float64) * self.scale + self.centre

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        factor = self.factor.model_dump(mode="json", exclude_defaults=True)
        return {"factor": factor, "centre": self.centre, "scale": self.scale}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(Factor.model_validate(data["factor"]), data["centre"], data["scale"])


def targets_of(table: FactorTable) -> tuple[Target, ...]:
    """A target per factor of a table of labelled rows.

    A factor whose range is declared (levels and angles have one too) is scaled by it, so that a handful of labels does
    not decide; a measurement without a range is scaled by the mean and standard deviation of its labels.

    Raises:
        DataError: a factor has no label, or a measurement without a range is always the same.
    """
    return tuple(_target(table, k) for k in range(len(table.factors)))


def _target(table: FactorTable, k: int) -> Target:
    factor, labels = table.factors[k], table.values[table.known[:, k], k]
    if len(labels) == 0:
        raise DataError(f"factor {factor.name!r} has no label among the training rows. Label some, or leave it out.")
    if factor.kind == "categorical":
        return Target(_with_values(factor, labels))
    if factor.kind == "ordinal":
        factor = _with_values(factor, labels)
        levels = len(factor.values or ())
        # Mean and standard deviation of the codes 0 … levels - 1, each equally often.
        return Target(factor, (levels - 1) / 2, math.sqrt((levels**2 - 1) / 12) or 1.0)
    if factor.kind == "circular" and factor.range is not None:
        return Target(factor, factor.range[0], factor.period / (2 * math.pi))
    if factor.range is not None:
        low, high = factor.range
        return Target(factor, (low + high) / 2, (high - low) / math.sqrt(12))
    spread = float(labels.std())
    if spread <= 1e-12 * max(1.0, float(np.abs(labels).max())):
        raise DataError(f"factor {factor.name!r} is {labels[0]:g} in every labelled training row. Leave it out.")
    return Target(factor, float(labels.mean()), spread)


def _with_values(factor: Factor, labels: NDArray[np.float64]) -> Factor:
    """The factor with names of its classes; classes without names are called by their codes."""
    if factor.values is not None:
        return factor
    return factor.model_copy(update={"values": tuple(str(code) for code in range(int(labels.max()) + 1))})
