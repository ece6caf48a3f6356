"""Goals of levels and measurements."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from unweave.signatures.goals import NEAR, REST, Flags, Floats, Ints, Linear
from unweave.signatures.signature import Signature


@dataclass(frozen=True)
class ReadingGoal:
    """The probe of a level or a measurement shall say `want`, by going along the signature's path.

    Attributes:
        signature: with a straight path, or one that bends.
        start, want: normalised labels (N,) that the probe says and shall say.
    """

    signature: Signature
    start: Floats
    want: Floats

    width = 1

    @property
    def wanted(self) -> Floats:
        """Labels in the units of the factor."""
        return self.signature.chart.target.restore(self.want)

    @property
    def straight(self) -> bool:
        """Where the path has no knots."""
        return not self.signature.chart.knots

    def shift(self, at: Floats) -> Floats:
        """The parameter is the distance along the path, in standard steps."""
        if self.straight:
            return at @ self.signature.directions
        restore = self.signature.chart.target.restore
        return self.signature.offset(restore(self.start), restore(self.start + at[:, 0]))

    def linear(self, at: Floats, codes: Floats) -> Linear:
        """Along the path, or the chord of a bent one to where the probe would say what is wanted."""
        reader = self.signature.linear
        rest = self.want - reader(codes)[:, 0]
        tangent = self._chord(self.start + at[:, 0], rest)
        read = reader.weights.T.repeat(len(codes), axis=0)
        return Linear(tangent[:, None], read[:, None], rest[:, None], np.zeros((len(codes), 1), dtype=bool))

    def _chord(self, place: Floats, rest: Floats) -> Floats:
        """Codes per standard step, (N, D), from places (N,) on the path to where the probe reads `rest` more.

        A chord and not the slope: where a path is steep in the middle and flat outside, Newton's method along slopes
        jumps ever further to and fro.
        """
        directions = self.signature.directions
        if self.straight:
            return directions.repeat(len(place), axis=0)
        knots = np.array(self.signature.chart.knots)
        read = directions @ self.signature.linear.weights[:, 0]
        local = np.diff(directions, axis=0)[_piece(place, knots)] / np.diff(knots)[_piece(place, knots)][:, None]
        if (np.diff(read) <= 0).any():
            return local
        there = _along(_along(place, knots, read) + rest, read, knots)
        way = (there - place)[:, None]
        restore = self.signature.chart.target.restore
        whole = self.signature.offset(restore(place), restore(there))
        return np.where(np.abs(way) > REST, whole / np.where(np.abs(way) > REST, way, 1.0), local)

    def allowed(self, at: Floats) -> Floats:
        """Any."""
        return at

    def amount(self, at: Floats) -> Floats:
        """Standard steps."""
        return np.abs(self.want - self.start)

    def says(self, outputs: Floats) -> Flags:
        """To within what single precision allows."""
        return np.abs(outputs[:, 0] - self.want) <= NEAR

    def scaled(self, share: Floats, at: Floats) -> Self:
        """Part of the steps."""
        return replace(self, want=self.start + share * (self.want - self.start))


def _piece(x: Floats, knots: Floats) -> Ints:
    """The piece between knots where each x is; the outer ones go on."""
    return np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(knots) - 2)


def _along(x: Floats, knots: Floats, values: Floats) -> Floats:
    """The line through (knots, values) at x, its ends going on as they are."""
    piece = _piece(x, knots)
    slope = np.diff(values) / np.diff(knots)
    return np.asarray(values[piece] + slope[piece] * (x - knots[piece]))
