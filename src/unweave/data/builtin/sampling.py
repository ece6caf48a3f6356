"""Cells of a factor grid: uniform, with factors fixed, correlated, or with combinations left out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError
from unweave.core.seeds import generator
from unweave.data.builtin.base import Index

LeaveOut = Mapping[int, Sequence[int]]
"""Axes to classes; a cell is left out when every one of these axes has one of its classes."""


def draw(
    sizes: Sequence[int],
    rows: int,
    *,
    seed: int,
    fixed: Mapping[int, int] | None = None,
    correlate: tuple[int, int, float] | None = None,
    leave_out: LeaveOut | None = None,
    holes: Index | None = None,
) -> Index:
    """Draw cells of a grid with axes of `sizes`.

    Without `fixed` and `correlate` no cell is drawn twice, as long as there are enough; else draws are independent.

    Args:
        sizes: classes of each axis.
        rows: how many cells.
        seed: of the draw.
        fixed: axes to the class that all cells have.
        correlate: two axes a, b and a strength s: with the classes of a and b scaled to [0, 1], cells are drawn with a
            probability proportional to exp(-(a - b)² / (2 s²)) (Träuble et al. 2021, eq. 1).
        leave_out: combinations that are never drawn.
        holes: cells (M, K) that are never drawn.

    Returns:
        int64 (rows, len(sizes)).

    Raises:
        ConfigError: no cell is left, or `fixed` names a class that is not there.
    """
    rng = generator(seed, "draw")
    axes = range(len(sizes))
    if not fixed and correlate is None:
        allowed = np.flatnonzero(np.isfinite(_log_odds(sizes, axes, leave_out=leave_out, holes=holes)))
        return _unravel(rng.choice(allowed, rows, replace=rows > len(allowed)), sizes)
    for axis, value in (fixed or {}).items():
        if not 0 <= value < sizes[axis]:
            raise ConfigError(f"fixed: axis {axis} has classes 0 to {sizes[axis] - 1}, got {value}.")
    index = np.stack([rng.integers(0, size, rows) for size in sizes], 1)
    for axis, value in (fixed or {}).items():
        index[:, axis] = value
    # Only the axes that depend on each other are drawn together, so that fixing one factor costs next to nothing.
    bound = list(axes) if holes is not None else sorted({*(correlate or ())[:2], *(leave_out or ())})
    if bound:
        odds = np.exp(_log_odds(sizes, bound, fixed=fixed, correlate=correlate, leave_out=leave_out, holes=holes))
        index[:, bound] = _unravel(rng.choice(odds.size, rows, p=odds.ravel() / odds.sum()), odds.shape)
    return index


def cell_odds(
    cells: Index,
    sizes: Sequence[int],
    *,
    correlate: tuple[int, int, float] | None = None,
    leave_out: LeaveOut | None = None,
    holes: Index | None = None,
) -> NDArray[np.float64]:
    """How probable cells (N, K) are beside the most probable one, (N,) in [0, 1]; 0 for one that is never drawn."""
    bound = list(range(len(sizes))) if holes is not None else sorted({*(correlate or ())[:2], *(leave_out or ())})
    if not bound:
        return np.ones(len(cells))
    odds = np.exp(_log_odds(sizes, bound, correlate=correlate, leave_out=leave_out, holes=holes))
    chosen: NDArray[np.float64] = odds[tuple(cells[:, bound].T)]
    return chosen


def cells_left(sizes: Sequence[int], leave_out: LeaveOut | None, holes: Index | None) -> int:
    """How many cells of the grid may be drawn."""
    return int(np.isfinite(_log_odds(sizes, range(len(sizes)), leave_out=leave_out, holes=holes)).sum())


def _log_odds(
    sizes: Sequence[int],
    axes: Sequence[int],
    *,
    fixed: Mapping[int, int] | None = None,
    correlate: tuple[int, int, float] | None = None,
    leave_out: LeaveOut | None = None,
    holes: Index | None = None,
) -> NDArray[np.float64]:
    """Log of the relative probability of each cell of the grid that `axes` span; 0 is the largest, -inf is never."""

    def across(values: NDArray[Any], axis: int) -> NDArray[Any]:
        """Values per class, broadcast along the grid's other axes."""
        return values.reshape([-1 if other == axis else 1 for other in axes])

    odds: NDArray[np.float64] = np.zeros([sizes[axis] for axis in axes])
    if correlate is not None:
        a, b, strength = correlate
        apart = across(np.linspace(0, 1, sizes[a]), a) - across(np.linspace(0, 1, sizes[b]), b)
        odds = odds - apart**2 / (2 * strength**2)
    if leave_out:
        hit = np.ones(odds.shape, dtype=bool)
        for axis, classes in leave_out.items():
            hit &= across(np.isin(np.arange(sizes[axis]), classes), axis)
        odds[hit] = -math.inf
    if holes is not None:
        odds[tuple(holes.T)] = -math.inf
    for axis, value in (fixed or {}).items():
        if axis in axes:
            odds = np.where(across(np.arange(sizes[axis]) == value, axis), odds, -math.inf)
    if odds.max() == -math.inf:
        raise ConfigError("leave_out: no combination of factors is left to draw. Leave out fewer classes.")
    relative: NDArray[np.float64] = odds - odds.max()
    return relative


def _unravel(cells: NDArray[np.int64], sizes: Sequence[int]) -> Index:
    return np.stack(np.unravel_index(cells, tuple(sizes)), 1).astype(np.int64)
