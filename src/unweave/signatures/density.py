"""How far codes may go before they leave the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

INSIDE = 0.995
"""Share of the reference codes that counts as data."""

LEAST_SHRINKAGE = 1e-6
"""Share of the identity in the correlation at least."""


@dataclass(frozen=True)
class Density:
    """The ellipsoid that holds nearly all reference codes.

    Attributes:
        mean: (D,).
        covariance: (D, D), shrunk towards its diagonal so that it can be inverted (Ledoit and Wolf 2004).
        radius: Mahalanobis distance from the mean within which `INSIDE` of the reference codes lie.
    """

    mean: Floats
    covariance: Floats
    radius: float

    @classmethod
    def of(cls, codes: NDArray[Any]) -> Self:
        """The density of reference codes (N, D); columns that do not vary get the least variance that computes."""
        values = np.asarray(codes, dtype=np.float64)
        mean = values.mean(axis=0)
        spread = values.std(axis=0)
        unit = np.where(spread > 0, spread, 1.0)
        from sklearn.covariance import ledoit_wolf  # scikit-learn takes a second to import

        correlation, share = ledoit_wolf((values - mean) / unit, assume_centered=True)
        # Columns that depend on each other exactly must be invertible too.
        correlation = correlation + max(0.0, LEAST_SHRINKAGE - share) * np.eye(len(mean))
        floor = 1e-6 * float(unit.max(initial=1.0))
        scale = np.where(spread > floor, spread, floor)
        covariance = correlation * np.outer(scale, scale)
        bare = cls(mean, covariance, 0.0)
        return cls(mean, covariance, float(np.quantile(bare.distance(values), INSIDE)))

    @cached_property
    def _whiten(self) -> Floats:
        """What differences of codes, as rows, are multiplied by so that their lengths are Mahalanobis distances."""
        return np.asarray(np.linalg.inv(np.linalg.cholesky(self.covariance)).T)

    def distance(self, codes: NDArray[Any]) -> Floats:
        """Mahalanobis distance (N,) of codes (N, D) from the mean."""
        away = (np.asarray(codes, np.float64) - self.mean) @ self._whiten
        return np.asarray(np.sqrt(np.einsum("nd,nd->n", away, away)))

    def reach(self, codes: NDArray[Any], directions: Floats) -> tuple[Floats, Floats]:
        """How far codes (N, D) can go along directions (N, D) or (D,) and stay inside: (lowest, highest), (N,) each.

        The roots of |z + t d - mean|² = radius² in the metric of the covariance. A code that is outside from the start
        may go where it comes no further out.
        """
        z = (np.asarray(codes, np.float64) - self.mean) @ self._whiten
        d = directions @ self._whiten
        if d.ndim == 1:
            d = d[None].repeat(len(z), axis=0)
        square, half, length = (np.einsum("nd,nd->n", a, b) for a, b in ((d, d), (z, d), (z, z)))
        limit = np.maximum(self.radius**2, length)
        middle = np.divide(-half, square, out=np.zeros_like(half), where=square > 0)
        room = np.maximum(half**2 - square * (length - limit), 0)
        width = np.divide(np.sqrt(room), square, out=np.full_like(half, np.inf), where=square > 0)
        return middle - width, middle + width

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {"mean": self.mean.tolist(), "covariance": self.covariance.tolist(), "radius": self.radius}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        mean, covariance = (np.asarray(data[name], dtype=np.float64) for name in ("mean", "covariance"))
        return cls(mean, covariance, float(data["radius"]))
