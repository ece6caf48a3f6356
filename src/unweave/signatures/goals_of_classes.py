"""Goals of classes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from unweave.signatures.goals import REST, Flags, Floats, Ints, Linear
from unweave.signatures.signature import Signature

MARGIN = math.log(9.0)
"""Log-odds by which a class that is set wins over every other one: nine to one."""


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
        enough = free & (missing <= 0) & (at[:, 0] <= REST)
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
