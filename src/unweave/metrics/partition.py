"""Joint bins of several codes that belong together."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
from numpy.typing import NDArray

CELLS = 240
"""Joint bins at most: four for each bin of one code, since they have more than one direction to follow."""

CELL_ROWS = 8
"""Rows per joint bin that are aimed at."""

SAMPLE = 20_000
"""Rows that decide where bins are cut, at most."""

TAILS = (0.005, 0.995)
"""Quantiles that values are drawn in to, so that an outlier cannot stretch a code."""

Floats = NDArray[np.float64]


def joint_bins(codes: NDArray[Any]) -> NDArray[np.int16]:
    """One bin for each row of codes (N, D) that belong together: integers (N,).

    A cell of rows is cut in two across one code where that takes away most of the code's sum of squares, again and
    again, the cell that gains most first: a regression tree that predicts the codes themselves. The classes of a
    one-hot code become a cell each, with noise too, and the circle of a sine and a cosine becomes arcs of about equal
    length. At most `CELLS` cells, fewer when a cell would hold less than eight rows. Units do not matter: codes are
    standardised, after the outermost half per cent on either side is drawn in.
    """
    array = _standardised(codes)
    step = -(-len(array) // SAMPLE)
    wanted = max(2, min(CELLS, len(array) // CELL_ROWS))
    rows = {0: np.arange(len(array))}
    for number, (parent, code, value) in enumerate(_cuts(array[::step], wanted), start=1):
        above = array[rows[parent], code] > value
        rows[number], rows[parent] = rows[parent][above], rows[parent][~above]
    found = np.empty(len(array), dtype=np.int16)
    for number, members in rows.items():
        found[members] = number
    return found


def _standardised(codes: NDArray[Any]) -> Floats:
    """Codes (N, D) without their outermost values, in units of their spread; a code that does not vary is 0."""
    low, high = np.quantile(codes, TAILS, axis=0)
    array = np.where(low < high, np.clip(codes, low, high), codes).astype(np.float64)
    array -= array.mean(axis=0)
    spread = array.std(axis=0)
    return np.asarray(array / np.where(spread > 0, spread, 1))


def _cuts(array: Floats, wanted: int) -> list[tuple[int, int, float]]:
    """Cuts that make up to `wanted` cells of an array (n, D), in order.

    Cell 0 is everything. Each cut is (cell, code, value): rows of the cell above the value become the next new cell.
    """
    cuts: list[tuple[int, int, float]] = []
    waiting: list[tuple[float, int, int, float]] = []
    rows = {0: np.arange(len(array))}

    def add(cell: int) -> None:
        gain, code, value = _best_cut(array[rows[cell]])
        heapq.heappush(waiting, (-gain, cell, code, value))

    add(0)
    while len(rows) < wanted and waiting[0][0] < 0:
        _, cell, code, value = heapq.heappop(waiting)
        above = array[rows[cell], code] > value
        new = len(rows)
        rows[new], rows[cell] = rows[cell][above], rows[cell][~above]
        cuts.append((cell, code, value))
        add(cell)
        add(new)
    return cuts


def _best_cut(array: Floats) -> tuple[float, int, float]:
    """The cut of rows (n, D) that takes most off one code's sum of squares: (what it takes off, code, value)."""
    count = len(array)
    if count < 2:
        return 0.0, 0, 0.0
    ordered = np.sort(array, axis=0)
    left = np.arange(1, count)[:, None]
    sums = np.cumsum(ordered, axis=0)
    mean = sums[-1] / count
    gain = (sums[:-1] - left * mean) ** 2 * (count / (left * (count - left)))
    gain[ordered[1:] <= ordered[:-1]] = 0
    best, code = np.unravel_index(int(gain.argmax()), gain.shape)
    value = (ordered[best, code] + ordered[best + 1, code]) / 2
    return float(gain[best, code]), int(code), float(min(value, np.nextafter(ordered[best + 1, code], -np.inf)))
