"""Reading an angle off codes that no circle in a plane goes through: the nearest place on a path that bends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unweave.core.targets import Target
from unweave.signatures.chart import TURN, Chart
from unweave.signatures.density import Density

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PlaceReader:
    """The angle of the place on a bent path that a code is nearest to.

    Where codes are the path plus what other factors and noise do to them, all of that normally distributed, it is the
    likeliest angle (the projection on a principal curve; Hastie and Stuetzle 1989, in the metric of what is off it).

    Attributes:
        chart: of an angle, with knots.
        corners: codes at the knots, (K, D).
        metric: inverse covariance of what is off the path, (D, D).
    """

    chart: Chart
    corners: Floats
    metric: Floats

    @classmethod
    def along(cls, chart: Chart, corners: Floats, codes: Floats, labels: Floats) -> Self:
        """The reader of a path, with the metric of how codes (N, D) with labels (N,) lie beside it."""
        off = Density.of(codes - chart.of(labels) @ corners)
        return cls(chart, corners, np.asarray(np.linalg.inv(off.covariance), dtype=np.float64))

    @property
    def target(self) -> Target:
        """The factor, and how its labels become numbers."""
        return self.chart.target

    def __call__(self, codes: NDArray[Any]) -> Floats:
        """Points (cos, sin) of the angles, (N, 2), of codes (N, D)."""
        angles = self.angles(codes)
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def read(self, codes: NDArray[Any]) -> Floats:
        """Labels (N,) of codes (N, D), in the units of the factor."""
        return self.labels(self(codes))

    def labels(self, outputs: Floats) -> Floats:
        """Labels (N,) of points (N, 2), in the units of the factor."""
        return Chart(self.target).labels(outputs)

    def angles(self, codes: NDArray[Any]) -> Floats:
        """Radians (N,) of codes (N, D): the nearest place on each piece, and the nearest of these."""
        knots, corners, low, high = self._pieces
        starts = corners[:-1]
        slopes = np.diff(corners, axis=0) / np.diff(knots)[:, None]
        away = np.asarray(codes, dtype=np.float64)[:, None] - starts
        seen = slopes @ self.metric
        squares = np.maximum((seen * slopes).sum(axis=1), np.finfo(float).tiny)
        along = np.clip(np.einsum("nkd,kd->nk", away, seen) / squares, low, high)
        off = away - along[:, :, None] * slopes
        nearest = np.einsum("nkd,de,nke->nk", off, self.metric, off, optimize=True).argmin(axis=1)
        return np.asarray(knots[nearest] + along[np.arange(len(along)), nearest])

    @property
    def _pieces(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Knots and corners with the first again after a turn if the path is closed; how far each piece goes from its
        first knot, lowest and highest: the outer ones up to where the path is cut."""
        knots, corners, cut = np.array(self.chart.knots), self.corners, self.chart.cut
        if cut is None:
            knots, corners = np.append(knots, knots[0] + TURN), np.vstack([corners, corners[:1]])
        low, high = np.zeros(len(knots) - 1), np.diff(knots)
        if cut is not None:
            low[0], high[-1] = cut - knots[0], cut + TURN - knots[-2]
        return knots, corners, low, high

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {"chart": self.chart.to_json(), "corners": self.corners.tolist(), "metric": self.metric.tolist()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        corners, metric = (np.asarray(data[name], dtype=np.float64) for name in ("corners", "metric"))
        return cls(Chart.from_json(data["chart"]), corners, metric)
