"""The edits by which a signature is tried: both ways, to other classes, by turns; a few amounts each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from unweave.core.seeds import generator
from unweave.signatures.signature import Path, Signature

Floats = NDArray[np.float64]

AMOUNTS: Mapping[Path, tuple[float, ...]] = {
    "line": (0.5, 1.0, 2.0),
    "piecewise": (0.5, 1.0, 2.0),
    "rotation": (1 / 16, 1 / 8, 1 / 4),
    "loop": (1 / 16, 1 / 8, 1 / 4),
    "classes": (0.5, 1.0, 2.0),
}
"""Amounts that are tried: standard steps, turns of the circle, and shares of the way from class to class. Each is one
decoding of all rows, which is what a measurement costs."""

FURTHER: Mapping[Path, tuple[float, ...]] = {
    "line": (4.0, 8.0, 16.0),
    "piecewise": (4.0, 8.0, 16.0),
    "rotation": (),
    "loop": (),
    "classes": (3.0, 6.0, 12.0),
}
"""Amounts that are tried one after the other where no smaller one brings the wanted change."""

WAYS = 2
"""Edits per row and amount at most: up and down, or towards two of the other classes."""


@dataclass(frozen=True)
class Edits:
    """What is done to N rows along one signature, E ways each.

    Attributes:
        signature: what moves them.
        before: labels (N,) that the rows are moved from.
        towards: (N, E): the class of a categorical factor that a row is moved to, else +1 and -1.
    """

    signature: Signature
    before: Floats
    towards: Floats

    @classmethod
    def of(
        cls, signature: Signature, codes: Floats, labels: Floats, known: NDArray[np.bool_], *, seed: int = 0
    ) -> Self:
        """The edits of codes (N, D) with labels (N,); where a label is not known, the signature's probe reads it.

        Of many classes, each row is moved towards two, so that all pairs come up about equally often.
        """
        before = np.where(known, labels, signature.reader.read(codes))
        if signature.path != "classes":
            return cls(signature, before, np.tile([1.0, -1.0], (len(codes), 1)))
        present = np.array(signature.classes or range(signature.chart.target.classes), dtype=np.float64)
        before = np.where(np.isin(before, present), before, signature.reader.read(codes))
        own = np.searchsorted(present, before)
        others = len(present) - 1
        first = generator(seed, "leakage", "classes").integers(others, size=len(codes))
        ways = min(WAYS, others)
        # Classes stand in a circle: 1 to `others` places on from the row's own are the other classes.
        places = (own[:, None] + 1 + (first[:, None] + np.arange(ways)) % others) % len(present)
        return cls(signature, before, present[places])

    @property
    def amounts(self) -> tuple[float, ...]:
        """Amounts that are tried, rising."""
        return AMOUNTS[self.signature.path]

    @property
    def further(self) -> tuple[float, ...]:
        """Amounts that are tried after these where the wanted change is not reached, rising."""
        return FURTHER[self.signature.path]

    def asked(self, amount: float) -> Floats:
        """Change of the label that is asked for, (N, E) in the units of the factor; of a class 1."""
        if self.signature.path == "classes":
            return np.ones_like(self.towards)
        unit = self.signature.factor.period if self.signature.turns else self.signature.chart.target.scale
        return self.towards * (amount * unit)

    def offsets(self, amount: float) -> Floats:
        """What is added to the codes, (N, E, D)."""
        if self.signature.path == "classes":
            ways = [self.signature.offset(self.before, target) for target in self.towards.T]
            return amount * np.stack(ways, axis=1)
        after = self.before[:, None] + self.asked(amount)
        return np.stack([self.signature.offset(self.before, to) for to in after.T], axis=1)
