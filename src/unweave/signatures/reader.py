"""What a linear probe knows: how to read a factor off codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unweave.core.targets import Target
from unweave.signatures.chart import Chart

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reader:
    """The linear map z -> z W + b from codes to a factor.

    Attributes:
        target: the factor, and how its labels become numbers.
        weights, offset: (D, m) and (m,). Outputs are the normalised label of a level or a measurement (m = 1), the
            point (cos, sin) of an angle (m = 2), or the log-odds of the classes up to a constant (m = classes); a class
            without labels has offset minus infinity.
    """

    target: Target
    weights: Floats
    offset: Floats

    def __call__(self, codes: NDArray[Any]) -> Floats:
        """Outputs (N, m) of codes (N, D)."""
        return np.asarray(codes, dtype=np.float64) @ self.weights + self.offset

    def read(self, codes: NDArray[Any]) -> Floats:
        """Labels (N,) of codes (N, D), in the units of the factor."""
        return self.labels(self(codes))

    def labels(self, outputs: Floats) -> Floats:
        """Labels (N,) of outputs (N, m), in the units of the factor."""
        return Chart(self.target).labels(outputs)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary; an offset of minus infinity is null."""
        offset = [float(x) if np.isfinite(x) else None for x in self.offset]
        return {"target": self.target.to_json(), "weights": self.weights.tolist(), "offset": offset}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        offset = np.array([-np.inf if x is None else x for x in data["offset"]], dtype=np.float64)
        return cls(Target.from_json(data["target"]), np.asarray(data["weights"], dtype=np.float64), offset)
