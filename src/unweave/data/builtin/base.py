"""What every built-in set offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from unweave.core.factors import Factor

Index = NDArray[np.int64]
"""Cells of the factor grid, (N, K): one class per axis and image."""


@dataclass(frozen=True)
class Symmetry:
    """How often a picture comes back while an angle goes round once, by class of another factor.

    Attributes:
        factor: the categorical factor that decides, by name.
        orders: one number per class; a square comes back four times.
    """

    factor: str
    orders: tuple[int, ...]


class GeneratedSet(ABC):
    """A grid of factors and a picture for each cell.

    Attributes:
        name: what it is called after `builtin:`.
        factors: what varies, in the order of the grid's first axes.
        sizes: number of classes of each of the K axes. Axes beyond the factors number what has no name.
        shape: (H, W, C) of one image.
        holes: cells (M, K) without a picture, if the grid has any.
        symmetries: angles that cannot be told from some others, by name of the circular factor.
    """

    name: str
    factors: tuple[Factor, ...]
    sizes: tuple[int, ...]
    shape: tuple[int, int, int]
    holes: Index | None = None
    symmetries: Mapping[str, Symmetry] = MappingProxyType({})

    @abstractmethod
    def render(self, index: Index) -> NDArray[np.uint8]:
        """Images uint8 (N, H, W, C) of cells (N, K): a pure function, the same cell always gives the same picture."""

    @abstractmethod
    def labels(self, index: Index) -> NDArray[np.float64]:
        """Labels (N, len(factors)) of cells (N, K), in the units of the factors."""
