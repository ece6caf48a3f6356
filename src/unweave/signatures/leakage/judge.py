"""Who looks at decoded observations and says how much each factor has changed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import DataError, ShapeError
from unweave.core.factors import Factor
from unweave.core.scores import Score

Floats = NDArray[np.float64]
Pictures = NDArray[np.float32]
"""Decoded observations: images (N, H, W, C) in [0, 1], or vectors (N, F)."""

Measure = Literal["judge", "exact", "codes"]
"""As in `Leakage.measure`."""

BATCH = 1000
"""Observations that are looked at together."""


class Judge(ABC):
    """Reads factors off decoded observations.

    Attributes:
        measure: what kind of judge it is.
        factors: the K factors that it reads.
        quality: skill on held-out observations by factor, see `skills`; 1 is without error, chance is near 0.
    """

    measure: ClassVar[Measure]
    factors: tuple[Factor, ...]
    quality: Mapping[str, Score]

    @abstractmethod
    def see(self, pictures: Pictures) -> tuple[Floats, Floats | None]:
        """Values of the factors (N, K), and where the judge has features, these (N, F).

        Values are in the units of labels: class codes, measurements, angles; a level may lie between two levels.
        """

    def __call__(self, pictures: Pictures) -> Floats:
        """Values of the factors (N, K) of observations, a few at a time.

        Raises:
            DataError: pictures or values are not finite.
        """
        return self.look(pictures)[0]

    def look(self, pictures: Pictures) -> tuple[Floats, Floats | None]:
        """`see` for any number of observations, checked."""
        if not np.isfinite(pictures).all():
            raise DataError(
                "pictures: some values are NaN or infinite. A decoder gives such values far outside the data: move "
                "codes less, or look at the model."
            )
        parts = [self.see(pictures[start : start + BATCH]) for start in range(0, len(pictures), BATCH)]
        values = np.concatenate([part[0] for part in parts])
        if values.shape != (len(pictures), len(self.factors)):
            want = f"({len(pictures)}, {len(self.factors)})"
            raise ShapeError("values of a judge", want=want, got=values.shape, hint="(rows, factors)")
        features = [part[1] for part in parts if part[1] is not None]
        return values, np.concatenate(features) if features else None

    def difference(self, before: Floats, after: Floats) -> Floats:
        """Signed change (N, K) of values (N, K); of a class 0 or 1, of an angle the shorter way round."""
        return np.stack([differences(f, before[:, k], after[:, k]) for k, f in enumerate(self.factors)], axis=1)


def differences(factor: Factor, before: Floats, after: Floats, turn: float | Floats | None = None) -> Floats:
    """Signed change (N,) of values of one factor, in its units.

    The size is that of `metrics.effect.change`.

    Args:
        factor: whose values.
        before, after: values (N,).
        turn: period of an angle, one or one per row, where it is shorter than the factor's.
    """
    if factor.kind == "categorical":
        return np.asarray(before != after, dtype=np.float64)
    if factor.kind != "circular":
        return np.asarray(after - before, dtype=np.float64)
    period = factor.period if turn is None else turn
    return np.asarray((after - before + period / 2) % period - period / 2, dtype=np.float64)
