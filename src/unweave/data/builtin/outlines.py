"""The outlines of dSprites (Matthey et al. 2017): closed formulas of square, ellipse and heart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

UNIT = 0.15 * 64
"""Half the side of the largest square, in pixels of the 64-pixel image."""

_ELLIPSE_VERTICES, _HEART_VERTICES = 100, 150


def outline(shape: int) -> NDArray[np.float64]:
    """Vertices (V, 2) in pixels about the sprite's centre, y downwards: 0 square, 1 ellipse, 2 heart."""
    if shape == 0:
        return np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]]) * UNIT
    vertices = _ELLIPSE_VERTICES if shape == 1 else _HEART_VERTICES
    t = np.arange(vertices) * 2 * np.pi / vertices
    if shape == 1:
        return np.stack([1.33 * np.cos(t), np.sin(t) / 1.33], 1) * UNIT
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([np.sin(t) ** 3, -(y / 14.5 + 0.15)], 1) * UNIT


def placed_outlines(
    scales: NDArray[np.float64], angles: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """All outlines scaled and turned (in radians, counter-clockwise on screen), and where each begins.

    Returns:
        vertices: (total, 2), one outline after the other.
        offsets: int64 (3, S, A, 2): first vertex and number of vertices of each (shape, scale, angle).
    """
    pieces, offsets, start = [], np.empty((3, len(scales), len(angles), 2), np.int64), 0
    for shape in range(3):
        u, v = outline(shape).T
        for i, scale in enumerate(scales):
            for j, angle in enumerate(angles):
                cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
                pieces.append(np.stack([cos * u + sin * v, -sin * u + cos * v], 1))
                offsets[shape, i, j] = start, len(u)
                start += len(u)
    return np.concatenate(pieces), offsets
