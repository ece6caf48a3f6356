"""What an encoder says about a set of observations."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Columns = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Codes:
    """Latent codes of N observations in D columns, in the units of the latent space.

    A categorical code takes one column per class, which holds the probability of the class. Its variance is that of the
    class's indicator, p (1 - p), so it is near 0 where the encoder is sure, as that of a Gaussian column.

    Attributes:
        mean: float32 array (N, D), the point code of each observation.
        logvar: float32 array (N, D), log-variance of q(z|x) in nats, or None for encoders without one.
        groups: columns that form one unit, categorical codes among them; those not named stand alone. Metrics take
            them as `groups`.
        categorical: those of the groups that are categorical codes.
    """

    mean: NDArray[np.float32]
    logvar: NDArray[np.float32] | None = None
    groups: Columns = ()
    categorical: Columns = ()

    def __len__(self) -> int:
        return len(self.mean)

    def take(self, rows: NDArray[np.int64]) -> Codes:
        """The codes of some rows, in the order given."""
        return replace(self, mean=self.mean[rows], logvar=None if self.logvar is None else self.logvar[rows])

    def draw(self, random: np.random.Generator) -> NDArray[np.float32]:
        """A sample of q(z|x) of each row, (N, D): classes are one-hot.

        Raises:
            ValueError: the codes have no log-variance.
        """
        if self.logvar is None:
            raise ValueError("codes without a log-variance are points, not distributions")
        noise = random.standard_normal(self.mean.shape, dtype=np.float32)
        sample: NDArray[np.float32] = self.mean + noise * np.exp(0.5 * self.logvar)
        for block in self.categorical:
            sample[:, block] = _one_hot(self.mean[:, block], random)
        return sample

    def prior(self, rows: int, random: np.random.Generator) -> NDArray[np.float32]:
        """Draws of the prior in the columns of these codes, (rows, D): N(0, I), and uniform classes, one-hot."""
        sample = random.standard_normal((rows, self.mean.shape[1])).astype(np.float32)
        for block in self.categorical:
            sample[:, block] = _one_hot(np.ones((rows, len(block)), np.float32), random)
        return sample


def _one_hot(weights: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """One class per row, in proportion to the weights (N, K)."""
    ends = np.cumsum(weights, axis=1, dtype=np.float64)
    chosen = (random.random((len(weights), 1)) * ends[:, -1:] >= ends).sum(1)
    rows: NDArray[np.float32] = np.eye(weights.shape[1], dtype=np.float32)[chosen]
    return rows
