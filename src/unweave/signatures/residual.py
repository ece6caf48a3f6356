"""Edits as a change of the original pixels, so that what the decoder cannot redraw stays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ShapeError

Pixels = NDArray[np.float32]

QUIET = 0.02
"""Change of a decoded pixel, of a range of 1, up to which it is taken for the decoder's noise: five of 255 levels."""

LOUD = 3 * QUIET
"""Change from which a pixel is changed in full."""


def changed(before: Pixels, after: Pixels) -> Pixels:
    """Where a decoder's images (N, H, W, C) change: 0 up to `QUIET`, 1 from `LOUD` on, (N, H, W, 1).

    A pixel counts by its channel that changes most, and an image is smoothed over 3 × 3 pixels, so that single noisy
    pixels do not count.
    """
    apart = _smooth(np.abs(after - before).max(axis=-1))
    ramp = np.clip((apart - QUIET) / (LOUD - QUIET), 0, 1)
    return np.asarray((ramp * ramp * (3 - 2 * ramp))[..., None], dtype=np.float32)


def add_residual(original: Pixels, before: Pixels, after: Pixels, *, mask: bool = True) -> Pixels:
    """The original with the decoder's change added, clipped to [0, 1]: x + m (decode(z') - decode(z)).

    Args:
        original: images x, float32 (N, H, W, C) in [0, 1], or vectors (N, F), which are not masked or clipped.
        before, after: what the decoder makes of the codes z and z' of the original and of the edit.
        mask: whether m is `changed`, so that noise is not added where nothing happens; else m is 1.

    Raises:
        ShapeError: the three differ in shape.
    """
    for name, array in (("before", before), ("after", after)):
        if array.shape != original.shape:
            raise ShapeError(name, want=str(original.shape), got=array.shape)
    if original.ndim == 2:
        return original + (after - before)
    weight = changed(before, after) if mask else np.float32(1)
    return np.clip(original + weight * (after - before), 0, 1).astype(np.float32)


@dataclass(frozen=True)
class Preservation:
    """What an edited image keeps of its original, row by row.

    Attributes:
        detail: energy of the gradient of the edited image beside that of the original, where the edit changes nothing:
            1 keeps all of it; nan where everything changes.
        error: mean squared difference from the original there, in squares of the range of 1.
        gain: how far a reader of the factor moves between the original and the edited image, as a share of the way
            between the plain decodes; nan where those do not move.
    """

    detail: NDArray[np.float64]
    error: NDArray[np.float64]
    gain: NDArray[np.float64]


def preservation(
    original: Pixels,
    edited: Pixels,
    before: Pixels,
    after: Pixels,
    *,
    read_original: NDArray[np.float64],
    read_edited: NDArray[np.float64],
    read_before: NDArray[np.float64],
    read_after: NDArray[np.float64],
) -> Preservation:
    """Measure one way of editing against plain decodes.

    Args:
        original, edited: images (N, H, W, C) in [0, 1].
        before, after: plain decodes without and with the edit; where they differ is where the edit acts.
        read_original, read_edited, read_before, read_after: what a judge of the factor says of each, (N,): a model of
            the pixels, or the factor's probe on the images' codes.
    """
    outside = 1 - changed(before, after)[..., 0]
    weight = outside.sum(axis=(1, 2)).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        own, kept = ((_gradient(x) * outside).sum(axis=(1, 2)) for x in (original, edited))
        detail = np.where(own > 0, kept / own, np.nan)
        squares = (((edited - original) ** 2).mean(axis=-1) * outside).sum(axis=(1, 2))
        error = np.where(weight > 0, squares / weight, np.nan)
        way = read_after - read_before
        gain = np.where(way != 0, (read_edited - read_original) / way, np.nan)
    return Preservation(detail, error, gain)


def _gradient(images: Pixels) -> NDArray[np.float64]:
    """Squared differences to the next pixels below and to the right, mean over channels, (N, H, W)."""
    down = np.diff(images, axis=1, append=images[:, -1:])
    right = np.diff(images, axis=2, append=images[:, :, -1:])
    return np.asarray((down**2 + right**2).mean(axis=-1), dtype=np.float64)


def _smooth(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means over 3 × 3 pixels of images (N, H, W), edges repeated."""
    height, width = images.shape[1:]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge")
    total = sum(padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3))
    return np.asarray(total / 9, dtype=np.float32)
