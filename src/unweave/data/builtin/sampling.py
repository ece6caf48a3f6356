"""Cells of a factor grid: uniform, with some factors fixed, correlated, or with combinations left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from unweave.core.errors import ConfigError
from unweave.core.seeds import generator
from unweave.data.builtin.base import Index


def draw(
    sizes: Sequence[int],
    rows: int,
    *,
    seed: int,
    fixed: Mapping[int, int] | None = None,
    correlate: tuple[int, int, float] | None = None,
    leave_out: Mapping[int, Sequence[int]] | None = None,
) -> Index:
    """Draw cells of a grid with axes of `sizes`.

    Without `fixed` and `correlate` no cell is drawn twice, as long as there are enough.

    Args:
        sizes: classes of each axis.
        rows: how many cells.
        seed: of the draw.
        fixed: axis to class; all cells have it.
        correlate: two axes a, b and a strength s: with a and b scaled to [0, 1], cells are drawn with a density
            proportional to exp(-(a - b)² / (2 s²)) (Träuble et al. 2021, eq. 1).
        leave_out: axes to classes; a cell in which every one of these axes has one of its classes is never drawn.

    Returns:
        int64 (rows, len(sizes)).

    Raises:
        ConfigError: `leave_out` leaves no cell.
    """
    rng = generator(seed, "draw")
    total = int(np.prod(sizes))
    if fixed is None and correlate is None:
        cells = np.arange(total)
        allowed = cells if leave_out is None else cells[~_left_out(_unravel(cells, sizes), leave_out)]
        if not len(allowed):
            raise ConfigError("leave_out leaves no combination of factors. Name fewer classes.")
        return _unravel(rng.choice(allowed, rows, replace=rows > len(allowed)), sizes)
    found: list[Index] = []
    missing = rows
    while missing > 0:
        index = np.stack([rng.integers(0, n, max(64, 2 * missing)) for n in sizes], 1)
        if correlate is not None:
            index[:, list(correlate[:2])] = _correlated(sizes, correlate, len(index), rng)
        for axis, value in (fixed or {}).items():
            index[:, axis] = value
        if leave_out is not None:
            index = index[~_left_out(index, leave_out)]
            if not len(index):
                raise ConfigError("leave_out leaves nearly no combination of factors. Name fewer classes.")
        found.append(index[:missing])
        missing -= len(found[-1])
    return np.concatenate(found)


def correlation_weights(sizes: Sequence[int], correlate: tuple[int, int, float]) -> np.ndarray:
    """Probability of each pair of classes of two correlated axes, (sizes[a], sizes[b]), summing to 1."""
    a, b, strength = correlate
    first, second = (np.linspace(0, 1, sizes[axis]) for axis in (a, b))
    weights = np.exp(-((first[:, None] - second) ** 2) / (2 * strength**2))
    return np.asarray(weights / weights.sum())


def _correlated(sizes: Sequence[int], correlate: tuple[int, int, float], rows: int, rng: np.random.Generator) -> Index:
    weights = correlation_weights(sizes, correlate)
    return _unravel(rng.choice(weights.size, rows, p=weights.ravel()), weights.shape)


def _unravel(cells: np.ndarray, sizes: Sequence[int]) -> Index:
    return np.stack(np.unravel_index(cells, tuple(sizes)), 1).astype(np.int64)


def _left_out(index: Index, leave_out: Mapping[int, Sequence[int]]) -> np.ndarray:
    hit = np.ones(len(index), dtype=bool)
    for axis, classes in leave_out.items():
        hit &= np.isin(index[:, axis], classes)
    return hit
