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
    """8 x 8 pixels with 16 grey levels, enlarged on request; the only axis is the row, its label the digit."""

    name = "digits"
    sizes = (_ROWS,)
    factors = (Factor(name="digit", kind="categorical", values=tuple("0123456789")),)

    def __init__(self, size: int = 8) -> None:
        self.shape = (size, size, 1)

    def render(self, index: Index) -> NDArray[np.uint8]:
        """Images uint8 (N, H, W, 1)."""
        side = self.shape[0]
        native = np.rint(self._source[0] * (255 / _LEVELS)).astype(np.uint8)[index[:, 0]]
        if side == native.shape[1]:
            return native[..., None]
        enlarged = [np.asarray(Image.fromarray(i).resize((side, side), Image.Resampling.BICUBIC)) for i in native]
        return np.stack(enlarged)[..., None]

    def labels(self, index: Index) -> NDArray[np.float64]:
        """The digit."""
        return self._source[1][index[:, 0]].astype(np.float64)[:, None]

    @cached_property
    def _source(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        from sklearn.datasets import load_digits

        found = load_digits()
        return found.images, found.target
