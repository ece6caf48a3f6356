"""The picture of a built-in set that is nearest to a given one: a search over all cells of its grid.

Pictures are compared in two sizes. A table of all pictures, averaged over blocks of pixels, fits into memory and costs
tens of nanoseconds a look: a subsampled grid of it gives starts, which descend to where no cell of the surrounding box
and no cell on a line through it is nearer. The cells around the best ends are then drawn and compared pixel by pixel.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.data.builtin.base import GeneratedSet, Index
from unweave.signatures.leakage.cell_search import (
    Singles,
    around,
    averages,
    descend,
    details,
    pick_apart,
    square_distances,
)

TABLE_BYTES = 256 << 20
"""Memory of the table of averaged pictures at most."""

COARSE = 80_000
"""Cells of the subsampled grid at most."""

STARTS = 4
"""Cells of the subsampled grid that are descended from, for every combination of classes."""

ENDS = 4
"""Different ends of the descents around which cells are drawn."""

RIVALS = 64
"""Nearest cells of the subsampled grid among which starts apart from each other are picked."""

DRAWN = 96
"""Cells around the best end that are compared pixel by pixel in each round."""

ROUNDS = 3
"""Rounds of drawing at most."""

CHUNK = 4096


class NearestCell:
    """Finds the cell of a grid whose picture has the least squared distance from a given picture.

    Attributes:
        generated: the set.
        pool: side of the blocks of pixels that the table averages.
    """

    def __init__(self, generated: GeneratedSet, *, coarse: int = COARSE, starts: int = STARTS) -> None:
        self.generated, self._starts = generated, starts
        self.pool = _pool(generated)
        self._sizes = np.array(generated.sizes, dtype=np.int64)
        self._strides = np.concatenate([np.cumprod(self._sizes[:0:-1])[::-1], [1]]).astype(np.int64)
        self._hole = np.zeros(math.prod(generated.sizes), dtype=np.bool_)
        if generated.holes is not None:
            self._hole[np.ravel_multi_index(tuple(generated.holes.T), generated.sizes)] = True
        self._table, self._detail = self._averaged()
        named = generated.factors[: len(self._sizes)]
        rest = len(self._sizes) - len(named)
        self._ordered = np.array([f.kind != "categorical" for f in named] + [False] * rest)
        # Boxes hold neighbours. Classes have none, and each has starts of its own; an angle that comes back before a
        # full turn has some all around.
        self._reach = self._ordered.astype(np.int64)
        for name in generated.symmetries:
            axis = [f.name for f in named].index(name)
            self._reach[axis] = self._sizes[axis]
        grid = self._subsampled(coarse)
        self._templates = self._coarser(self._table[grid], self._detail[grid])
        self._squares = 0.5 * (self._templates**2).sum(axis=1)
        self._grid = self._by_class(grid)

    def __call__(self, pictures: Singles) -> Index:
        """Cells (N, K) nearest to pictures float32 (N, H, W, C) in [0, 1]."""
        return np.concatenate([self._some(pictures[i : i + 256]) for i in range(0, len(pictures), 256)])

    def distance(self, pictures: Singles, cells: Index) -> NDArray[np.float64]:
        """Squared distance (N,) of pictures from those of cells (N, K), in units of 255, summed over pixels."""
        drawn = self.generated.render(cells)
        return square_distances(_bytes(pictures), drawn.reshape(len(drawn), -1), np.arange(len(drawn)))

    def _some(self, pictures: Singles) -> Index:
        flat = _bytes(pictures)
        small = averages(flat.reshape(pictures.shape), self.pool)
        detail = details(flat, small, self.pool)
        # |p - t|² = |p|² - 2 (p·t - |t|²/2), and |p|² is the same for all cells.
        near = self._coarser(small, detail) @ self._templates.T - self._squares
        starts = np.concatenate([self._spread(near[:, at], group) for at, group in self._grid], axis=1)
        grid = self._table, self._detail, self._hole, self._strides, self._sizes, self._reach
        asked = descend(small, detail, *grid, starts, ENDS)
        best, apart = asked[:, 0].copy(), np.full(len(asked), np.inf)
        active = np.arange(len(asked))
        for _ in range(ROUNDS):
            asked = around(small[active], detail[active], *grid, asked, DRAWN)
            rows = np.repeat(active, asked.shape[1])
            cells = np.stack(np.unravel_index(asked.ravel(), self.generated.sizes), axis=1).astype(np.int64)
            drawn = self.generated.render(cells).reshape(len(cells), -1)
            found = square_distances(flat, drawn, rows).reshape(asked.shape)
            place = found.argmin(axis=1)
            least, cell = found[np.arange(len(place)), place], asked[np.arange(len(place)), place]
            better = least < apart[active]
            best[active[better]], apart[active[better]] = cell[better], least[better]
            active = active[better]
            if len(active) == 0:
                break
            asked = best[active][:, None]
        return np.stack(np.unravel_index(best, self.generated.sizes), axis=1).astype(np.int64)

    def _averaged(self) -> tuple[NDArray[np.uint8], Singles]:
        """The table, pictures averaged over blocks, uint8 (cells, pixels), and the detail that is lost, (cells,)."""
        height, width, channels = self.generated.shape
        table = np.zeros((len(self._hole), (height // self.pool) * (width // self.pool) * channels), np.uint8)
        detail = np.zeros(len(self._hole), np.float32)
        cells = np.flatnonzero(~self._hole)
        for start in range(0, len(cells), CHUNK):
            some = cells[start : start + CHUNK]
            index = np.stack(np.unravel_index(some, self.generated.sizes), axis=1).astype(np.int64)
            drawn = self.generated.render(index)
            table[some] = np.rint(averages(drawn, self.pool)).astype(np.uint8)
            detail[some] = details(drawn.reshape(len(some), -1), table[some], self.pool)
        return table, detail

    def _coarser(self, small: NDArray[Any], detail: Singles) -> Singles:
        """Rows like those of the table averaged once more, where that leaves whole blocks, and their detail beside."""
        height, width, channels = self.generated.shape
        shape = height // self.pool, width // self.pool, channels
        pool = 1 if shape[0] % 2 or shape[1] % 2 else 2
        coarse = averages(small.reshape(-1, *shape), pool)
        squares = (small.astype(np.float32) ** 2).sum(axis=1) + detail**2
        left = np.sqrt(np.maximum(squares / pool**2 - (coarse**2).sum(axis=1), 0))
        return np.concatenate([coarse, left[:, None]], axis=1).astype(np.float32)

    def _spread(self, near: Singles, group: NDArray[np.int64]) -> NDArray[np.int64]:
        """Starts (N, S) among the cells of a group (M,): the nearest ones (N, M) that are apart from each other."""
        count = min(RIVALS, near.shape[1])
        top = np.argpartition(-near, count - 1, axis=1)[:, :count]
        top = np.take_along_axis(top, np.argsort(-np.take_along_axis(near, top, axis=1), axis=1, kind="stable"), axis=1)
        return pick_apart(group[top], self._strides, self._sizes, min(self._starts, count))

    def _subsampled(self, most: int) -> NDArray[np.int64]:
        """Cells of a grid of about `most` cells (all if they are no more), spread evenly over the ordered axes."""
        kept = self._sizes.copy()
        while kept.prod() > most and (kept[self._ordered] > 2).any():
            # The densest axis is thinned; classes have no order, and each of them is kept.
            kept[np.where(self._ordered, kept, 0).argmax()] -= 1
        axes = [
            np.rint((np.arange(some) + 0.5) * size / some - 0.5).astype(np.int64)
            for some, size in zip(kept, self._sizes, strict=True)
        ]
        grid = np.ravel_multi_index(np.meshgrid(*axes, indexing="ij"), self.generated.sizes).ravel()
        return np.asarray(grid[~self._hole[grid]], dtype=np.int64)

    def _by_class(self, grid: NDArray[np.int64]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Places in the subsampled grid and their cells, one pair for every combination of classes."""
        cells = np.stack(np.unravel_index(grid, self.generated.sizes), axis=1)
        _, which = np.unique(cells[:, ~self._ordered], axis=0, return_inverse=True)
        places = [np.flatnonzero(which.ravel() == k) for k in range(int(which.max()) + 1)]
        return [(some, grid[some]) for some in places]


def _pool(generated: GeneratedSet) -> int:
    """The smallest side of blocks, a power of two that divides the picture, with which the table fits into memory."""
    height, width, channels = generated.shape
    pool = 1
    while math.prod(generated.sizes) * (height // pool) * (width // pool) * channels > TABLE_BYTES:
        if height % (2 * pool) or width % (2 * pool):
            break
        pool *= 2
    return pool


def _bytes(pictures: Singles) -> Singles:
    """Pictures as rows of pixels in units of 255, float32 (N, P)."""
    return np.ascontiguousarray(pictures.reshape(len(pictures), -1) * np.float32(255))
