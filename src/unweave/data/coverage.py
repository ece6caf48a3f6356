"""Rows that stand for all others: which few to look at so that every row has one near it."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from unweave.data.duplicates import near_duplicates

Points = NDArray[np.float64]

_CHUNK_VALUES = 1 << 22


@dataclass(frozen=True)
class Twins:
    """Which rows show the same or nearly the same.

    Attributes:
        kinds: int64 (N,), equal for exact copies.
        near: kinds that nearly equal a kind, for those that have any.
    """

    kinds: NDArray[np.int64]
    near: dict[int, tuple[int, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, observations: NDArray[np.generic], digests: NDArray[np.generic]) -> Twins:
        """Twins among images uint8 (N, H, W, C), or only exact copies among vectors (N, F); digests (N,)."""
        kinds = np.unique(digests, return_inverse=True)[1].ravel().astype(np.int64)
        if observations.ndim != 4:
            return cls(kinds)
        near: dict[int, list[int]] = {}
        for a, b in kinds[near_duplicates(cast("NDArray[np.uint8]", observations), digests).pairs].tolist():
            near.setdefault(a, []).append(b)
            near.setdefault(b, []).append(a)
        return cls(kinds, {kind: tuple(others) for kind, others in near.items()})

    def blocked(self, rows: NDArray[np.int64]) -> set[int]:
        """Kinds of some rows and of what nearly equals them."""
        own = set(self.kinds[rows].tolist())
        return own.union(*(self.near.get(kind, ()) for kind in own))


def distances(a: Points, b: Points) -> Points:
    """Euclidean distances (n, m) of points a (n, D) and b (m, D)."""
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    return np.asarray(np.sqrt(np.maximum(squares, 0)))


def nearest(points: Points, others: Points) -> Points:
    """Distance of each of `points` (n, D) to the nearest of `others` (m, D): (n,), infinite where m is 0."""
    found = np.full(len(points), np.inf)
    step = max(1, _CHUNK_VALUES // max(1, len(points)))
    for start in range(0, len(others), step):
        np.minimum(found, distances(points, others[start : start + step]).min(1), out=found)
    return found


def representatives(
    points: Points,
    candidates: Points,
    count: int,
    *,
    weights: Points | None = None,
    covered: Points | None = None,
    allow: Callable[[int], bool] = lambda candidate: True,
) -> list[int]:
    """Candidates that bring every point near to one of them, the most useful first.

    Greedy k-medians (facility location): each candidate taken is the one that lowers the weighted mean distance of the
    points to the nearest taken candidate most. The mean that it takes off is at least 1 - 1/e of what the best choice
    of `count` candidates would (Nemhauser, Wolsey and Fisher 1978, section 4). Unlike farthest-first k-center
    (Gonzalez 1985), it does not spend its first choices on outliers. Ties go to the first candidate.

    Args:
        points: (n, D) that are to be covered.
        candidates: (m, D) that may be taken.
        count: how many are wanted; fewer come when fewer are allowed.
        weights: (n,) how much each point matters, 1 without.
        covered: (n,) distance of each point to what is taken already, infinite where nothing is.
        allow: asked for a candidate when its turn has come; one that is refused is out for good.

    Returns:
        Positions in `candidates`, all different, in the order in which they were taken.
    """
    apart = distances(points, candidates)
    weight = np.ones(len(points)) if weights is None else weights
    # Without anything taken, every point is as far away as two can be.
    far = float(apart.max(initial=0.0))
    left = np.full(len(points), far) if covered is None else np.minimum(covered, far)

    def gain(candidate: int) -> float:
        return float(weight @ np.maximum(left - apart[:, candidate], 0))

    # What a candidate gains can only shrink as others are taken, so an old value bounds it, and few are renewed.
    queue = [(-gain(candidate), candidate) for candidate in range(len(candidates))]
    heapq.heapify(queue)
    taken: list[int] = []
    while queue and len(taken) < count:
        candidate = heapq.heappop(queue)[1]
        fresh = (-gain(candidate), candidate)
        if queue and fresh > queue[0]:
            heapq.heappush(queue, fresh)
        elif allow(candidate):
            taken.append(candidate)
            np.minimum(left, apart[:, candidate], out=left)
    return taken
