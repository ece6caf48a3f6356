"""How far edited pictures are from their originals and from real ones, in the features of a judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NEIGHBOURS = 5
"""Real pictures whose distance counts."""

FEWEST = 50
"""Real pictures in the reference, and beside it, at least."""


@dataclass(frozen=True)
class Reference:
    """Features of real pictures.

    Attributes:
        features: of the reference, (M, F), or None where there are too few.
        usual: mean distance of real pictures that are not in the reference from it.
        turned: mean 1 - cosine of two real pictures, the unit of drift.
    """

    features: Floats | None
    usual: float
    turned: float

    @classmethod
    def of(cls, real: Floats, others: Floats | None) -> Self:
        """From features of the rows that are edited (N, F) and of other real rows (M, F), which make the reference."""
        turned = float(np.mean(_turn(real, np.roll(real, 1, axis=0)))) if len(real) > 1 else 0.0
        if others is None or len(others) < FEWEST or len(real) < FEWEST:
            return cls(None, 0.0, turned)
        return cls(others, float(_nearest(others, real).mean()), turned)

    def drift(self, before: Floats, after: Floats) -> Floats:
        """1 - cosine of features (N, F) before and after, in units of two random real pictures, (N,)."""
        return _turn(before, after) / (self.turned or 1.0)

    def distance(self, features: Floats) -> Floats:
        """Mean distance (N,) of features (N, F) from the nearest real ones, in units of that of real pictures.

        1 is as near as a real picture. NaN where there are too few real pictures.
        """
        if self.features is None or self.usual <= 0:
            return np.full(len(features), np.nan)
        return _nearest(self.features, features) / self.usual


def _turn(before: Floats, after: Floats) -> Floats:
    length = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    product = (before * after).sum(axis=1)
    cosine = np.divide(product, length, out=np.ones_like(product), where=length > 0)
    return np.asarray(1 - np.clip(cosine, -1, 1))


def _nearest(reference: Floats, features: Floats) -> Floats:
    """Mean distance (N,) of features (N, F) from the nearest of the reference (M, F)."""
    a, b = features.astype(np.float32), reference.astype(np.float32)
    square = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * (a @ b.T)
    nearest = np.partition(square, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
    return np.asarray(np.sqrt(np.maximum(nearest, 0)).mean(axis=1), dtype=np.float64)
