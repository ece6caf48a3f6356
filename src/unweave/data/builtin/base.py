"""What every built-in set offers."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from unweave.core.factors import Factor

Index = NDArray[np.int64]
"""Whole numbers; most often cells of the factor grid, (N, K): one class per axis and image."""


class GeneratedSet(ABC):
    """A grid of factors and a picture for each cell.

    Attributes:
        name: what it is called after `builtin:`.
        factors: what varies, in the order of the grid's axes.
        sizes: number of classes of each axis, K of them. There may be more axes than factors, for what is not named.
        shape: (H, W, C) of one image.
    """

    name: str
    factors: tuple[Factor, ...]
    sizes: tuple[int, ...]
    shape: tuple[int, int, int]

    def classes(self, factor: int) -> int:
        """How many classes the factor in a column of the labels has."""
        return self.sizes[factor]

    def cells(self, factor: int, code: int) -> tuple[int, Index]:
        """The axis of the grid, and its classes (M,), at which a factor has a class."""
        return factor, np.array([code], dtype=np.int64)

    @abstractmethod
    def render(self, index: Index) -> NDArray[np.uint8]:
        """Images uint8 (N, H, W, C) of cells (N, K): a pure function, the same cell always gives the same picture."""

    @abstractmethod
    def labels(self, index: Index) -> NDArray[np.float64]:
        """Labels (N, len(factors)) of cells (N, K), in the units of the factors."""
