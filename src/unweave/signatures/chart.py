"""Labels of a factor as coordinates in which moving is adding."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unweave.core.targets import Target

Floats = NDArray[np.float64]

TURN = 2 * math.pi


@dataclass(frozen=True)
class Chart:
    """The coordinates of a factor's labels: a change of label is a difference of coordinates.

    A level or a measurement is one number, (label - centre) / scale; a class one of `classes` unit vectors; an angle
    the point (cos, sin) on the circle. With knots, a measurement or an angle is written as its weights on them (linear
    splines, de Boor 1978, ch. IX), so that a path through the codes can bend at each. That of an angle is closed, or
    torn where it has a cut: a model may lay a circle out as a line, whose ends are the same angle.

    Attributes:
        target: the factor, and how its labels become numbers.
        knots: rising normalised labels, at least two and of an angle three; none for a straight path and for a circle.
        cut: angle at which the path of an angle jumps, at most the first knot and less than a turn below the last; None
            for a closed path.
    """

    target: Target
    knots: tuple[float, ...] = ()
    cut: float | None = None

    @property
    def width(self) -> int:
        """Number of coordinates m."""
        if self.target.factor.kind == "categorical":
            return self.target.classes
        return len(self.knots) or (2 if self.target.factor.kind == "circular" else 1)

    @property
    def _closed(self) -> bool:
        return self.target.factor.kind == "circular" and self.cut is None

    def of(self, labels: Floats) -> Floats:
        """Coordinates (N, m) of labels (N,) in the units of the factor."""
        if self.target.factor.kind == "categorical":
            return np.eye(self.target.classes)[np.asarray(labels, dtype=np.int64)]
        numbers = (np.asarray(labels, dtype=np.float64) - self.target.centre) / self.target.scale
        if self.knots:
            return self._hats(numbers)
        if self.target.factor.kind == "circular":
            return np.stack([np.cos(numbers), np.sin(numbers)], axis=1)
        return numbers[:, None]

    def labels(self, coordinates: Floats) -> Floats:
        """Labels (N,) of coordinates (N, m): the likeliest class, the direction of the point, the number."""
        if self.target.factor.kind == "categorical":
            return np.asarray(coordinates.argmax(axis=1), dtype=np.float64)
        if self.target.factor.kind == "circular":
            return self.target.restore(np.mod(self._angles(coordinates), TURN))
        numbers = coordinates @ np.array(self.knots) if self.knots else coordinates[:, 0]
        found = self.target.restore(numbers)
        if self.target.factor.kind == "ordinal":
            return np.clip(np.rint(found), 0, max(self.target.classes - 1, 0))
        return found

    def _angles(self, coordinates: Floats) -> Floats:
        """Radians (N,) of points on the circle, or of weights on two knots beside each other."""
        if not self.knots:
            return np.asarray(np.arctan2(coordinates[:, 1], coordinates[:, 0]))
        knots = np.array(self.knots)
        nearest = knots[coordinates.argmax(axis=1)]
        away = np.mod(knots - nearest[:, None] + math.pi, TURN) - math.pi
        return np.asarray(nearest + (coordinates * away).sum(axis=1))

    def _hats(self, numbers: Floats) -> Floats:
        """Weights (N, m) on the knots; they sum to 1, and beyond the ends the last piece goes on as it is."""
        knots = np.array(self.knots)
        if self.target.factor.kind == "circular":
            start = knots[0] if self.cut is None else self.cut
            numbers = start + np.mod(numbers - start, TURN)
        if self._closed:
            knots = np.append(knots, knots[0] + TURN)
        left = np.clip(np.searchsorted(knots, numbers, side="right") - 1, 0, len(knots) - 2)
        share = (numbers - knots[left]) / (knots[left + 1] - knots[left])
        weights = np.zeros((len(numbers), len(knots)))
        rows = np.arange(len(numbers))
        weights[rows, left], weights[rows, left + 1] = 1 - share, share
        if self._closed:
            weights[:, 0] += weights[:, -1]  # the same knot, a turn later
            return weights[:, :-1]
        return weights

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        cut = {} if self.cut is None else {"cut": self.cut}
        return {"target": self.target.to_json(), "knots": list(self.knots), **cut}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(Target.from_json(data["target"]), tuple(data["knots"]), data.get("cut"))
