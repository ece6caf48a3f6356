"""The probe behind the learning curve of labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.factors import Factor
from unweave.metrics.label_budgets import outcomes_of, score_means
from unweave.metrics.linear import fit_logistic, fit_ridge

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class ProbeTask:
    """A probe's task: targets are class numbers (n,) of a factor of classes, or columns of numbers (n, C)."""

    classes: int
    fit: Floats
    target: NDArray[Any]
    test: Floats
    truth: NDArray[Any]

    @classmethod
    def of(cls, factor: Factor, fit: Floats, labels: Floats, test: Floats, truth: Floats) -> ProbeTask:
        """The task of codes (n, D) and (m, D) with their labels (n,) and (m,)."""
        if factor.is_discrete:
            classes = int(max(labels.max(), truth.max())) + 1
            return cls(classes, fit, labels.astype(np.int64), test, truth.astype(np.int64))
        if factor.kind == "circular":
            angles = (2 * np.pi * values / factor.period for values in (labels, truth))
            target, truth = (np.stack([np.sin(a), np.cos(a)], 1) for a in angles)
            return cls(0, fit, target, test, truth)
        return cls(0, fit, labels[:, None], test, truth[:, None])

    @property
    def chance(self) -> float:
        """Score of the commonest class, or of the mean."""
        if self.classes:
            return float((self.truth == np.bincount(self.target).argmax()).mean())
        mean = np.broadcast_to(self.target.mean(0), self.truth.shape)
        return float(score_means(outcomes_of(mean, self.truth).mean(0), 0))

    def outcome(self, rows: Rows) -> Floats:
        """What a probe of some labels gives each held-out row, (m, M), as `score_means` takes its means."""
        target = self.target[rows]
        if not self.classes:
            return outcomes_of(fit_ridge(self.fit[rows], target)(self.test), self.truth)
        if (target == target[0]).all():
            return np.asarray(self.truth == target[0], dtype=np.float64)[:, None]
        told = fit_logistic(self.fit[rows], target, self.classes)(self.test).argmax(1)
        return np.asarray(told == self.truth, dtype=np.float64)[:, None]
