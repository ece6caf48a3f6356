"""Linear support vector machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.signatures.probes.classes import ClassLearner, RowsLoss
from unweave.signatures.probes.learner import Centred, balance
from unweave.signatures.probes.newton import follow

Floats = NDArray[np.float64]
Real = NDArray[np.floating[Any]]
Classes = NDArray[np.int64]


@dataclass(frozen=True)
class Margins(ClassLearner):
    """Linear support vector machines, one class against the rest: Σ max(0, 1 - margin)² + penalty / 2 |W|².

    The squared hinge of liblinear (Fan et al. 2008, eq. 2), offsets free: scikit-learn's
    `LinearSVC(C=1 / penalty, intercept_scaling=…)` with a large scaling. Outputs are margins, not log-odds.
    """

    def losses(self, outputs: Floats, labels: Floats, weights: Floats) -> Floats:
        """Squared hinge, summed over the classes that were learnt."""
        index = labels.astype(np.int64)
        total = np.zeros(outputs.shape[:2])
        for t, told in enumerate(outputs):
            signs = np.where(np.arange(self.classes) == index[t][:, None], 1.0, -1.0)
            loss = (np.maximum(1 - signs * np.where(np.isfinite(told), told, signs), 0) ** 2).sum(axis=2)
            total[t] = loss @ (balance(index[t], weights) if self.balanced else weights)
        return total

    def fit(
        self, data: Centred, labels: Classes, classes: int, penalties: Floats, tolerance: float
    ) -> list[tuple[Real, Real]]:
        """See `ClassLearner.fit`."""
        start = np.zeros((classes, data.x.shape[1] + 1), dtype=data.x.dtype)
        loss = _Hinge(data, labels, classes)
        return [(best[:, :-1].T, best[:, -1]) for best in follow(loss, start, penalties, tolerance)]


class _Hinge(RowsLoss):
    """Penalised squared hinge of weights and offsets, (C, D + 1)."""

    def __init__(self, data: Centred, labels: Classes, classes: int) -> None:
        self.penalty, self._data = 0.0, data
        self._signs = np.where(np.arange(classes)[:, None] == labels, 1.0, -1.0).astype(data.x.dtype)
        self._active = np.zeros_like(self._signs)

    def at(self, parameters: Real) -> tuple[float, Real]:
        weights = self._data.weights
        short = np.maximum(1 - self._signs * self._forth(parameters), 0)
        self._active = 2 * (short > 0) * weights
        value = (short**2 @ weights).sum() + self.penalty / 2 * (parameters[:, :-1] ** 2).sum()
        return float(value), self._back(-self._signs * short * self._active, parameters)

    def product(self, direction: Real) -> Real:
        return self._back(self._active * self._forth(direction), direction)

    def precondition(self, gradient: Real) -> Real:
        mass = np.maximum(self._active.sum(axis=1), 1e-8)
        scatter = np.outer(mass / self._data.weights.sum(), self._data.scatter)
        inner = gradient[:, :-1] @ self._data.axes / (scatter + self.penalty)
        return np.hstack([inner @ self._data.axes.T, (gradient[:, -1] / mass)[:, None]])
