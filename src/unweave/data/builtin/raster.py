"""A polygon rasteriser that sets exactly the pixels that a GPU would: vertices snapped, pixel centres inside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unweave.core.compiled import compiled

SIDE = 64
_SUB = 256  # steps of the vertex grid per pixel
_HALF = _SUB // 2


@compiled()
def _first_centre(numerator: int, denominator: int, strict: bool) -> int:
    """The first pixel whose centre is at or, if strict, beyond numerator / denominator (in vertex steps)."""
    distance = numerator - _HALF * denominator
    if strict:
        return int(distance // (_SUB * denominator)) + 1
    return int(-(-distance // (_SUB * denominator)))


@compiled()
def _mark_edges(vertices: NDArray[np.float64], cx: float, cy: float, marks: NDArray[np.int8]) -> tuple[int, int]:
    """Add ±1 where each pixel row enters or leaves the polygon; returns the first row and the row after the last."""
    count = len(vertices)
    top, bottom = SIDE, 0
    xa = int(np.rint((cx + vertices[count - 1, 0]) * _SUB))
    ya = int(np.rint((cy + vertices[count - 1, 1]) * _SUB))
    for k in range(count):
        xb = int(np.rint((cx + vertices[k, 0]) * _SUB))
        yb = int(np.rint((cy + vertices[k, 1]) * _SUB))
        if ya != yb:
            sign = 1 if yb > ya else -1
            rise = (yb - ya) * sign
            first = _first_centre(min(ya, yb), 1, True)
            stop = _first_centre(max(ya, yb), 1, True)
            top, bottom = min(top, first), max(bottom, stop)
            for row in range(first, stop):
                crossing = (xa * (yb - ya) + (_HALF + _SUB * row - ya) * (xb - xa)) * sign
                marks[row, _first_centre(crossing, rise, False)] += sign
        xa, ya = xb, yb
    return top, bottom


@compiled()
def draw_masks(
    vertices: NDArray[np.float64], spans: NDArray[np.int64], centres: NDArray[np.float64], halve: bool
) -> NDArray[np.uint8]:
    """Masks uint8 (N, 64, 64) with 255 inside, or (N, 32, 32) with the mean of each 2 x 2 block.

    Args:
        vertices: (total, 2) vertices of all outlines about their centres. No placed outline may reach the border.
        spans: (N, 2) first vertex and number of vertices of each image's outline.
        centres: (N, 2) centre of each image's sprite, in pixels.
        halve: whether to return 32 pixels.
    """
    side = SIDE // 2 if halve else SIDE
    masks = np.zeros((len(spans), side, side), np.uint8)
    marks = np.zeros((SIDE, SIDE), np.int8)
    for n in range(len(spans)):
        start, count = spans[n]
        top, bottom = _mark_edges(vertices[start : start + count], centres[n, 0], centres[n, 1], marks)
        for row in range(top, bottom):
            inside = 0
            for column in range(SIDE):
                inside += marks[row, column]
                marks[row, column] = 0
                if inside != 0:
                    if halve:
                        masks[n, row >> 1, column >> 1] += 1
                    else:
                        masks[n, row, column] = 255
        if halve:
            for row in range(top >> 1, min(side, (bottom + 1) >> 1)):
                for column in range(side):
                    # 0, 63.75, 127.5, 191.25 and 255, rounded.
                    masks[n, row, column] = (int(masks[n, row, column]) * 255 + 2) >> 2
    return masks
