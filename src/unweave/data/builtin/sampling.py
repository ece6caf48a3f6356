"""Cells of a factor grid: uniform, with some factors fixed, correlated, or with combinations left out."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError
from unweave.core.seeds import generator
from unweave.data.builtin.base import Index

Correlation = tuple[int, int, float]
"""Two axes and a strength."""

LeftOut = Mapping[int, Collection[int]]
"""Axes to classes."""


def draw(
    sizes: Sequence[int],
    rows: int,
    *,
    seed: int,
    fixed: Mapping[int, int] | None = None,
    correlate: Correlation | None = None,
    leave_out: LeftOut | None = None,
) -> Index:
    """Draw cells of a grid with axes of `sizes`, each as probable as the next unless `correlate` says otherwise.

    Without `fixed` and `correlate` no cell is drawn twice, as long as there are enough.

    Args:
        sizes: number of classes of each axis.
        rows: how many cells.
        seed: of the draw.
        fixed: axis to class; all cells have it.
        correlate: two axes a, b and a strength s: with a and b scaled to [0, 1], cells are drawn with a probability
            proportional to exp(-(a - b)² / (2 s²)) (Träuble et al. 2021, eq. 1).
        leave_out: axes to classes; a cell in which every one of these axes has one of its classes is never drawn.

    Returns:
        int64 (rows, len(sizes)).

    Raises:
        ConfigError: nothing is left to draw.
    """
    rng = generator(seed, "draw")
    fixed, leave_out = fixed or {}, leave_out or {}
    if not fixed and correlate is None:
        cells = np.flatnonzero(_probabilities(sizes, range(len(sizes)), None, leave_out, fixed))
        return _unravel(rng.choice(cells, rows, replace=rows > len(cells)), sizes)
    index = np.stack([rng.integers(0, size, rows) for size in sizes], 1)
    # Axes that nothing links are independent: only the others need their joint distribution.
    linked = sorted({*fixed, *leave_out, *(correlate[:2] if correlate else ())})
    joint = _probabilities(sizes, linked, correlate, leave_out, fixed)
    index[:, linked] = _unravel(rng.choice(joint.size, rows, p=joint.ravel()), joint.shape)
    return index


def count_left(sizes: Sequence[int], leave_out: LeftOut | None) -> int:
    """How many cells of a grid remain when the combinations of `leave_out` do not occur."""
    total = math.prod(sizes)
    if not leave_out:
        return total
    return total - math.prod(len(set(leave_out.get(axis, range(size)))) for axis, size in enumerate(sizes))


def _probabilities(
    sizes: Sequence[int],
    axes: Sequence[int],
    correlate: Correlation | None,
    leave_out: LeftOut,
    fixed: Mapping[int, int],
) -> NDArray[np.float64]:
    """Joint probability of the classes of some axes, one array axis for each; sums to 1."""

    def along(values: NDArray[Any], axis: int) -> NDArray[Any]:
        return values.reshape([-1 if axis == other else 1 for other in axes])

    logits = np.zeros([sizes[axis] for axis in axes])
    if correlate is not None:
        a, b, strength = correlate
        distance = along(np.linspace(0, 1, sizes[a]), a) - along(np.linspace(0, 1, sizes[b]), b)
        logits = logits - (distance / strength) ** 2 / 2
    allowed = np.ones(logits.shape, dtype=bool)
    if leave_out:
        hits = [along(np.isin(np.arange(sizes[axis]), list(classes)), axis) for axis, classes in leave_out.items()]
        allowed &= ~np.logical_and.reduce(np.broadcast_arrays(*hits))
    for axis, value in fixed.items():
        allowed &= along(np.arange(sizes[axis]) == value, axis)
    if not allowed.any():
        raise ConfigError("leave_out: no combination of factors is left to draw. Leave out fewer classes.")
    # Relative to the largest, so that a narrow band that passes no allowed cell does not underflow to nothing.
    weights = np.exp(np.where(allowed, logits - logits[allowed].max(), -np.inf))
    return np.asarray(weights / weights.sum())


def _unravel(cells: NDArray[np.int64], sizes: Sequence[int]) -> Index:
    return np.stack(np.unravel_index(cells, tuple(sizes)), 1).astype(np.int64)
