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

from unweave.core.compiled import compiled
from unweave.data.builtin.base import GeneratedSet, Index

Singles = NDArray[np.float32]

TABLE_BYTES = 256 << 20
"""Memory of the table of averaged pictures at most."""

COARSE = 80_000
"""Cells of the subsampled grid at most."""

STARTS = 4
"""Cells of the subsampled grid that are descended from, for every combination of classes."""

ENDS = 4
"""Different ends of the descents around which cells are drawn."""

ALIKE = 0.6
"""Correlation of the details of a picture and of its nearest, which the table does not hold."""

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
        return _apart(_bytes(pictures), drawn.reshape(len(drawn), -1), np.arange(len(drawn)))

    def _some(self, pictures: Singles) -> Index:
        flat = _bytes(pictures)
        small = _averages(flat.reshape(pictures.shape), self.pool)
        detail = _details(flat, small, self.pool)
        # |p - t|² = |p|² - 2 (p·t - |t|²/2), and |p|² is the same for all cells.
        near = self._coarser(small, detail) @ self._templates.T - self._squares
        starts = np.concatenate([self._spread(near[:, at], group) for at, group in self._grid], axis=1)
        grid = self._table, self._detail, self._hole, self._strides, self._sizes, self._reach
        asked = _descend(small, detail, *grid, starts, ENDS)
        best, apart = asked[:, 0].copy(), np.full(len(asked), np.inf)
        active = np.arange(len(asked))
        for _ in range(ROUNDS):
            asked = _around(small[active], detail[active], *grid, asked, DRAWN)
            rows = np.repeat(active, asked.shape[1])
            cells = np.stack(np.unravel_index(asked.ravel(), self.generated.sizes), axis=1).astype(np.int64)
            drawn = self.generated.render(cells).reshape(len(cells), -1)
            found = _apart(flat, drawn, rows).reshape(asked.shape)
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
            table[some] = np.rint(_averages(drawn, self.pool)).astype(np.uint8)
            detail[some] = _details(drawn.reshape(len(some), -1), table[some], self.pool)
        return table, detail

    def _coarser(self, small: NDArray[Any], detail: Singles) -> Singles:
        """Rows like those of the table averaged once more, where that leaves whole blocks, and their detail beside."""
        height, width, channels = self.generated.shape
        shape = height // self.pool, width // self.pool, channels
        pool = 1 if shape[0] % 2 or shape[1] % 2 else 2
        coarse = _averages(small.reshape(-1, *shape), pool)
        squares = (small.astype(np.float32) ** 2).sum(axis=1) + detail**2
        left = np.sqrt(np.maximum(squares / pool**2 - (coarse**2).sum(axis=1), 0))
        return np.concatenate([coarse, left[:, None]], axis=1).astype(np.float32)

    def _spread(self, near: Singles, group: NDArray[np.int64]) -> NDArray[np.int64]:
        """Starts (N, S) among the cells of a group (M,): the nearest ones (N, M) that are apart from each other."""
        count = min(RIVALS, near.shape[1])
        top = np.argpartition(-near, count - 1, axis=1)[:, :count]
        top = np.take_along_axis(top, np.argsort(-np.take_along_axis(near, top, axis=1), axis=1, kind="stable"), axis=1)
        return _pick_apart(group[top], self._strides, self._sizes, min(self._starts, count))

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


