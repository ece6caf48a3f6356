"""The dSprites images (Matthey et al. 2017) re-created from their formula, and their colour and noisy variants."""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from unweave.core.factors import Factor
from unweave.data.builtin.base import GeneratedSet, Index, Symmetry
from unweave.data.builtin.noise import add_noise, paint
from unweave.data.builtin.outlines import placed_outlines
from unweave.data.builtin.raster import draw_masks

SCALES = np.linspace(0.5, 1, 6)
ANGLES = np.linspace(0, 2 * np.pi, 40)
"""The last angle is a full turn, so class 39 shows the same image as class 0, as in the original."""

POSITIONS = np.linspace(0, 1, 32)
_FIRST, _RANGE = 16.0, 32.0  # pixels from the edge to the first centre, and from the first to the last

FACTORS = (
    Factor(name="shape", kind="categorical", values=("square", "ellipse", "heart"), description="outline"),
    Factor(name="scale", kind="ordinal", values=tuple(f"{s:g}" for s in SCALES), description="size"),
    Factor(name="orientation", kind="circular", range=(0, 360), description="degrees, counter-clockwise"),
    Factor(name="x", kind="continuous", range=(0, 1), description="position from left to right"),
    Factor(name="y", kind="continuous", range=(0, 1), description="position from top to bottom"),
)

Variant = Literal["white", "color", "noisy"]
_NAMES: dict[Variant, str] = {"white": "sprites", "color": "sprites-color", "noisy": "sprites-noisy"}


class Sprites(GeneratedSet):
    """737,280 images: 3 shapes x 6 scales x 40 orientations x 32 x 32 positions, in the original's order.

    At 64 pixels white sprites have the original's pixels, 0 or 255; at 32 each pixel is the mean of four. `color` gives
    the sprite a colour whose channels are uniform in [0.5, 1]; `noisy` adds uniform noise to the background, both as in
    Locatello et al. (2019) but a function of the cell, and both with three channels.
    """

    factors = FACTORS
    sizes = (3, 6, 40, 32, 32)
    symmetries = MappingProxyType({"orientation": Symmetry("shape", (4, 2, 1))})

    def __init__(self, size: int = 64, variant: Variant = "white") -> None:
        self.name, self.variant = _NAMES[variant], variant
        self.shape = (size, size, 1 if variant == "white" else 3)
        # A full turn is drawn as no turn, since sine and cosine of 2π are not exactly those of 0.
        self._vertices, self._offsets = placed_outlines(SCALES, np.append(ANGLES[:-1], 0.0))

    def render(self, index: Index) -> NDArray[np.uint8]:
        """Images uint8 (N, H, W, C)."""
        shape, scale, orientation, x, y = index.T
        spans = self._offsets[shape, scale, orientation]
        centres = np.stack([POSITIONS[x], POSITIONS[y]], 1) * _RANGE + _FIRST
        masks: NDArray[np.uint8] = draw_masks(self._vertices, spans, centres, self.shape[0] == 32)
        if self.variant == "white":
            return masks[..., None]
        cells = np.ravel_multi_index(tuple(index.T), self.sizes)
        painted: NDArray[np.uint8] = (paint if self.variant == "color" else add_noise)(masks, cells)
        return painted

    def labels(self, index: Index) -> NDArray[np.float64]:
        """Class of shape and scale, degrees, and positions from 0 to 1."""
        shape, scale, orientation, x, y = index.T
        degrees = np.degrees(ANGLES)[orientation] % 360
        return np.stack([shape, scale, degrees, POSITIONS[x], POSITIONS[y]], 1).astype(np.float64)
