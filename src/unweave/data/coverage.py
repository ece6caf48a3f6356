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
_MOST_POINTS = 2000
"""Points that stand for all when regions are laid out, drawn at random."""


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


def representatives(points: Points, candidates: Points, count: int, *, weights: Points, covered: Points) -> list[int]:
    """Candidates that bring every point near to one of them, the most useful first.

    Greedy k-medians (facility location): each candidate taken is the one that lowers the weighted mean distance of the
    points to the nearest taken candidate most. The mean that it takes off is at least 1 - 1/e of what the best choice
    of `count` candidates would (Nemhauser, Wolsey and Fisher 1978, section 4). Unlike farthest-first k-center
    (Gonzalez 1985), it does not spend its first choices on outliers. Ties go to the first candidate.

    Args:
        points: (n, D) that are to be covered.
        candidates: (m, D) that may be taken.
        count: how many are wanted.
        weights: (n,) how much each point matters.
        covered: (n,) distance of each point to what is taken already, infinite where nothing is.

    Returns:
        Positions in `candidates`, all different, in the order in which they were taken.
    """
    apart = distances(points, candidates)
    # Without anything taken, every point is as far away as two can be.
    left = np.minimum(covered, float(apart.max(initial=0.0)))

    def gain(candidate: int) -> float:
        return float(weights @ np.maximum(left - apart[:, candidate], 0))

    # What a candidate gains can only shrink as others are taken, so an old value bounds it, and few are renewed.
    queue = [(-gain(candidate), candidate) for candidate in range(len(candidates))]
    heapq.heapify(queue)
    taken: list[int] = []
    while queue and len(taken) < count:
        candidate = heapq.heappop(queue)[1]
        fresh = (-gain(candidate), candidate)
        if queue and fresh > queue[0]:
            heapq.heappush(queue, fresh)
            continue
        taken.append(candidate)
        np.minimum(left, apart[:, candidate], out=left)
    return taken


def spread_draw(
    candidates: Points,
    count: int,
    *,
    weights: Points,
    taken: Points,
    rng: np.random.Generator,
    allow: Callable[[int], bool] = lambda candidate: True,
) -> list[int]:
    """Rows drawn from all regions: one at random from the surroundings of each of `count` representatives.

    Representatives themselves are the typical rows of their surroundings, and whatever the points do not show (a small
    detail of large images, say) would vary less among them than it does in the data. A row drawn from each region sees
    all regions, as they do, and is a fair sample of what varies inside, as random rows are.

    Args:
        candidates: (m, D) that may be drawn.
        count: how many are wanted; fewer come when fewer are allowed.
        weights: (m,) how much a candidate matters: heavy regions get more draws, heavy rows are likelier inside one.
        taken: (t, D) points that are taken already; what lies nearer to them than to a representative is left alone.
        rng: of the draws.
        allow: asked for a candidate when its turn has come; one that is refused is out for good.

    Returns:
        Positions in `candidates`, all different, those of the most useful representatives first.
    """
    drawn: list[int] = []
    left = np.arange(len(candidates))
    while len(drawn) < count and len(left):
        covered = nearest(candidates, np.concatenate([taken, candidates[drawn]]))
        refer = rng.permutation(len(candidates))[:_MOST_POINTS]
        medoids = left[
            representatives(
                candidates[refer], candidates[left], count - len(drawn), weights=weights[refer], covered=covered[refer]
            )
        ]
        apart = distances(candidates[left], candidates[medoids])
        region = np.where(apart.min(1) <= covered[left], apart.argmin(1), -1)
        region[np.searchsorted(left, medoids)] = np.arange(len(medoids))
        refused: list[int] = []
        for number in range(len(medoids)):
            members = left[region == number]
            share = weights[members] / weights[members].sum()
            for row in rng.choice(members, len(members), replace=False, p=share).tolist():
                if allow(row):
                    drawn.append(row)
                    break
                refused.append(row)
        left = np.setdiff1d(left, [*drawn, *refused])
    return drawn
