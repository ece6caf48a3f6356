"""Real handwritten digits, as scikit-learn ships them (Alpaydin & Kaynak 1998): 1,797 images."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unweave.core.factors import Factor
from unweave.data.builtin.base import GeneratedSet, Index

_LEVELS = 16  # the brightest value of scikit-learn's images
_PER_DIGIT = (178, 182, 177, 183, 181, 182, 181, 179, 174, 180)


class Digits(GeneratedSet):
    """8 x 8 pixels with 17 grey levels, enlarged on request. Axes: the digit, and which of its images."""

    name = "digits"
    factors = (Factor(name="digit", kind="categorical", values=tuple("0123456789")),)
    sizes = (10, max(_PER_DIGIT))
    holes = np.argwhere(np.arange(max(_PER_DIGIT)) >= np.array(_PER_DIGIT)[:, None])

    def __init__(self, size: int = 8) -> None:
        self.shape = (size, size, 1)

    def render(self, index: Index) -> NDArray[np.uint8]:
        """Images uint8 (N, H, W, 1)."""
        digit, which = index.T
        first = np.cumsum((0, *_PER_DIGIT[:-1]))
        images: NDArray[np.uint8] = self._images[first[digit] + which]
        return images

    def labels(self, index: Index) -> NDArray[np.float64]:
        """The digit."""
        return index[:, :1].astype(np.float64)

    @cached_property
    def _images(self) -> NDArray[np.uint8]:
        """All images, digit by digit and in scikit-learn's order within each."""
        from sklearn.datasets import load_digits

        found = load_digits()
        assert tuple(np.bincount(found.target)) == _PER_DIGIT, "scikit-learn has other digits"
        native = np.rint(found.images * (255 / _LEVELS)).astype(np.uint8)[np.argsort(found.target, kind="stable")]
        size = self.shape[:2]
        enlarged = [np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)) for image in native]
        return np.stack(enlarged)[..., None]
