"""Ridge regression of measurements and angles."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unweave.core.targets import Target
from unweave.signatures.chart import Chart
from unweave.signatures.probes.learner import ROUGH, Centred, Maps

Floats = NDArray[np.float64]


def squared_errors(target: Target, outputs: Floats, labels: Floats, weights: Floats) -> Floats:
    """Weighted squared error (T, P) of outputs (T, P, n, m) in the coordinates of the factor, summed over rows."""
    return np.stack(
        [((told - Chart(target).of(one)) ** 2).sum(axis=2) @ weights for told, one in zip(outputs, labels, strict=True)]
    )


@dataclass(frozen=True)
class Ridge:
    """Ridge regression of a factor's coordinates: Σ squared error + penalty |W|², with the offset free.

    Equals scikit-learn's `Ridge(alpha=penalty)`. One eigendecomposition serves all penalties and sets of labels.
    """

    target: Target
    penalties: Floats = field(default_factory=lambda: 10.0 ** np.arange(6, -2.5, -0.5))
    default: float = 10.0
    most: int = 20_000

    def path(self, x: Floats, labels: Floats, weights: Floats, penalties: Floats, *, tolerance: float = ROUGH) -> Maps:
        """See `Learner.path`; exact, whatever the tolerance."""
        data = Centred.of(x, weights)
        goals = np.concatenate([Chart(self.target).of(one) for one in labels], axis=1)
        mean = weights @ goals / weights.sum()
        turned = data.axes.T @ (data.x.T @ ((goals - mean) * weights[:, None]))
        found = np.stack([data.axes @ (turned / (data.scatter[:, None] + penalty)) for penalty in penalties])
        offsets = mean - np.einsum("d,pdk->pk", data.mean, found)
        sets, width = len(labels), goals.shape[1] // len(labels)
        shaped = found.reshape(len(penalties), x.shape[1], sets, width).transpose(2, 0, 1, 3)
        return Maps(shaped, offsets.reshape(len(penalties), sets, width).transpose(1, 0, 2))

    def losses(self, outputs: Floats, labels: Floats, weights: Floats) -> Floats:
        """Squared error."""
        return squared_errors(self.target, outputs, labels, weights)
