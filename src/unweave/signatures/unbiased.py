"""Reading all factors off codes without the bias that correlated factors put into probes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unweave.signatures.chart import Chart
from unweave.signatures.place import PlaceReader
from unweave.signatures.regression import Regression

Floats = NDArray[np.float64]

_VARIANCE = 100.0
"""Of the factors, in their coordinates, whose own is about 1: so wide that it decides only what codes leave open."""

_ROUNDS = 8
"""Corrections of a first, straight reading by what bent paths predict."""


@dataclass(frozen=True)
class Unbiased:
    """The coordinates of all factors that explain given codes best.

    For straight paths the best linear estimate for factors that vary by themselves: W = N⁻¹ Aᵀ (A N⁻¹ Aᵀ + 1/v)⁻¹ for
    movement A and noise N (random effects of variance v; Robinson 1991, eq. 3.1). With a large v it is unbiased but for
    a trifle, as generalised least squares is, of whatever codes tell; what they do not tell stays near its mean, where
    least squares would fill it with noise, and all others with it. A probe is a regression the other way round: it
    reads a factor partly off the correlated ones, and so sees leakage in movements that have none. Where paths bend,
    the estimate is corrected by W times what the bent regression leaves unexplained, a few times over (the chord
    method; Ortega and Rheinboldt 1970, section 7.1). An angle whose path bends is no small correction of a circle: it
    is read as a place on the path.

    Attributes:
        straight: regression on coordinates without knots.
        bent: the same with knots where a level or a measurement has enough labels for them, or None.
        looped: the same with knots for angles, or None.
        places: readers of the angles that have knots, by name.
    """

    straight: Regression
    bent: Regression | None = None
    looped: Regression | None = None
    places: Mapping[str, PlaceReader] = field(default_factory=dict)

    @cached_property
    def weights(self) -> Floats:
        """W, (D, M): codes to all coordinates side by side."""
        every = self._movement
        filtered = np.linalg.solve(self.straight.noise, every.T)
        return np.asarray(filtered @ np.linalg.inv(every @ filtered + np.eye(len(every)) / _VARIANCE))

    def __call__(self, codes: Floats) -> dict[str, Floats]:
        """Coordinates (N, m) of codes (N, D), by factor: standard steps, points on the circle, shares of classes."""
        names = [chart.target.factor.name for chart in self.straight.charts]
        means = np.concatenate(self.straight.means)
        read = {name: reader(codes) for name, reader in self.places.items()}
        codes = self._rounded(codes, read)
        found = (codes - self.straight.centre) @ self.weights + means
        if self.bent is not None:
            for _ in range(_ROUNDS):
                missed = codes - self._predicted(self.bent, found)
                found = ((found - means) @ self._movement + missed) @ self.weights + means
        return dict(zip(names, self._split(found), strict=True)) | read

    def _rounded(self, codes: Floats, read: Mapping[str, Floats]) -> Floats:
        """Codes (N, D) with each angle that was read moved from its bent path to the circle that stands for it."""
        if self.looped is None:
            return codes
        found = codes
        for k, chart in enumerate(self.looped.charts):
            points = read.get(chart.target.factor.name)
            if points is not None:
                labels = Chart(chart.target).labels(points)
                found = found - (chart.of(labels) - self.looped.means[k]) @ self.looped.movement[k]
                found = found + (points - self.straight.means[k]) @ self.straight.movement[k]
        return found

    @property
    def _movement(self) -> Floats:
        """A, (M, D)."""
        return np.vstack(self.straight.movement)

    def _split(self, found: Floats) -> list[Floats]:
        ends = np.cumsum([chart.width for chart in self.straight.charts])
        return np.split(found, ends[:-1], axis=1)

    def _predicted(self, bent: Regression, found: Floats) -> Floats:
        """Codes (N, D) that the bent regression expects at coordinates (N, M)."""
        codes = np.repeat(bent.centre[None], len(found), axis=0)
        for chart, mean, movement, own in zip(bent.charts, bent.means, bent.movement, self._split(found), strict=True):
            coordinates = chart.of(chart.target.restore(own[:, 0])) if chart.knots else own
            codes += (coordinates - mean) @ movement
        return codes
