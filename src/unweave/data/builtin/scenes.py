"""A room with one object, after the idea of 3D Shapes (Burgess & Kim 2018): six factors, 480,000 images."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray

from unweave.core.factors import Factor
from unweave.data.builtin.base import GeneratedSet, Index
from unweave.data.builtin.scene_geometry import shade_map

HUES = np.arange(10) / 10
SCALES = np.linspace(0.65, 1.25, 8)
YAWS = np.linspace(-30, 30, 15)

_SKY_AND_GLOSS = np.array([(0.93, 0.96, 0.98), (1, 1, 1)], dtype=np.float32)
_PALETTE = np.array([colorsys.hsv_to_rgb(hue, 0.68, 0.97) for hue in HUES], dtype=np.float32)
_CHUNK = 256


def _hue(name: str) -> Factor:
    return Factor(name=f"{name}_hue", kind="circular", range=(0, 1), description=f"hue of the {name}, red at 0")


class Scenes(GeneratedSet):
    """Floor, wall and object hue, scale, shape and orientation; shaded and anti-aliased, RGB.

    A look-alike of 3D Shapes with the same factors, not its images. The 480 geometries are cast when they are first
    asked for and kept; colours are a matrix product, as every pixel is a weighted sum of the materials' colours.
    """

    name = "scenes"
    sizes = (10, 10, 10, 8, 4, 15)
    factors = (
        _hue("floor"),
        _hue("wall"),
        _hue("object"),
        Factor(name="scale", kind="continuous", range=(0.65, 1.25), description="size of the object"),
        Factor(name="shape", kind="categorical", values=("cube", "cylinder", "sphere", "capsule")),
        Factor(name="orientation", kind="continuous", range=(-30, 30), description="degrees of the camera"),
    )

    def __init__(self, size: int = 64) -> None:
        self.shape = (size, size, 3)
        self._maps: dict[tuple[int, int, int], NDArray[np.float32]] = {}

    def render(self, index: Index) -> NDArray[np.uint8]:
        """Images uint8 (N, H, W, 3)."""
        images = np.empty((len(index), *self.shape), np.uint8)
        for start in range(0, len(index), _CHUNK):
            part = index[start : start + _CHUNK]
            images[start : start + _CHUNK] = self._compose(part)
        return images

    def labels(self, index: Index) -> NDArray[np.float64]:
        """Three hues in [0, 1), scale, class of shape, and degrees."""
        floor, wall, obj, scale, shape, yaw = index.T
        return np.stack([HUES[floor], HUES[wall], HUES[obj], SCALES[scale], shape, YAWS[yaw]], 1).astype(np.float64)

    def _compose(self, index: Index) -> NDArray[np.uint8]:
        maps = np.stack([self._map(*map(int, cell)) for cell in index[:, 3:]])
        materials = _PALETTE[index[:, :3]]
        fixed = np.broadcast_to(_SKY_AND_GLOSS, (len(index), 2, 3))
        pixels = maps.reshape(len(index), -1, 5) @ np.concatenate([materials, fixed], 1)
        images: NDArray[np.uint8] = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
        return images.reshape(-1, *self.shape)

    def _map(self, scale: int, shape: int, yaw: int) -> NDArray[np.float32]:
        key = scale, shape, yaw
        if key not in self._maps:
            self._maps[key] = shade_map(shape, SCALES[scale], np.radians(YAWS[yaw]), self.shape[0])
        return self._maps[key]
