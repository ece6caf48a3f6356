"""What the factors' probes should say of edited codes, and along what codes move to make them say so."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from unweave.signatures.signature import Signature

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

MARGIN = math.log(9.0)
"""Log-odds by which a class that is set wins over every other one: nine to one."""

LEAST_RADIUS = 0.25
"""Distance from the centre of the circle that a turned point has at least: nearer to it, an angle means nothing."""

_NEAR = 1e-3
"""Standard steps, or radians, by which a probe may miss what was asked: codes are kept in single precision."""

_REST = 1e-9
"""Multiple of the way, or standard steps, up to which nothing has been moved: 0 but for rounding."""


@dataclass(frozen=True)
class Linear:
    """The goal of one factor near some codes, for one Newton step over its p parameters.

    Attributes:
        tangent: (N, p, D), codes per parameter.
        read: (N, p, D), what is read off codes, per output.
        rest: (N, p), how much of it is still wanted; where `pinned`, how far the parameter itself has to go.
        pinned: (N, p).
    """

    tangent: Floats
    read: Floats
    rest: Floats
    pinned: Flags


class Goal(Protocol):
    """Where one factor of N codes should go; all of it row by row."""

    @property
    def signature(self) -> Signature:
        """Of the factor."""

    @property
    def width(self) -> int:
        """Number of parameters p."""

    @property
    def wanted(self) -> Floats:
        """Labels (N,) that the probe should say."""

    @property
    def straight(self) -> bool:
        """Whether it is as linear everywhere as it is anywhere, so that one step of Newton's method ends there."""

    def shift(self, at: Floats) -> Floats:
        """What parameters (N, p) add to the codes, (N, D)."""

    def linear(self, at: Floats, codes: Floats) -> Linear:
        """The goal near edited codes (N, D), which parameters (N, p) have moved there."""

    def allowed(self, at: Floats) -> Floats:
        """The nearest parameters that may be."""

    def amount(self, at: Floats) -> Floats:
        """How far the factor goes, (N,): standard steps, radians, or multiples of the way from class to class."""

    def says(self, outputs: Floats) -> Flags:
        """Whether outputs (N, m) of the factor's probe are what was asked for, (N,)."""

    def scaled(self, share: Floats, at: Floats) -> Goal:
        """The goal of a share (N,) of the way to parameters (N, p), which solve this one."""


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
        restore = self.signature.chart.target.restore
        return self.signature.offset(restore(self.start), restore(self.start + at[:, 0]))

    def linear(self, at: Floats, codes: Floats) -> Linear:
        """Along the path, or the chord of a bent one to where the probe would say what is wanted."""
        reader = self.signature.linear
        rest = self.want - reader(codes)[:, 0]
        tangent = self._chord(self.start + at[:, 0], rest)
        read = np.broadcast_to(reader.weights[:, 0], codes.shape)
        return Linear(tangent[:, None], read[:, None], rest[:, None], np.zeros((len(codes), 1), dtype=bool))

    def _chord(self, place: Floats, rest: Floats) -> Floats:
        """Codes per standard step, (N, D), from places (N,) on the path to where the probe reads `rest` more.

        A chord and not the slope: where a path is steep in the middle and flat outside, Newton's method along slopes
        jumps ever further to and fro.
        """
        knots, directions = np.array(self.signature.chart.knots), self.signature.directions
        if not len(knots):
            return np.broadcast_to(directions[0], (len(place), directions.shape[1]))
        read = directions @ self.signature.linear.weights[:, 0]
        local = np.diff(directions, axis=0)[_piece(place, knots)] / np.diff(knots)[_piece(place, knots)][:, None]
        if (np.diff(read) <= 0).any():
            return local
        there = _along(_along(place, knots, read) + rest, read, knots)
        way = (there - place)[:, None]
        restore = self.signature.chart.target.restore
        whole = self.signature.offset(restore(place), restore(there))
        return np.where(np.abs(way) > _REST, whole / np.where(np.abs(way) > _REST, way, 1.0), local)

    def allowed(self, at: Floats) -> Floats:
        """Any."""
        return at

    def amount(self, at: Floats) -> Floats:
        """Standard steps."""
        return np.abs(self.want - self.start)

    def says(self, outputs: Floats) -> Flags:
        """To within what single precision allows."""
        return np.abs(outputs[:, 0] - self.want) <= _NEAR

    def scaled(self, share: Floats, at: Floats) -> Self:
        """Part of the steps."""
        return replace(self, want=self.start + share * (self.want - self.start))


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
        reader, shape = self.signature.linear, (len(codes), 2, codes.shape[1])
        tangent, read = (np.broadcast_to(m, shape) for m in (self.signature.directions, reader.weights.T))
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
        return np.asarray(np.abs(np.arctan2(across, along)) <= _NEAR)

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


