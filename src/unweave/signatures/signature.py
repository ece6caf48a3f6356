"""A signature: the direction that moves one factor and nothing else, with what is known about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from unweave.core.factors import Factor
from unweave.core.scores import Score
from unweave.signatures.chart import Chart
from unweave.signatures.place import PlaceReader
from unweave.signatures.reader import Reader

Floats = NDArray[np.float64]

Path = Literal["line", "classes", "rotation", "piecewise", "loop"]
"""`line`: one direction. `classes`: one offset per class. `rotation`: a circle in a plane. `piecewise`: a line that
bends at knots. `loop`: the same for an angle, closed or with a cut."""

Candidate = Literal["plain", "pattern", "isolated", "regression", "dimension", "discovered"]
"""How the directions were found; see `signatures.candidates`, and `signatures.named` for the last."""


@dataclass(frozen=True)
class Leakage:
    """What else moves when a factor moves, measured on held-out rows at matched on-target gain.

    All changes are in units of the change between two random rows, so that 1 is as much as chance would bring.

    Attributes:
        measure: who looked: "judge" (models of the pixels that never saw a code), "exact" (the factors of the nearest
            picture of a built-in set) or "codes" (probes on the code of the decoded picture).
        gain: on-target change at which the others are stated.
        factors: names of the other factors.
        values: change of each other factor per unit of on-target change.
        intervals: at 95 %, over rows; one (low, high) per factor.
        details: slope, linearity, saturation, flips of other classes, identity drift, realism: name to (value, low,
            high), or None where it cannot be computed.
    """

    measure: str
    gain: float
    factors: tuple[str, ...]
    values: tuple[float, ...]
    intervals: tuple[tuple[float, float], ...]
    details: Mapping[str, tuple[float, float, float] | None] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        """Mean change of the other factors per unit of on-target change; 0 without others."""
        return float(np.mean(self.values)) if self.values else 0.0

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {
            "measure": self.measure,
            "gain": self.gain,
            "factors": list(self.factors),
            "values": list(self.values),
            "intervals": [list(pair) for pair in self.intervals],
            "details": {name: None if found is None else list(found) for name, found in self.details.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        details = {k: None if v is None else (v[0], v[1], v[2]) for k, v in data["details"].items()}
        pairs = tuple((low, high) for low, high in data["intervals"])
        return cls(data["measure"], data["gain"], tuple(data["factors"]), tuple(data["values"]), pairs, details)


@dataclass(frozen=True)
class Signature:
    """Directions in the code that move one factor.

    Moving a factor from label a to label b adds (chart(b) - chart(a)) @ directions to a code. A unit is one standard
    step of a level or a measurement, from class to class, or a turn of the circle; `directions` are scaled so that the
    factor's own reader sees the whole of it.

    Attributes:
        chart: the factor's labels as coordinates, (m,).
        directions: (m, D), code per coordinate.
        reader: the probe that reads the factor off a code; of a loop, its nearest place; of dimensions that a model has
            for each class, these.
        path: the form of the movement.
        candidate: how the directions were found.
        kept: on-target movement per standard length of code, as a share of the plain direction's; isolation costs
            1 - kept.
        safe: how far the factor can be moved, lowest and highest, before the middle reference code leaves the data: in
            standard steps for a line and a piecewise path, in labels for a rotation and a loop, and for classes from 0
            to the multiple of the way from class to class (1 reaches the class).
        labels: rows with a label that it was learnt from.
        classes: class codes that had labels; empty for other factors.
        quality: scores of the probe by name, with interval and the score of permuted labels.
        leakage: what else moves; None until it is measured.
    """

    chart: Chart
    directions: Floats
    reader: Reader | PlaceReader
    path: Path
    candidate: Candidate
    kept: float
    safe: tuple[float, float]
    labels: int
    classes: tuple[int, ...] = ()
    quality: Mapping[str, Score] = field(default_factory=dict)
    leakage: tuple[Leakage, ...] = ()

    @property
    def factor(self) -> Factor:
        """Whose signature it is."""
        return self.chart.target.factor

    @property
    def name(self) -> str:
        """Name of the factor."""
        return self.factor.name

    @property
    def linear(self) -> Reader:
        """The probe of a factor whose path is no loop."""
        assert isinstance(self.reader, Reader)
        return self.reader

    @property
    def turns(self) -> bool:
        """Whether the path goes round: amounts are then in labels, and a turn leads back."""
        return self.path in ("rotation", "loop")

    @property
    def bends(self) -> bool:
        """Whether the path has knots."""
        return self.path in ("piecewise", "loop")

    def offset(self, before: Floats, after: Floats) -> Floats:
        """What to add to codes, (N, D), for labels (N,) `before` to become `after`, in the units of the factor."""
        return (self.chart.of(after) - self.chart.of(before)) @ self.directions

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {
            "factor": self.name,
            "chart": self.chart.to_json(),
            "directions": self.directions.tolist(),
            "reader": self.reader.to_json(),
            "path": self.path,
            "candidate": self.candidate,
            "kept": self.kept,
            "safe": list(self.safe),
            "labels": self.labels,
            "classes": list(self.classes),
            "quality": {name: score.to_json() for name, score in self.quality.items()},
            "leakage": [row.to_json() for row in self.leakage],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(
            chart=Chart.from_json(data["chart"]),
            directions=np.asarray(data["directions"], dtype=np.float64),
            reader=(PlaceReader if data["path"] == "loop" else Reader).from_json(data["reader"]),
            path=data["path"],
            candidate=data["candidate"],
            kept=data["kept"],
            safe=(data["safe"][0], data["safe"][1]),
            labels=data["labels"],
            classes=tuple(data["classes"]),
            quality={name: Score.from_json(name, score) for name, score in data["quality"].items()},
            leakage=tuple(Leakage.from_json(row) for row in data["leakage"]),
        )
