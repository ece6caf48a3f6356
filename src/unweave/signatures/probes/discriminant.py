"""Linear discriminants with a shrunk covariance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.signatures.probes.classes import ClassLearner
from unweave.signatures.probes.learner import Centred

Floats = NDArray[np.float64]
Real = NDArray[np.floating[Any]]
Classes = NDArray[np.int64]


@dataclass(frozen=True)
class Discriminant(ClassLearner):
    """Linear discriminants with a covariance within classes shrunk towards a multiple of the identity.

    The penalty is the share of the identity, in (0, 1]. Equals scikit-learn's
    `LinearDiscriminantAnalysis(solver="lsqr", shrinkage=penalty)`. Balanced, classes are equally likely beforehand.
    """

    penalties: Floats = field(default_factory=lambda: np.array([1, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001]))
    default: float = 0.3

    def fit(
        self, data: Centred, labels: Classes, classes: int, penalties: Floats, tolerance: float
    ) -> list[tuple[Real, Real]]:
        """See `ClassLearner.fit`; there is nothing to iterate."""
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
