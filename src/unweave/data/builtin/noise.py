"""Colour and grain that are functions of a cell's number: the same cell of a grid always looks the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unweave.core.compiled import compiled


@compiled()
def _splitmix(counter: np.uint64) -> np.uint64:
    """The `counter`-th number of the splitmix64 generator (Steele et al. 2014), uniform in 64 bits."""
    state = (counter + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@compiled()
def paint(masks: NDArray[np.uint8], cells: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Masks (N, H, W) times a colour per cell, its channels uniform in 128 … 255 ([0.5, 1]): uint8 (N, H, W, 3)."""
    count, height, width = masks.shape
    images = np.zeros((count, height, width, 3), np.uint8)
    colour = np.empty(3, np.int64)
    for n in range(count):
        bits = _splitmix(np.uint64(cells[n]))
        for channel in range(3):
            colour[channel] = 128 + int((bits >> np.uint64(8 * channel)) & np.uint64(127))
        for i in range(height):
            for j in range(width):
                value = int(masks[n, i, j])
                if value:
                    for channel in range(3):
                        images[n, i, j, channel] = (value * colour[channel] + 127) // 255
    return images


@compiled()
def add_noise(masks: NDArray[np.uint8], cells: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Masks (N, H, W) plus noise per pixel, channel and cell, uniform in 0 … 255, at most 255: uint8 (N, H, W, 3)."""
    count, height, width = masks.shape
    images = np.empty((count, height, width, 3), np.uint8)
    words = (height * width * 3 + 7) // 8
    for n in range(count):
        flat = images[n].reshape(-1)
        mask = masks[n].reshape(-1)
        for word in range(words):
            bits = _splitmix(np.uint64(cells[n]) * np.uint64(words) + np.uint64(word))
            for byte in range(min(8, len(flat) - 8 * word)):
                at = 8 * word + byte
                noise = int((bits >> np.uint64(8 * byte)) & np.uint64(255))
                flat[at] = min(255, noise + int(mask[at // 3]))
    return images
