"""What learns a probe: a path of linear maps from the strongest penalty to the weakest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUGH = 1e-6
"""Nats a row within which a fit is good enough to compare penalties."""

EXACT = 1e-13
"""The same of a fit that is kept."""


@dataclass(frozen=True)
class Maps:
    """Linear maps x -> x W + b of T sets of labels and P penalties: weights (T, P, D, m), offsets (T, P, m)."""

    weights: Floats
    offsets: Floats

    def __call__(self, x: Floats) -> Floats:
        """Outputs (T, P, n, m) of x (n, D)."""
        sets, penalties, latent, width = self.weights.shape
        flat = x @ self.weights.transpose(2, 0, 1, 3).reshape(latent, -1)
        found = flat.reshape(len(x), sets, penalties, width).transpose(1, 2, 0, 3)
        return np.asarray(found + self.offsets[:, :, None, :])


class Learner(Protocol):
    """A kind of probe.

    Attributes:
        penalties: those to choose among, from the strongest to the weakest.
        default: the one for rows that are too few to choose.
        most: rows to learn from while penalties are compared; more only cost time.
    """

    penalties: Floats
    default: float
    most: int

    def path(self, x: Floats, labels: Floats, weights: Floats, penalties: Floats, *, tolerance: float = ROUGH) -> Maps:
        """Maps of standardised codes x (n, D) to each of T sets of labels (T, n), rows weighted by weights (n,)."""

    def losses(self, outputs: Floats, labels: Floats, weights: Floats) -> Floats:
        """Weighted loss (T, P), summed over n rows, of outputs (T, P, n, m) beside labels (T, n)."""


@dataclass(frozen=True)
class Centred:
    """Codes less their weighted mean, and the eigenvectors of their scatter, which all penalties and labels share.

    Attributes:
        x: (n, D), of weighted mean 0.
        mean: (D,).
        weights: (n,).
        scatter: eigenvalues (D,) of Σ w x xᵀ, at least 0.
        axes: its eigenvectors (D, D), in columns.
    """

    x: Floats
    mean: Floats
    weights: Floats
    scatter: Floats
    axes: Floats

    @classmethod
    def of(cls, x: Floats, weights: Floats) -> Centred:
        """Centre codes x (n, D)."""
        mean = weights @ x / weights.sum()
        centred = x - mean
        scatter, axes = np.linalg.eigh(centred.T @ (centred * weights[:, None]))
        return cls(centred, mean, weights, np.maximum(scatter, 0), axes)


def balance(labels: NDArray[np.int64], weights: Floats) -> Floats:
    """Weights (n,) under which every class that occurs weighs the same, and all rows together as much as before."""
    mass = np.bincount(labels, weights=weights)
    occurring = int((mass > 0).sum())
    return np.asarray(weights * weights.sum() / (occurring * np.where(mass > 0, mass, 1)[labels]))


def present_classes(labels: Floats, weights: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Classes that occur with a weight (C,), and the place of each row's class among them (n,)."""
    found = labels.astype(np.int64)
    present = np.unique(found[weights > 0])
    return present, np.searchsorted(present, found).clip(0, len(present) - 1)


def constant_map(latent: int, classes: int, present: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Weights (D, classes) of 0 and offsets (classes,) that only classes that occur can win with."""
    offset = np.full(classes, -np.inf)
    offset[present] = 0.0
    return np.zeros((latent, classes)), offset


def each_set(labels: Floats) -> Iterator[tuple[int, Floats]]:
    """Sets of labels (T, n) one by one, with their numbers."""
    yield from enumerate(labels)
