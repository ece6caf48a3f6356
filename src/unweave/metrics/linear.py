"""Regularised linear models on standardised codes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PENALTY = 1.0
"""Strength of the squared penalty on weights, in units of one row's loss."""


@dataclass(frozen=True)
class Linear:
    """The map z -> z W + b: weights (D, C), offset (C,)."""

    weights: Floats
    offset: Floats

    def __call__(self, codes: Floats) -> Floats:
        """Outputs (N, C) of codes (N, D)."""
        return codes @ self.weights + self.offset


def fit_logistic(codes: Floats, labels: NDArray[np.int64], classes: int) -> Linear:
    """Multinomial logistic regression of codes (N, D) and classes (N,) in 0..classes-1; the largest output wins.

    A class that does not occur has output minus infinity. At least two must occur.
    """
    from sklearn.linear_model import LogisticRegression  # scikit-learn takes a second to import

    model = LogisticRegression(C=1 / PENALTY, max_iter=1000).fit(codes, labels)
    weights, offset = model.coef_.T, model.intercept_
    if weights.shape[1] == 1:  # Two classes have one log-odds.
        weights, offset = np.hstack([-weights, weights]) / 2, np.concatenate([-offset, offset]) / 2
    full = Linear(np.zeros((codes.shape[1], classes)), np.full(classes, -np.inf))
    full.weights[:, model.classes_], full.offset[model.classes_] = weights, offset
    return full


def fit_ridge(codes: Floats, targets: Floats) -> Linear:
    """Ridge regression of targets (N, C) on codes (N, D); the offset is not penalised."""
    centre, mean = codes.mean(axis=0), targets.mean(axis=0)
    x = codes - centre
    weights = np.linalg.solve(x.T @ x + PENALTY * np.eye(x.shape[1]), x.T @ (targets - mean))
    return Linear(weights, mean - centre @ weights)
