"""The leakage matrix of a model: rows are factors that are moved, columns what then changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unweave.core.scores import Score
from unweave.signatures.leakage.response import Estimate
from unweave.signatures.signature import Leakage


@dataclass(frozen=True)
class LeakageMatrix:
    """Leakage of all signatures of a model by one judge.

    Attributes:
        measure: which kind of judge, as in `Leakage.measure`.
        gain: on-target change that was asked for; what each signature reached is in its own `gain`.
        factors: K names of the columns.
        rows: leakage of each signature, by factor.
        mean: mean over all cells off the diagonal, or None where there are none.
        left_out: why other factors are not judged, by name.
        quality: skill of the judge on held-out rows, by factor.
        reproduced: skill of the judge on what the model makes of rows, by factor.
    """

    measure: str
    gain: float
    factors: tuple[str, ...]
    rows: Mapping[str, Leakage]
    mean: Estimate | None
    left_out: Mapping[str, str] = field(default_factory=dict)
    quality: Mapping[str, Score] = field(default_factory=dict)
    reproduced: Mapping[str, Score] = field(default_factory=dict)

    @property
    def values(self) -> NDArray[np.float64]:
        """(M, K): leakage off the diagonal and the on-target change that was reached on it; NaN where unknown."""
        found = np.full((len(self.rows), len(self.factors)), np.nan)
        for row, (name, leakage) in enumerate(self.rows.items()):
            for column, factor in enumerate(self.factors):
                if factor == name:
                    found[row, column] = leakage.gain
                elif factor in leakage.factors:
                    found[row, column] = leakage.values[leakage.factors.index(factor)]
        return found

    def interval(self, moved: str, factor: str) -> tuple[float, float] | None:
        """Interval of one cell off the diagonal, or None where there is none."""
        leakage = self.rows[moved]
        if factor not in leakage.factors:
            return None
        return leakage.intervals[leakage.factors.index(factor)]

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {
            "measure": self.measure,
            "gain": self.gain,
            "factors": list(self.factors),
            "rows": {name: leakage.to_json() for name, leakage in self.rows.items()},
            "mean": None if self.mean is None else list(self.mean),
            "left_out": dict(self.left_out),
            "quality": {name: score.to_json() for name, score in self.quality.items()},
            "reproduced": {name: score.to_json() for name, score in self.reproduced.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        mean = data["mean"]
        quality, reproduced = (
            {
                name: Score.from_json(score["stamp"]["definition"] + "." + name, score)
                for name, score in data[key].items()
            }
            for key in ("quality", "reproduced")
        )
        return cls(
            measure=data["measure"],
            gain=data["gain"],
            factors=tuple(data["factors"]),
            rows={name: Leakage.from_json(row) for name, row in data["rows"].items()},
            mean=None if mean is None else (mean[0], mean[1], mean[2]),
            left_out=data["left_out"],
            quality=quality,
            reproduced=reproduced,
        )
