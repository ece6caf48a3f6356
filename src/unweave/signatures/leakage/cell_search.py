"""The looks behind `nearest_cell`, compiled: distances in the table, descents, boxes.

All in one file, because numba looks for changes of a cached function in that function's own file only.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.compiled import compiled

Singles = NDArray[np.float32]

ALIKE = 0.6
"""Correlation of the details of a picture and of its nearest, which the table does not hold."""


@compiled()
def averages(pictures: NDArray[Any], pool: int) -> Singles:
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
def square_distances(pictures: Singles, drawn: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.float64]:
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
def details(rows: NDArray[Any], small: NDArray[Any], pool: int) -> Singles:
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
def pick_apart(
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
def descend(
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
def around(
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
