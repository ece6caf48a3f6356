"""What probes of classes share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.signatures.probes.learner import ROUGH, Centred, Maps, balance, constant_map, present_classes

Floats = NDArray[np.float64]
Real = NDArray[np.floating[Any]]
Classes = NDArray[np.int64]


@dataclass(frozen=True)
class ClassLearner(ABC):
    """What probes of classes share.

    Attributes:
        classes: number of classes, with or without labels.
        balanced: whether classes weigh the same however many rows they have.
        penalties, default, most: see `Learner`.
    """

    classes: int
    balanced: bool = False
    penalties: Floats = field(default_factory=lambda: 10.0 ** np.arange(4.0, -2, -1))
    default: float = 10.0
    most: int = 2000

    def path(self, x: Floats, labels: Floats, weights: Floats, penalties: Floats, *, tolerance: float = ROUGH) -> Maps:
        """See `Learner.path`; the offset of a class without rows is minus infinity."""
        shape = (len(labels), len(penalties), x.shape[1], self.classes)
        maps = Maps(np.zeros(shape), np.zeros((*shape[:2], self.classes)))
        shared = None if self.balanced else Centred.of(x, weights, tolerance)
        for t, one in enumerate(labels):
            present, places = present_classes(one, weights)
            weight, offset = constant_map(x.shape[1], self.classes, present)
            maps.weights[t], maps.offsets[t] = weight, offset
            if len(present) < 2:
                continue
            data = shared or Centred.of(x, balance(places, weights), tolerance)
            found = self.fit(data, places, len(present), penalties, tolerance * float(weights.sum()))
            for p, (inner, height) in enumerate(found):
                maps.weights[t, p][:, present] = inner
                maps.offsets[t, p][present] = height - data.mean @ inner
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
    ) -> list[tuple[Real, Real]]:
        """Weights (D, C) and offsets (C,) for centred codes, by penalty; all C classes occur."""


class RowsLoss:
    """What losses of weights and offsets (C, D + 1) share: classes are rows, so that sums over them are quick."""

    penalty: float
    _data: Centred

    def penalised(self, parameters: Real) -> Real:
        """See `Loss.penalised`: offsets are free."""
        weights = parameters.copy()
        weights[:, -1] = 0
        return weights

    def defined(self, parameters: Real) -> bool:
        """See `Loss.defined`: everywhere."""
        return True

    def _forth(self, parameters: Real) -> Real:
        return np.asarray(parameters[:, :-1] @ self._data.x.T + parameters[:, -1:])

    def _back(self, rows: Real, parameters: Real) -> Real:
        return np.hstack([rows @ self._data.x + self.penalty * parameters[:, :-1], rows.sum(axis=1, keepdims=True)])