@dataclass(frozen=True)
class ClassGoal:
    """Go from class to class: by a given multiple of the way, or so far that the probe says the class by a margin.

    Attributes:
        signature: of a categorical factor.
        start, to: class codes (N,).
        fixed: multiples (N,) of the way, or NaN: as far as the margin needs.
        margin: log-odds by which `to` has to win over each other class.
    """

    signature: Signature
    start: Ints
    to: Ints
    fixed: Floats
    margin: float = MARGIN

    width = 1

    @property
    def wanted(self) -> Floats:
        """Class codes; those of a move are where its whole way leads."""
        return self.to.astype(np.float64)

    @property
    def way(self) -> Floats:
        """From class to class, (N, D)."""
        return np.asarray(self.signature.directions[self.to] - self.signature.directions[self.start])

    @property
    def straight(self) -> bool:
        """Where the multiples are given."""
        return not np.isnan(self.fixed).any()

    def shift(self, at: Floats) -> Floats:
        """The parameter is the multiple of the way."""
        return at * self.way

    def linear(self, at: Floats, codes: Floats) -> Linear:
        """Towards the margin over the strongest other class; pinned where the multiple is given or nothing is wanted.

        Where going on does not bring the class nearer to winning, the whole way is all that can be done.
        """
        reader, rows, way = self.signature.linear, np.arange(len(codes)), self.way
        outputs = reader(codes)
        lead = outputs[rows, self.to][:, None] - outputs
        lead[rows, self.to] = np.inf
        rival = lead.argmin(axis=1)
        read = (reader.weights[:, self.to] - reader.weights[:, rival]).T
        missing = self.margin - lead[rows, rival]
        gains = np.einsum("nd,nd->n", read, way)
        free = np.isnan(self.fixed)
        enough = free & (missing <= 0) & (at[:, 0] <= _REST)
        stuck = free & ~enough & (gains <= 0)
        pinned = ~free | enough | stuck
        goal = np.where(free, np.where(stuck, 1.0, 0.0), np.nan_to_num(self.fixed))
        rest = np.where(pinned, goal - at[:, 0], missing)
        return Linear(way[:, None], read[:, None], rest[:, None], pinned[:, None])

    def allowed(self, at: Floats) -> Floats:
        """Never away from the class that is wanted."""
        return np.where(np.isnan(self.fixed)[:, None], np.maximum(at, 0), at)

    def amount(self, at: Floats) -> Floats:
        """Multiples of the way."""
        return np.abs(at[:, 0])

    def says(self, outputs: Floats) -> Flags:
        """Whether the class wins; a given multiple of the way is asked of the code, not of the probe."""
        return np.asarray((outputs.argmax(axis=1) == self.to) | ~np.isnan(self.fixed))

    def scaled(self, share: Floats, at: Floats) -> Self:
        """A part of the way that was found."""
        return replace(self, fixed=share * at[:, 0])


def _piece(x: Floats, knots: Floats) -> Ints:
    """The piece between knots where each x is; the outer ones go on."""
    return np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(knots) - 2)


def _along(x: Floats, knots: Floats, values: Floats) -> Floats:
    """The line through (knots, values) at x, its ends going on as they are."""
    piece = _piece(x, knots)
    slope = np.diff(values) / np.diff(knots)
    return np.asarray(values[piece] + slope[piece] * (x - knots[piece]))
