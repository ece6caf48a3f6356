"""A room with one object, after the idea of 3D Shapes (Burgess & Kim 2018): six factors, 480,000 images."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray

from unweave.core.compiled import compiled
from unweave.core.factors import Factor
from unweave.data.builtin.base import GeneratedSet, Index
from unweave.data.builtin.scene_rays import shade_map

HUES = np.arange(10) / 10
SCALES = np.linspace(0.75, 1.25, 8)
YAWS = np.linspace(-30, 30, 15)


def _linear(colours: NDArray[np.float64]) -> NDArray[np.float32]:
    """Light of sRGB colours in [0, 1] (IEC 61966-2-1)."""
    return np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _shown(light: NDArray[np.float64]) -> NDArray[np.uint8]:
    """sRGB bytes of light in [0, 1]; the inverse of `_linear`."""
    colours = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    shown: NDArray[np.uint8] = np.rint(colours * 255).astype(np.uint8)
    return shown


def _palette() -> NDArray[np.float32]:
    """Linear colours (10, 3) of the hues, their luminances drawn together: pure yellow is far brighter than blue."""
    colours = _linear(np.array([colorsys.hsv_to_rgb(hue, 0.66, 0.96) for hue in HUES]))
    luminance = colours @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    return colours * (0.36 / luminance[:, None]) ** np.float32(0.25)


_PALETTE = _palette()
_SKY_AND_WHITE = _linear(np.array([(0.45, 0.68, 0.92), (1, 1, 1)]))
_TONES = _shown(np.linspace(0, 1, 4096))


def _hue(name: str) -> Factor:
    return Factor(name=f"{name}_hue", kind="circular", range=(0, 1), description=f"hue of the {name}, red at 0")


class Scenes(GeneratedSet):
    """Floor, wall and object hue, scale, shape and orientation; shaded and anti-aliased, RGB.

    A look-alike of 3D Shapes with the same factors, not its images. Hues are circular: 0.9 is as near to 0 as 0.1 is.
    The 480 shade maps are cast when they are first asked for and kept (40 MB at 64 pixels).
    """

    name = "scenes"
    sizes = (10, 10, 10, 8, 4, 15)
    factors = (
        _hue("floor"),
        _hue("wall"),
        _hue("object"),
        Factor(name="scale", kind="continuous", range=(0.75, 1.25), description="size of the object"),
        Factor(name="shape", kind="categorical", values=("cube", "cylinder", "sphere", "capsule")),
        Factor(name="orientation", kind="continuous", range=(-30, 30), description="of the camera, in degrees"),
    )

    def __init__(self, size: int = 64) -> None:
        self.shape = (size, size, 3)
        self._maps = np.empty((*self.sizes[3:], size, size, 5), np.float32)
        self._cast = np.zeros(self.sizes[3:], dtype=bool)

    def render(self, index: Index) -> NDArray[np.uint8]:
        """Images uint8 (N, H, W, 3)."""
        geometry = tuple(index[:, 3:].T)
        for scale, shape, yaw in np.unique(index[:, 3:][~self._cast[geometry]], axis=0):
            self._maps[scale, shape, yaw] = shade_map(shape, SCALES[scale], np.radians(YAWS[yaw]), self.shape[0])
            self._cast[scale, shape, yaw] = True
        fixed = np.broadcast_to(_SKY_AND_WHITE, (len(index), 2, 3))
        colours = np.concatenate([_PALETTE[index[:, :3]], fixed], 1)
        chosen = np.ravel_multi_index(geometry, self.sizes[3:])
        images: NDArray[np.uint8] = _mix(self._maps.reshape(-1, *self._maps.shape[3:]), chosen, colours, _TONES)
        return images

    def labels(self, index: Index) -> NDArray[np.float64]:
        """Three hues in [0, 1), scale, class of shape, and degrees."""
        floor, wall, body, scale, shape, yaw = index.T
        return np.stack([HUES[floor], HUES[wall], HUES[body], SCALES[scale], shape, YAWS[yaw]], 1).astype(np.float64)


@compiled()
def _mix(
    maps: NDArray[np.float32], chosen: NDArray[np.int64], colours: NDArray[np.float32], tones: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Images uint8 (N, H, W, 3): each pixel is the sum of the materials' colours by their light.

    Args:
        maps: (M, H, W, 5) shade maps.
        chosen: (N,) which map each image takes.
        colours: (N, 5, 3) linear colours of each image's materials.
        tones: what to show for light 0, 1 / (T - 1), … 1; brighter light is shown as 1.
    """
    count, height, width = len(chosen), maps.shape[1], maps.shape[2]
    images = np.empty((count, height, width, 3), np.uint8)
    top = np.float32(len(tones) - 1)
    for n in range(count):
        shade = maps[chosen[n]]
        c = colours[n] * top
        for i in range(height):
            for j in range(width):
                for channel in range(3):
                    light = np.float32(0.5)
                    for m in range(5):
                        light += shade[i, j, m] * c[m, channel]
                    images[n, i, j, channel] = tones[int(min(light, top))]
    return images