@compiled()
def _averages(pictures: NDArray[Any], pool: int) -> Singles:
    """Means (N, p) over blocks of pixels of pictures (N, H, W, C) of any type."""
    count, height, width, channels = pictures.shape
    rows, columns = height // pool, width // pool
    out = np.zeros((count, rows * columns * channels), np.float32)
    for n in range(count):
        for i in range(rows * pool):
            for j in range(columns * pool):
                at = ((i // pool) * columns + j // pool) * channels
                for c in range(channels):
                    out[n, at + c] += np.float32(pictures[n, i, j, c])
    return (out / np.float32(pool * pool)).astype(np.float32)


@compiled()
def _apart(pictures: Singles, drawn: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Squared distance of pictures[rows[i]] (P,) from drawn[i] (P,)."""
    out = np.empty(len(rows), np.float64)
    for n in range(len(rows)):
        out[n] = _square(pictures[rows[n]], drawn[n])
    return out


@compiled(inline="always")
def _hidden(own: float, detail: float) -> float:
    """What averages hide of a squared distance, from the details of both sides."""
    return own * own + detail * detail - 2 * ALIKE * own * detail


@compiled()
def _details(rows: NDArray[Any], small: NDArray[Any], pool: int) -> Singles:
    """What averaging takes away from the length of rows (N, P), in the units of their averages (N, p): (N,).

    |a - b|² / pool² is at least |a' - b'|² + (detail of a - detail of b)² for averages a' and b' (Cauchy and Schwarz),
    and it is just that where one of them is as smooth as its averages.
    """
    out = np.empty(len(rows), np.float32)
    for n in range(len(rows)):
        whole, kept = 0.0, 0.0
        for value in rows[n]:
            whole += float(value) ** 2
        for value in small[n]:
            kept += float(value) ** 2
        out[n] = math.sqrt(max(whole / (pool * pool) - kept, 0.0))
    return out


@compiled()
def _pick_apart(
    cells: NDArray[np.int64], strides: NDArray[np.int64], sizes: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """The first cells (N, count) of each row (N, M) that differ from each one before by a sixth of some axis.

    Where there are too few, the first of those that were passed over follow.
    """
    out = np.empty((len(cells), count), np.int64)
    taken = np.empty(cells.shape[1], np.bool_)
    for n in range(len(cells)):
        taken[:] = False
        known = 0
        for strict in (True, False):
            for m in range(cells.shape[1]):
                cell, alone = cells[n, m], True
                if known == count or taken[m]:
                    continue
                for k in range(known if strict else 0):
                    near = True
                    for axis in range(len(sizes)):
                        steps = abs((cell // strides[axis]) % sizes[axis] - (out[n, k] // strides[axis]) % sizes[axis])
                        near = near and 6 * steps < sizes[axis]
                    alone = alone and not near
                if alone:
                    out[n, known], taken[m] = cell, True
                    known += 1
    return out


@compiled(fastmath={"reassoc", "contract", "nsz"})
def _square(picture: Singles, other: NDArray[np.uint8]) -> float:
    """Squared distance of two rows; sums may be taken in any order, so that they can be taken side by side."""
    total = np.float32(0)
    for i in range(len(picture)):
        d = picture[i] - np.float32(other[i])
        total += d * d
    return float(total)


@compiled()
def _descend(
    small: Singles,
    own: Singles,
    table: NDArray[np.uint8],
    detail: Singles,
    holes: NDArray[np.bool_],
    strides: NDArray[np.int64],
    sizes: NDArray[np.int64],
    reach: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: int,
) -> NDArray[np.int64]:
    """Where descents end, nearest first: (N, ends) cells; the last is repeated where there are fewer.

    First each start descends along the lines of the ordered axes, one axis after the other until none moves; then the
    best of these ends descend through boxes and lines.
    """
    count = starts.shape[1]
    out = np.empty((len(small), ends), np.int64)
    found, apart = np.empty(ends, np.int64), np.empty(ends, np.float64)
    lowest, lower = np.empty(ends, np.int64), np.empty(ends, np.float64)
    nearest, distance = np.empty(1, np.int64), np.empty(1, np.float64)
    for n in range(len(small)):
        known = 0
        for s in range(count):
            cell = starts[n, s]
            least = _square(small[n], table[cell]) + _hidden(own[n], detail[cell])
            moved = True
            while moved:
                moved = False
                for axis in range(len(sizes)):
                    if reach[axis] == 0:
                        continue
                    here = (cell // strides[axis]) % sizes[axis]
                    base = cell - here * strides[axis]
                    for value in range(sizes[axis]):
                        other = base + value * strides[axis]
                        if value != here and not holes[other]:
                            d = _square(small[n], table[other]) + _hidden(own[n], detail[other])
                            if d < least:
                                least, cell, moved = d, other, True
            known = _insert(found, apart, known, cell, least)
        below = 0
        for s in range(known):
            cell = found[s]
            while True:
                _collect(small[n], own[n], table, detail, holes, strides, sizes, reach, cell, nearest, distance, 0)
                if nearest[0] == cell:
                    break
                cell = nearest[0]
            below = _insert(lowest, lower, below, cell, distance[0])
        for place in range(ends):
            out[n, place] = lowest[min(place, below - 1)]
    return out


@compiled()
def _insert(cells: NDArray[np.int64], apart: NDArray[np.float64], known: int, cell: int, distance: float) -> int:
    """Insert a cell into a list in ascending distance unless it is there or the list is full of nearer ones.

    Of equally distant cells the one with the lower number comes first, so that the order of looking does not matter.
    """
    for k in range(known):
        if cells[k] == cell:
            return known
    if known == len(cells):
        last = known - 1
        if distance > apart[last] or (distance == apart[last] and cell > cells[last]):
            return known
    else:
        last = known
    while last > 0 and (distance < apart[last - 1] or (distance == apart[last - 1] and cell < cells[last - 1])):
        cells[last], apart[last] = cells[last - 1], apart[last - 1]
        last -= 1
    cells[last], apart[last] = cell, distance
    return min(known + 1, len(cells))


@compiled()
def _collect(
    small: Singles,
    own: float,
    table: NDArray[np.uint8],
    detail: Singles,
    holes: NDArray[np.bool_],
    strides: NDArray[np.int64],
    sizes: NDArray[np.int64],
    reach: NDArray[np.int64],
    centre: int,
    cells: NDArray[np.int64],
    apart: NDArray[np.float64],
    known: int,
) -> int:
    """Insert the cells of the box about a centre, `reach` steps along each axis, and of the lines through it."""
    axes = len(sizes)
    total = 1
    for axis in range(axes):
        total *= max(1, min(2 * reach[axis] + 1, sizes[axis]))
    for step in range(total):
        cell, rest, inside = centre, step, True
        for axis in range(axes):
            here = (centre // strides[axis]) % sizes[axis]
            wide = max(1, min(2 * reach[axis] + 1, sizes[axis]))
            value = rest % wide if wide == sizes[axis] else here + rest % wide - reach[axis]
            inside = inside and 0 <= value < sizes[axis]
            cell += (value - here) * strides[axis]
            rest //= wide
        if inside and not holes[cell]:
            known = _insert(cells, apart, known, cell, _square(small, table[cell]) + _hidden(own, detail[cell]))
    for axis in range(axes):
        base = centre - (centre // strides[axis]) % sizes[axis] * strides[axis]
        for value in range(sizes[axis]):
            cell = base + value * strides[axis]
            if not holes[cell]:
                known = _insert(cells, apart, known, cell, _square(small, table[cell]) + _hidden(own, detail[cell]))
    return known


@compiled()
def _around(
    small: Singles,
    own: Singles,
    table: NDArray[np.uint8],
    detail: Singles,
    holes: NDArray[np.bool_],
    strides: NDArray[np.int64],
    sizes: NDArray[np.int64],
    reach: NDArray[np.int64],
    centres: NDArray[np.int64],
    most: int,
) -> NDArray[np.int64]:
    """The nearest cells (N, most) in the boxes about centres (N, S) and on the lines through them."""
    out = np.empty((len(small), most), np.int64)
    cells, apart = np.empty(most, np.int64), np.empty(most, np.float64)
    for n in range(len(small)):
        known = 0
        for s in range(centres.shape[1]):
            if s == 0 or centres[n, s] != centres[n, s - 1]:
                known = _collect(
                    small[n], own[n], table, detail, holes, strides, sizes, reach, centres[n, s], cells, apart, known
                )
        for place in range(most):
            out[n, place] = cells[min(place, known - 1)]
    return out
