"""Goals of angles, along circles and along paths that bend."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from unweave.signatures.goals import NEAR, Flags, Floats, Linear
from unweave.signatures.signature import Signature

LEAST_RADIUS = 0.25
"""Distance from the centre of the circle that a turned point has at least: nearer to it, an angle means nothing."""


@dataclass(frozen=True)
class TurnGoal:
    """The point (cos, sin) that the probe of an angle reads shall turn, and keep its distance from the centre.

    Attributes:
        signature: of a circular factor.
        start: points (N, 2) that the probe reads.
        turn: radians (N,), counter-clockwise.
        grow: what the distance from the centre is multiplied by, in logarithms, (N,): 0 keeps it.
    """

    signature: Signature
    start: Floats
    turn: Floats
    grow: Floats

    width = 2
    straight = True

    @classmethod
    def of(cls, signature: Signature, start: Floats, turn: Floats) -> Self:
        """The turn, with points near the centre brought out to `LEAST_RADIUS`."""
        radius = np.maximum(np.hypot(start[:, 0], start[:, 1]), np.finfo(float).tiny)
        grow = np.where(turn != 0, np.log(np.maximum(radius, LEAST_RADIUS) / radius), 0.0)
        return cls(signature, start, turn, grow)

    @property
    def point(self) -> Floats:
        """Points (N, 2) that the probe shall read."""
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        x, y = self.start.T
        turned = np.stack([cos * x - sin * y, sin * x + cos * y], axis=1)
        return np.asarray(turned * np.exp(self.grow)[:, None])

    @property
    def wanted(self) -> Floats:
        """Labels in the units of the factor."""
        return self.signature.chart.labels(self.point)

    def shift(self, at: Floats) -> Floats:
        """The parameters are how far the point goes."""
        return at @ self.signature.directions

    def linear(self, at: Floats, codes: Floats) -> Linear:
        """The same everywhere."""
        reader = self.signature.linear
        tangent, read = (m[None].repeat(len(codes), axis=0) for m in (self.signature.directions, reader.weights.T))
        return Linear(tangent, read, self.point - reader(codes), np.zeros((len(codes), 2), dtype=bool))

    def allowed(self, at: Floats) -> Floats:
        """Any."""
        return at

    def amount(self, at: Floats) -> Floats:
        """Radians."""
        return np.abs(self.turn)

    def says(self, outputs: Floats) -> Flags:
        """To within what single precision allows."""
        across = self.point[:, 0] * outputs[:, 1] - self.point[:, 1] * outputs[:, 0]
        along = (self.point * outputs).sum(axis=1)
        return np.asarray(np.abs(np.arctan2(across, along)) <= NEAR)

    def scaled(self, share: Floats, at: Floats) -> Self:
        """A part of the turn."""
        return replace(self, turn=share * self.turn, grow=share * self.grow)


@dataclass(frozen=True)
class LoopGoal:
    """An angle shall turn along a path that bends, from its nearest place there to another.

    What a code has beside the path goes with it as it is. The reading then says what was asked but for what lies beside
    the path looks like at the new place; a search for the code that says it exactly would stop where the path has a
    corner and no code beside it does.

    Attributes:
        signature: of a circular factor, with a loop.
        start: radians (N,) that are read.
        turn: radians (N,), counter-clockwise.
    """

    signature: Signature
    start: Floats
    turn: Floats

    width = 1
    straight = True

    @property
    def wanted(self) -> Floats:
        """Labels in the units of the factor."""
        return self.signature.chart.target.restore(np.mod(self.start + self.turn, 2 * math.pi))

    @property
    def way(self) -> Floats:
        """From place to place, (N, D)."""
        restore = self.signature.chart.target.restore
        return self.signature.offset(restore(self.start), restore(self.start + self.turn))

    def shift(self, at: Floats) -> Floats:
        """The parameter is the multiple of the way."""
        return at * self.way

    def linear(self, at: Floats, codes: Floats) -> Linear:
        """Pinned to the whole way."""
        way = self.way[:, None]
        return Linear(way, way, 1 - at, np.ones((len(codes), 1), dtype=bool))

    def allowed(self, at: Floats) -> Floats:
        """Any."""
        return at

    def amount(self, at: Floats) -> Floats:
        """Radians."""
        return np.abs(self.turn)

    def says(self, outputs: Floats) -> Flags:
        """To within half the way from knot to knot: a place beside a corner is not known better."""
        half = math.pi / len(self.signature.chart.knots)
        apart = np.arctan2(outputs[:, 1], outputs[:, 0]) - self.start - self.turn
        return np.asarray(np.abs(np.mod(apart + math.pi, 2 * math.pi) - math.pi) <= half)

    def scaled(self, share: Floats, at: Floats) -> Self:
        """A part of the turn."""
        return replace(self, turn=share * self.turn)
