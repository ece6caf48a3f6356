"""Probes of classes: multinomial logistic regression, support vectors, shrunk discriminants."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unweave.signatures.probes.learner import ROUGH, Centred, Maps, balance, constant_map, present_classes
from unweave.signatures.probes.newton import follow

Floats = NDArray[np.float64]
Classes = NDArray[np.int64]


@dataclass(frozen=True)
class _ClassLearner(ABC):
    """What probes of classes share.

    Attributes:
        classes: number of classes, with or without labels.
        balanced: whether classes weigh the same however many rows they have.
        penalties, default, most: see `Learner`.
    """

    classes: int
    balanced: bool = False
    penalties: Floats = field(default_factory=lambda: 10.0 ** np.arange(4, -2, -1))
    default: float = 10.0
    most: int = 2000

    def path(self, x: Floats, labels: Floats, weights: Floats, penalties: Floats, *, tolerance: float = ROUGH) -> Maps:
        """See `Learner.path`; the offset of a class without rows is minus infinity."""
        shape = (len(labels), len(penalties), x.shape[1], self.classes)
        maps = Maps(np.zeros(shape), np.zeros((*shape[:2], self.classes)))
        shared = None if self.balanced else Centred.of(x, weights)
        for t, one in enumerate(labels):
            present, places = present_classes(one, weights)
            weight, offset = constant_map(x.shape[1], self.classes, present)
            maps.weights[t], maps.offsets[t] = weight, offset
            if len(present) < 2:
                continue
            data = shared or Centred.of(x, balance(places, weights))
            found = self.fit(data, places, len(present), penalties, tolerance * float(weights.sum()))
            for p, (inner, offset) in enumerate(found):
                maps.weights[t, p][:, present] = inner
                maps.offsets[t, p][present] = offset - data.mean @ inner
        return maps

    def losses(self, outputs: Floats, labels: Floats, weights: Floats) -> Floats:
        """Log-loss in nats; a row whose class was not learnt costs the same under every penalty and is left out."""
        index = labels.astype(np.int64)
        total = np.zeros(outputs.shape[:2])
        for t, told in enumerate(outputs):
            chosen = np.take_along_axis(told, index[t][None, :, None], axis=2)[..., 0]
            top = told.max(axis=2)
            loss = top + np.log(np.exp(told - top[..., None]).sum(axis=2)) - chosen
            row = balance(index[t], weights) if self.balanced else weights
            total[t] = np.where(np.isfinite(loss), loss, 0.0) @ row
        return total

    @abstractmethod
    def fit(
        self, data: Centred, labels: Classes, classes: int, penalties: Floats, tolerance: float
    ) -> list[tuple[Floats, Floats]]:
        """Weights (D, C) and offsets (C,) for centred codes, by penalty; all C classes occur."""


@dataclass(frozen=True)
class Logistic(_ClassLearner):
    """Multinomial logistic regression: Σ log-loss + penalty / 2 |W|², with offsets free.

    Equals scikit-learn's `LogisticRegression(C=1 / penalty)` for three classes and more; for two, where scikit-learn
    penalises the one difference of the two columns, `C=2 / penalty`.
    """

    def fit(
        self, data: Centred, labels: Classes, classes: int, penalties: Floats, tolerance: float
    ) -> list[tuple[Floats, Floats]]:
        """See `_ClassLearner.fit`."""
        share = np.bincount(labels, weights=data.weights, minlength=classes) / data.weights.sum()
        parameters = np.zeros((classes, data.x.shape[1] + 1))
        parameters[:, -1] = np.log(share) - np.log(share).mean()
        loss = _Softmax(data, labels, classes)
        return [(best[:, :-1].T, best[:, -1]) for best in follow(loss, parameters, penalties, tolerance)]


class _Rows:
    """What losses of weights and offsets (C, D + 1) share: classes are rows, so that sums over them are quick."""

    penalty: float
    _data: Centred

    def penalised(self, parameters: Floats) -> Floats:
        return np.hstack([parameters[:, :-1], np.zeros((len(parameters), 1))])

    def defined(self, parameters: Floats) -> bool:
        return True

    def _forth(self, parameters: Floats) -> Floats:
        return np.asarray(parameters[:, :-1] @ self._data.x.T + parameters[:, -1:])

    def _back(self, rows: Floats, parameters: Floats) -> Floats:
        return np.hstack([rows @ self._data.x + self.penalty * parameters[:, :-1], rows.sum(axis=1, keepdims=True)])


class _Softmax(_Rows):
    """Penalised log-loss of weights and offsets, (C, D + 1)."""

    def __init__(self, data: Centred, labels: Classes, classes: int) -> None:
        self.penalty = 0.0
        self._data, self._own = data, (labels, np.arange(len(labels)))
        self._shares = np.zeros((classes, len(labels)))
        self._curvature: tuple[Floats, Floats] | None = None

    def at(self, parameters: Floats) -> tuple[float, Floats]:
        weights = self._data.weights
        scores = self._forth(parameters)
        scores -= scores.max(axis=0)
        own = scores[self._own]
        shares = np.exp(scores, out=scores)
        total = shares.sum(axis=0)
        shares /= total
        value = weights @ (np.log(total) - own) + self.penalty / 2 * (parameters[:, :-1] ** 2).sum()
        self._shares, self._curvature = shares, None
        excess = shares * weights
        excess[self._own] -= weights
        return float(value), self._back(excess, parameters)

    def product(self, direction: Floats) -> Floats:
        moved = self._forth(direction)
        moved *= self._shares
        moved -= self._shares * moved.sum(axis=0)
        moved *= self._data.weights
        return self._back(moved, direction)

    def precondition(self, gradient: Floats) -> Floats:
        """As if every row had the mean curvature: the Hessian is then a Kronecker product, and inverted by its axes."""
        if self._curvature is None:
            weighted = self._shares * self._data.weights
            mean = np.diag(weighted.sum(axis=1)) - weighted @ self._shares.T
            values, axes = np.linalg.eigh(mean)
            self._curvature = np.maximum(values, 1e-8 * values[-1]), axes
        values, axes = self._curvature
        turned = axes.T @ gradient
        share = self._data.scatter / self._data.weights.sum()
        inner = turned[:, :-1] @ self._data.axes / (np.outer(values, share) + self.penalty)
        outer = turned[:, -1] / values
        outer[0] = 0.0  # The first axis adds the same to every class, which changes nothing.
        return np.hstack([axes @ inner @ self._data.axes.T, (axes @ outer)[:, None]])


@dataclass(frozen=True)
class Margins(_ClassLearner):
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
    ) -> list[tuple[Floats, Floats]]:
        """See `_ClassLearner.fit`."""
        start = np.zeros((classes, data.x.shape[1] + 1))
        loss = _Hinge(data, labels, classes)
        return [(best[:, :-1].T, best[:, -1]) for best in follow(loss, start, penalties, tolerance)]


class _Hinge(_Rows):
    """Penalised squared hinge of weights and offsets, (C, D + 1)."""

    def __init__(self, data: Centred, labels: Classes, classes: int) -> None:
        self.penalty, self._data = 0.0, data
        self._signs = np.where(np.arange(classes)[:, None] == labels, 1.0, -1.0)
        self._active = np.zeros_like(self._signs)

    def at(self, parameters: Floats) -> tuple[float, Floats]:
        weights = self._data.weights
        short = np.maximum(1 - self._signs * self._forth(parameters), 0)
        self._active = 2 * (short > 0) * weights
        value = (short**2 @ weights).sum() + self.penalty / 2 * (parameters[:, :-1] ** 2).sum()
        return float(value), self._back(-self._signs * short * self._active, parameters)

    def product(self, direction: Floats) -> Floats:
        return self._back(self._active * self._forth(direction), direction)

    def precondition(self, gradient: Floats) -> Floats:
        mass = np.maximum(self._active.sum(axis=1), 1e-8)
        scatter = np.outer(mass / self._data.weights.sum(), self._data.scatter)
        inner = gradient[:, :-1] @ self._data.axes / (scatter + self.penalty)
        return np.hstack([inner @ self._data.axes.T, (gradient[:, -1] / mass)[:, None]])


@dataclass(frozen=True)
class Discriminant(_ClassLearner):
    """Linear discriminants with a covariance within classes shrunk towards a multiple of the identity.

    The penalty is the share of the identity, in (0, 1]. Equals scikit-learn's
    `LinearDiscriminantAnalysis(solver="lsqr", shrinkage=penalty)`. Balanced, classes are equally likely beforehand.
    """

    penalties: Floats = field(default_factory=lambda: np.array([1, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001]))
    default: float = 0.3

    def fit(
        self, data: Centred, labels: Classes, classes: int, penalties: Floats, tolerance: float
    ) -> list[tuple[Floats, Floats]]:
        """See `_ClassLearner.fit`; there is nothing to iterate."""
        member = np.eye(classes)[labels] * data.weights[:, None]
        mass = member.sum(axis=0)
        means = member.T @ data.x / mass[:, None]
        total = (data.axes * data.scatter) @ data.axes.T
        spread, axes = np.linalg.eigh((total - (means.T * mass) @ means) / mass.sum())
        spread = np.maximum(spread, 0)
        level = max(float(spread.mean()), 1e-12)
        found = []
        for penalty in penalties:
            inverse = (axes / ((1 - penalty) * spread + penalty * level)) @ axes.T
            weights = inverse @ means.T
            found.append((weights, np.log(mass / mass.sum()) - 0.5 * (means.T * weights).sum(axis=0)))
        return found
