"""Partners by likeness: the nearest training rows of each row, which mostly show a thing of the same class."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import DataError
from unweave.core.model import Observations
from unweave.core.seeds import generator

_MOST_CANDIDATES = 10_000
"""Rows among which neighbours are sought, so that the search takes time in proportion to the rows."""

_CHUNK_VALUES = 1 << 22


class NearestPartners:
    """The partner of a training row is one of its nearest training rows, each as often as any other.

    Distances are Euclidean, of pixels or of standardised columns. Above 10,000 training rows neighbours are sought
    among that many of them, drawn once. No row is its own neighbour; an exact copy of it may be.

    Args:
        observations: of all N rows.
        train: rows that have partners and may be one.
        count: how many of the nearest rows take turns; fewer where there are not so many.
        seed: of the rows among which neighbours are sought.

    Raises:
        DataError: there are fewer than two training rows.
    """

    def __init__(self, observations: Observations, train: NDArray[np.int64], count: int, *, seed: int = 0) -> None:
        if len(train) < 2:
            raise DataError(
                f"method.views.neighbours: expected at least 2 training rows, got {len(train)}. "
                "Give the training rows a larger share, or set neighbours to 0."
            )
        self._observations = observations
        candidates = train
        if len(train) > _MOST_CANDIDATES:
            drawn = generator(seed, "candidates").permutation(len(train))[:_MOST_CANDIDATES]
            candidates = np.sort(train[drawn])
        self._place = np.full(len(observations), -1)
        self._place[train] = np.arange(len(train))
        self.nearest = _nearest(observations, train, candidates, min(count, len(candidates) - 1))

    @property
    def digest(self) -> bytes:
        """Of the neighbours of every row."""
        return hashlib.blake2b(self.nearest.tobytes(), digest_size=16).digest()

    def rows(self, rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """A partner of each of some training rows, as a row of the data, int64 (n,)."""
        found: NDArray[np.int64] = self.nearest[self._place[rows], rng.integers(self.nearest.shape[1], size=len(rows))]
        return found

    def draw(self, rows: NDArray[np.int64], rng: np.random.Generator) -> Observations:
        """The observations of partners."""
        return self._observations[self.rows(rows, rng)]


def _nearest(
    observations: Observations, rows: NDArray[np.int64], candidates: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """The nearest candidates of each row, int64 (rows, count), in the order of the data."""
    shown = observations[candidates].reshape(len(candidates), -1).astype(np.float32)
    middle = shown.mean(0)  # distances do not change, and rounding is least about the origin
    spread = shown.std(0)
    scale = np.float32(255) if observations.ndim == 4 else np.where(spread > 0, spread, 1)
    shown = (shown - middle) / scale
    squares, found = np.square(shown).sum(1), np.empty((len(rows), count), dtype=np.int64)
    step = max(1, _CHUNK_VALUES // len(candidates))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        points = (observations[part].reshape(len(part), -1).astype(np.float32) - middle) / scale
        far = squares - 2 * points @ shown.T  # less the square of the row itself, the same for all candidates
        far[candidates == part[:, None]] = np.inf
        found[start : start + step] = candidates[np.sort(np.argpartition(far, count - 1, axis=1)[:, :count], axis=1)]
    return found
