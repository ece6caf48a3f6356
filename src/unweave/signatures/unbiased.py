"""Reading all factors off codes without the bias that correlated factors put into probes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unweave.signatures.place import PlaceReader
from unweave.signatures.regression import Regression

Floats = NDArray[np.float64]

_SAME = 1e-9
"""Relative size of a singular value that counts as 0: the coordinates of classes depend on each other."""

_ROUNDS = 8
"""Corrections of a first, straight reading by what bent paths predict."""


@dataclass(frozen=True)
class Unbiased:
    """The coordinates of all factors that explain given codes best.

    For straight paths the best linear unbiased estimate (generalised least squares; Aitken 1936): W = N⁻¹ Aᵀ (A N⁻¹
    Aᵀ)⁺ for movement A and noise N. A probe is a regression the other way round: it reads a factor partly off the
    correlated ones, and so sees leakage in movements that have none. Where paths bend, the estimate is corrected by W
    times what the bent regression leaves unexplained, a few times over (the chord method; Ortega and Rheinboldt 1970,
    section 7.1). An angle whose path bends is no small correction of a circle: it is read as a place on the path.

    Attributes:
        straight: regression on coordinates without knots.
        bent: the same with knots where a level or a measurement has enough labels for them, or None.
        places: readers of the angles that have knots, by name.
    """

    straight: Regression
    bent: Regression | None = None
    places: Mapping[str, PlaceReader] = field(default_factory=dict)

    @cached_property
    def weights(self) -> Floats:
        """W, (D, M): codes to all coordinates side by side."""
        every = np.vstack(self.straight.movement)
        filtered = np.linalg.solve(self.straight.noise, every.T)
        return np.asarray(filtered @ np.linalg.pinv(every @ filtered, rcond=_SAME, hermitian=True))

    def __call__(self, codes: Floats) -> dict[str, Floats]:
        """Coordinates (N, m) of codes (N, D), by factor: standard steps, points on the circle, shares of classes."""
        names = [chart.target.factor.name for chart in self.straight.charts]
        found = (codes - self.straight.centre) @ self.weights + np.concatenate(self.straight.means)
        if self.bent is not None:
            for _ in range(_ROUNDS):
                found = found + (codes - self._predicted(self.bent, found)) @ self.weights
        read = dict(zip(names, self._split(found), strict=True))
        return read | {name: reader(codes) for name, reader in self.places.items()}

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
