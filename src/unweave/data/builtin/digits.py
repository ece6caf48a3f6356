"""Real handwritten digits, as scikit-learn ships them (Alpaydin & Kaynak 1998): 1,797 images."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unweave.core.factors import Factor
from unweave.data.builtin.base import GeneratedSet, Index

_ROWS, _LEVELS = 1797, 16


class Digits(GeneratedSet):
    """8 x 8 pixels with 17 grey levels, enlarged on request; the only axis is the row, its label the digit."""

    name = "digits"
    sizes = (_ROWS,)
    factors = (Factor(name="digit", kind="categorical", values=tuple("0123456789")),)

    def __init__(self, size: int = 8) -> None:
        self.shape = (size, size, 1)

    def classes(self, factor: int) -> int:
        """Ten."""
        return 10

    def cells(self, factor: int, code: int) -> tuple[int, Index]:
        """The rows that show a digit."""
        return 0, np.flatnonzero(self._digits == code)

    def render(self, index: Index) -> NDArray[np.uint8]:
        """Images uint8 (N, H, W, 1)."""
        return self._images[index[:, 0]][..., None]

    def labels(self, index: Index) -> NDArray[np.float64]:
        """The digit."""
        return self._digits[index[:, 0]].astype(np.float64)[:, None]

    @cached_property
    def _images(self) -> NDArray[np.uint8]:
        side = self.shape[0]
        native = np.rint(_source()[0] * (255 / _LEVELS)).astype(np.uint8)
        if side == native.shape[1]:
            return native
        # Bicubic keeps the strokes even; bilinear leaves a visible grid and nearest leaves steps.
        return np.stack([np.asarray(Image.fromarray(i).resize((side, side), Image.Resampling.BICUBIC)) for i in native])

    @cached_property
    def _digits(self) -> NDArray[np.int64]:
        return _source()[1]


def _source() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Images (1797, 8, 8) with levels 0 to 16, and digits (1797,)."""
    from sklearn.datasets import load_digits  # takes a second to import

    found = load_digits()
    return found.images, found.target
