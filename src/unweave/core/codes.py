"""What an encoder says about a set of observations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Codes:
    """Latent codes of N observations in D dimensions, in the units of the latent space.

    Attributes:
        mean: float32 array (N, D), the point code of each observation.
        logvar: float32 array (N, D), log-variance of q(z|x) in nats, or None for encoders without one.
    """

    mean: NDArray[np.float32]
    logvar: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.mean)

    def take(self, rows: NDArray[np.int64]) -> Codes:
        """The codes of some rows, in the order given."""
        return Codes(self.mean[rows], None if self.logvar is None else self.logvar[rows])
