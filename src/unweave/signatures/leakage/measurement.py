"""What a judge saw of all signatures of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unweave.core.scores import Score
from unweave.metrics.resampling import interval
from unweave.signatures.leakage.matrix import LeakageMatrix
from unweave.signatures.leakage.response import Estimate, Response, estimate
from unweave.signatures.signature import Leakage, Path

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Means over edits of asked × seen, asked², seen and seen², where both are on-target changes; (B + 1, 4)."""

    means: Floats

    @property
    def slope(self) -> Floats:
        """What is seen per what was asked for, (B + 1,); 1 is exactly as promised (a line through the origin)."""
        return np.asarray(self.means[:, 0] / self.means[:, 1])

    @property
    def linearity(self) -> Floats:
        """Share of the variance of what is seen that a line explains, (B + 1,): R², for edits both ways."""
        variance = self.means[:, 3] - self.means[:, 2] ** 2
        explained = self.means[:, 0] ** 2 / self.means[:, 1]
        share = np.divide(explained, variance, out=np.zeros_like(variance), where=variance > 0)
        return np.asarray(np.clip(share, 0, 1))


@dataclass(frozen=True)
class Tried:
    """What a judge saw of one signature.

    Attributes:
        factors: names of the other factors: the first columns of the response.
        extras: names of the columns after them.
        response: changes by amount.
        moments: of asked and seen changes.
        path: of the signature.
        usual: number of amounts that every signature of this path is tried at; further ones bring the wanted change.
        unit: on-target change between two random rows, in the units of the factor.
    """

    factors: tuple[str, ...]
    extras: tuple[str, ...]
    response: Response
    moments: Moments
    path: Path
    usual: int
    unit: float

    def leakage(self, measure: str, gain: float) -> Leakage:
        """The contract, at one on-target change."""
        matched = self.response.at(gain)
        ratios = matched.ratios[:, : len(self.factors)]
        return Leakage(
            measure=measure,
            gain=float(matched.gain[0]),
            factors=self.factors,
            values=tuple(ratios[0].tolist()),
            intervals=tuple(interval(column[0], column[1:], 0, np.inf) for column in ratios.T),
            details=self._details(matched.others[:, len(self.factors) :]),
        )

    def _details(self, extras: Floats) -> dict[str, Estimate | None]:
        on, amounts = self.response.on, self.response.amounts
        found: dict[str, Estimate | None] = {}
        if self.path == "classes":
            full = int(np.flatnonzero(amounts == 1)[0])
            found["slope"] = _where_finite(on[:, full] * self.unit, -1, 1)
            found["linearity"] = found["saturation"] = None
        else:
            found["slope"] = _where_finite(self.moments.slope, -np.inf, np.inf)
            found["linearity"] = _where_finite(self.moments.linearity, 0, 1)
            inner = on[:, 1] / amounts[1]
            last = self.usual
            outer = (on[:, last] - on[:, last - 1]) / (amounts[last] - amounts[last - 1])
            ratio = np.divide(outer, inner, out=np.full_like(outer, np.nan), where=inner > 0)
            found["saturation"] = _where_finite(ratio, -np.inf, np.inf)
        for name in ("flips", "astray", "identity_drift", "realism"):
            column = extras[:, self.extras.index(name)] if name in self.extras else None
            found[name] = (
                None if column is None else _where_finite(column, 0, 1 if name in ("flips", "astray") else np.inf)
            )
        unedited = self.response.others[:, 0, len(self.factors) :]
        place = self.extras.index("realism") if "realism" in self.extras else None
        found["realism_unedited"] = None if place is None else _where_finite(unedited[:, place], 0, np.inf)
        return found


def _where_finite(values: Floats, low: float, high: float) -> Estimate | None:
    return estimate(values, low, high) if np.isfinite(values).all() else None


@dataclass(frozen=True)
class Measurement:
    """What a judge saw of all signatures of a model.

    Attributes:
        measure: which kind of judge, as in `Leakage.measure`.
        gain: on-target change that was asked for.
        rows: rows that were edited, (N,).
        factors: names of the factors that are judged: the columns of the matrix.
        tried: what was seen of each signature, by factor.
        left_out: why other factors are not judged, by name.
        quality: skill of the judge on held-out rows, by factor.
        reproduced: skill of the judge on what the model makes of the rows, by factor.
    """

    measure: str
    gain: float
    rows: NDArray[np.int64]
    factors: tuple[str, ...]
    tried: Mapping[str, Tried]
    left_out: Mapping[str, str]
    quality: Mapping[str, Score]
    reproduced: Mapping[str, Score]

    @property
    def leakage(self) -> dict[str, Leakage]:
        """Leakage of every signature that was judged, by factor."""
        return {name: tried.leakage(self.measure, self.gain) for name, tried in self.tried.items()}

    @property
    def matrix(self) -> LeakageMatrix:
        """All of it in one matrix."""
        means = self.means(self.gain)
        average = np.mean(list(means.values()), axis=0) if means else None
        return LeakageMatrix(
            measure=self.measure,
            gain=self.gain,
            factors=self.factors,
            rows=self.leakage,
            mean=None if average is None else estimate(average, 0),
            left_out=self.left_out,
            quality=self.quality,
            reproduced=self.reproduced,
        )

    def means(self, gain: float) -> dict[str, Floats]:
        """Mean leakage into the other factors by signature, (B + 1,); signatures without others are left out."""
        found = {}
        for name, tried in self.tried.items():
            if tried.factors:
                found[name] = tried.response.at(gain).ratios[:, : len(tried.factors)].mean(axis=1)
        return found
