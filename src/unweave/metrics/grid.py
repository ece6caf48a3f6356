"""A grid of factors, each cell of which has a code: the oracle of the published sampling-based scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unweave.core import ConfigError, FactorTable, ShapeError
from unweave.metrics.inputs import CodesLike, Problem, unlabelled
from unweave.metrics.sources import Keys

Encode = Callable[[Keys], CodesLike]
"""From cells of a grid (n, axes), one class per axis, to their codes (n, D)."""

CELLS = 1024
"""Cells that are encoded at once."""


class Grid:
    """Codes of every combination of factor values, as a table or from an encoder that is asked when needed.

    An encoder is called once per cell at most, also when several scores are given the same grid:

        grid = Grid(lambda cells: encode(render(cells)), sizes=(3, 6, 40, 32, 32))
        beta_vae(grid), factor_vae(grid)

    Attributes:
        sizes: number of values of each axis.
        names: names of the factors, which are the first axes.
        cells: number of cells, holes included.
    """

    def __init__(
        self,
        codes: CodesLike | Encode,
        sizes: Sequence[int],
        *,
        names: Sequence[str] | None = None,
        holes: NDArray[np.int64] | None = None,
    ) -> None:
        """Describe a grid.

        Args:
            codes: codes (cells, D) in C order (the last axis varies fastest), or a function from cells (n, axes) to
                codes (n, D).
            sizes: number of values of each axis.
            names: names of the factors, which are the first axes; axes beyond them vary and are never held. None calls
                all axes `factor_0`, `factor_1`, ….
            holes: cells (M, axes) that are never drawn.

        Raises:
            ConfigError: sizes are not positive, there are more names than axes, or every cell is a hole.
            ShapeError: the table does not have one row per cell.
        """
        self.sizes = tuple(int(size) for size in sizes)
        if not self.sizes or min(self.sizes) < 1:
            raise ConfigError(f"grid: expected the number of values of each factor, got {tuple(sizes)}.")
        self.cells = math.prod(self.sizes)
        self.names = tuple(names) if names is not None else tuple(f"factor_{k}" for k in range(len(self.sizes)))
        if not 0 < len(self.names) <= len(self.sizes):
            raise ConfigError(f"names: expected 1 to {len(self.sizes)}, one per factor, got {len(self.names)}.")
        absent = np.zeros((0, len(self.sizes)), dtype=np.int64) if holes is None else np.asarray(holes)
        self._holes = np.unique(np.ravel_multi_index(tuple(absent.T), self.sizes))
        if len(self._holes) == self.cells:
            raise ConfigError(f"holes: all {self.cells} cells of the grid {self.sizes} are holes.")
        self._encode = codes if callable(codes) else None
        self._known, self._table = np.zeros(0, dtype=np.int64), Problem(np.zeros((0, 0)), FactorTable.empty(0))
        if not callable(codes):
            table = unlabelled(codes)
            if len(table.codes) != self.cells:
                hint = "Row i is cell i of the grid in C order: the last factor varies fastest."
                raise ShapeError(
                    "codes", want=f"({self.cells}, codes) for grid {self.sizes}", got=table.codes.shape, hint=hint
                )
            self._table = table

    def resolve(self, keys: Sequence[Keys]) -> tuple[Problem, list[Keys]]:
        """Codes (M, D) of all cells that occur in arrays of cells, and for each array the rows in them."""
        if self._encode is None:
            return self._table, list(keys)
        used = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(k.ravel() for k in keys)]))
        self._learn(np.setdiff1d(used, self._known, assume_unique=True), self._encode)
        found = self._table.take(np.searchsorted(self._known, used))
        return found, [np.searchsorted(used, k) for k in keys]

    def draw(
        self, shape: tuple[int, ...], random: np.random.Generator, axis: int | None = None, like: Keys | int = 0
    ) -> Keys:
        """Cells drawn uniformly; on request with the value of one axis as in the cells `like` (broadcast to shape)."""
        keys = self._draw(shape, random, axis, like)
        bad = np.isin(keys, self._holes) if len(self._holes) else np.zeros(0, dtype=bool)
        while bad.any():
            keys[bad] = self._draw((int(bad.sum()),), random, axis, np.broadcast_to(like, shape)[bad])
            bad = np.isin(keys, self._holes)
        return keys

    def _draw(self, shape: tuple[int, ...], random: np.random.Generator, axis: int | None, like: Keys | int) -> Keys:
        keys = random.integers(self.cells, size=shape)
        if axis is None:
            return keys
        stride, size = math.prod(self.sizes[axis + 1 :]), self.sizes[axis]
        return np.asarray(keys + (like // stride % size - keys // stride % size) * stride)

    def _learn(self, cells: Keys, encode: Encode) -> None:
        """Encode cells that are not known yet, and keep their codes."""
        parts = [self._table] if len(self._known) else []
        for start in range(0, len(cells), CELLS):
            index = np.stack(np.unravel_index(cells[start : start + CELLS], self.sizes), axis=1)
            part = unlabelled(encode(index))
            want = parts[0].codes.shape[1] if parts else part.codes.shape[1]
            if part.codes.shape != (len(index), want):
                hint = "One row per cell, in order."
                raise ShapeError(
                    "codes of the encoder", want=f"({len(index)}, {want})", got=part.codes.shape, hint=hint
                )
            parts.append(part)
        if not parts:
            return
        known = np.concatenate([self._known, cells])
        order = np.argsort(known)
        noises = [part.noise for part in parts if part.noise is not None]
        noise = np.average(noises, axis=0, weights=[len(p.codes) for p in parts]) if len(noises) == len(parts) else None
        whole = Problem(np.concatenate([part.codes for part in parts]), FactorTable.empty(len(known)), noise)
        self._known, self._table = known[order], whole.take(order)


@dataclass(frozen=True)
class GridSource:
    """Cells of a grid, uniform and independent.

    Attributes:
        grid: the grid.
        axes: the axes that can be held.
    """

    grid: Grid
    axes: tuple[int, ...]

    @property
    def factors(self) -> int:
        """See `Source`."""
        return len(self.axes)

    def shared(self, factor: int, points: int, batch: int, random: np.random.Generator) -> Keys:
        """See `Source`."""
        like = self.grid.draw((points, 1), random)
        return self.grid.draw((points, batch), random, self.axes[factor], like)

    def pairs(self, factor: int, points: int, batch: int, random: np.random.Generator) -> tuple[Keys, Keys]:
        """See `Source`."""
        first = self.grid.draw((points, batch), random)
        return first, self.grid.draw((points, batch), random, self.axes[factor], first)

    def rows(self, count: int, random: np.random.Generator) -> Keys:
        """See `Source`."""
        return self.grid.draw((count,), random)
