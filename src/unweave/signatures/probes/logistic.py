"""Multinomial logistic regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.signatures.probes.classes import ClassLearner, RowsLoss
from unweave.signatures.probes.learner import Centred
from unweave.signatures.probes.newton import follow

Floats = NDArray[np.float64]
Real = NDArray[np.floating[Any]]
Classes = NDArray[np.int64]


@dataclass(frozen=True)
class Logistic(ClassLearner):
    """Multinomial logistic regression: Σ log-loss + penalty / 2 |W|², with offsets free.

    Equals scikit-learn's `LogisticRegression(C=1 / penalty)` for three classes and more; for two, where scikit-learn
    penalises the one difference of the two columns, `C=2 / penalty`.
    """

    def fit(
        self, data: Centred, labels: Classes, classes: int, penalties: Floats, tolerance: float
    ) -> list[tuple[Real, Real]]:
        """See `ClassLearner.fit`."""
        share = np.bincount(labels, weights=data.weights, minlength=classes) / data.weights.sum()
        parameters = np.zeros((classes, data.x.shape[1] + 1), dtype=data.x.dtype)
        parameters[:, -1] = np.log(share) - np.log(share).mean()
        loss = _Softmax(data, labels, classes)
        return [(best[:, :-1].T, best[:, -1]) for best in follow(loss, parameters, penalties, tolerance)]


class _Softmax(RowsLoss):
    """Penalised log-loss of weights and offsets, (C, D + 1)."""

    def __init__(self, data: Centred, labels: Classes, classes: int) -> None:
        self.penalty = 0.0
        self._data, self._own = data, (labels, np.arange(len(labels)))
        self._shares = np.zeros((classes, len(labels)), dtype=data.x.dtype)
        self._inverse: tuple[Real, Real, Real] | None = None

    def at(self, parameters: Real) -> tuple[float, Real]:
        weights = self._data.weights
        scores = self._forth(parameters)
        scores -= scores.max(axis=0)
        own = scores[self._own]
        shares = np.exp(scores, out=scores)
        total = shares.sum(axis=0)
        shares /= total
        value = weights @ (np.log(total) - own) + self.penalty / 2 * (parameters[:, :-1] ** 2).sum()
        self._shares, self._inverse = shares, None
        excess = shares * weights
        excess[self._own] -= weights
        return float(value), self._back(excess, parameters)

    def product(self, direction: Real) -> Real:
        moved = self._forth(direction)
        moved *= self._shares
        moved -= self._shares * moved.sum(axis=0)
        moved *= self._data.weights
        return self._back(moved, direction)

    def precondition(self, gradient: Real) -> Real:
        """As if every row had the mean curvature: the Hessian is then a Kronecker product, and inverted by its axes."""
        if self._inverse is None:
            self._inverse = self._invert()
        axes, inner, outer = self._inverse
        turned = axes.T @ gradient
        weights = axes @ (turned[:, :-1] @ self._data.axes * inner) @ self._data.axes.T
        return np.hstack([weights, (axes @ (turned[:, -1] * outer))[:, None]])

    def _invert(self) -> tuple[Real, Real, Real]:
        """Axes (C, C) of the mean curvature, and factors along them: (C, D) for weights, (C,) for offsets."""
        weighted = self._shares * self._data.weights
        values, axes = np.linalg.eigh(np.diag(weighted.sum(axis=1)) - weighted @ self._shares.T)
        values = np.maximum(values, 1e-6 * values[-1])
        share = self._data.scatter / self._data.weights.sum()
        outer = 1 / values
        outer[0] = 0.0  # The first axis adds the same to every class, which changes nothing.
        return axes, 1 / (np.outer(values, share) + self.penalty), outer
