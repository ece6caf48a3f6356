"""What the factors' probes should say of edited codes, and along what codes move to make them say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unweave.signatures.signature import Signature

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

NEAR = 1e-3
"""Standard steps, or radians, by which a probe may miss what was asked: codes are kept in single precision."""

REST = 1e-9
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
