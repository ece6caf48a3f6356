"""Images that show nearly the same, and pixels that never change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unweave.core.seeds import generator

_CHUNK = 4096
_BANDS = (13, 13, 13, 13, 12)
_NEAR_BITS = 4
_NEAR_SHARE = 0.05
_REACH = 32


@dataclass(frozen=True)
class NearDuplicates:
    """Pairs of rows that show nearly the same, exact copies left out.

    Attributes:
        pairs: int64 (P, 2) row numbers, first < second, sorted.
        complete: False when more than 32 pictures looked so alike that not all of their pairs were compared.
    """

    pairs: NDArray[np.int64]
    complete: bool


def near_duplicates(images: NDArray[np.uint8], digests: NDArray[np.generic]) -> NearDuplicates:
    """Pairs whose difference hashes differ in at most 4 of 64 bits and whose pixels are close.

    Close means: a mean absolute difference under 5 % of that of two images drawn at random. Two hashes within 4 bits of
    each other agree wholly on at least one of 5 bands, so sorting by each band finds the pairs without comparing all
    rows with all rows. Pictures without edges have no hash to speak of and are left out.

    Args:
        images: uint8 (N, H, W, C).
        digests: of the rows; equal digests are exact copies, which ingest reports.
    """
    rows = np.sort(np.unique(digests, return_index=True)[1])
    hashes, flat = _difference_hashes(images, rows)
    rows, hashes = rows[~flat], hashes[~flat]
    if len(rows) < 2:
        return NearDuplicates(np.empty((0, 2), np.int64), True)
    candidates, complete = _candidates(hashes)
    limit = _NEAR_SHARE * _typical_distance(images, rows)
    near = [pair for pair in rows[candidates].tolist() if _distance(images, *pair) < limit]
    return NearDuplicates(np.array(sorted(near), dtype=np.int64).reshape(-1, 2), complete)


def dead_pixels(images: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels (H, W) that have the same value in every image (N, H, W, C), in all channels."""
    low, high = images[0].copy(), images[0].copy()
    for start in range(0, len(images), _CHUNK):
        part = images[start : start + _CHUNK]
        np.minimum(low, part.min(0), out=low)
        np.maximum(high, part.max(0), out=high)
    dead: NDArray[np.bool_] = (low == high).all(-1)
    return dead


def _difference_hashes(
    images: NDArray[np.uint8], rows: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """64-bit hashes of 8 x 9 block means, one bit a horizontal step; and which images have no edge to hash."""
    _, height, width, _ = images.shape
    tops, lefts = (np.minimum(np.arange(n) * side // n, side - 1) for n, side in ((8, height), (9, width)))
    counts = np.diff([*tops, height])[:, None] * np.diff([*lefts, width])
    hashes, flat = np.empty(len(rows), np.uint64), np.empty(len(rows), bool)
    for start in range(0, len(rows), _CHUNK):
        grey = images[rows[start : start + _CHUNK]].mean(-1, dtype=np.float32)
        small = np.add.reduceat(np.add.reduceat(grey, tops, axis=1), lefts, axis=2) / np.maximum(counts, 1)
        bits = (small[:, :, 1:] > small[:, :, :-1]).reshape(len(small), -1)
        part = slice(start, start + len(bits))
        hashes[part] = np.packbits(bits, axis=1).view(np.uint64)[:, 0]
        flat[part] = np.ptp(small.reshape(len(small), -1), axis=1) < 1
    return hashes, flat


def _candidates(hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], bool]:
    """Pairs of positions within `_NEAR_BITS` bits, and whether every pair of every bucket was compared."""
    found: list[NDArray[np.int64]] = []
    complete, shift = True, 0
    for bits in _BANDS:
        keys = (hashes >> np.uint64(shift)) & np.uint64((1 << bits) - 1)
        shift += bits
        order = np.lexsort((hashes, keys))
        keys, sorted_hashes = keys[order], hashes[order]
        for step in range(1, min(_REACH, len(order) - 1) + 1):
            same = keys[step:] == keys[:-step]
            if not same.any():
                break
            close = same & (np.bitwise_count(sorted_hashes[step:] ^ sorted_hashes[:-step]) <= _NEAR_BITS)
            at = np.flatnonzero(close)
            found.append(np.sort(np.stack([order[at], order[at + step]], 1), axis=1))
            complete &= step < _REACH
    if not found:
        return np.empty((0, 2), np.int64), complete
    return np.unique(np.concatenate(found), axis=0), complete


def _typical_distance(images: NDArray[np.uint8], rows: NDArray[np.int64]) -> float:
    rng = generator(0, "near duplicates")
    pairs = rng.choice(rows, (64, 2))
    return float(np.median([_distance(images, a, b) for a, b in pairs if a != b] or [0.0]))


def _distance(images: NDArray[np.uint8], a: int, b: int) -> float:
    return float(np.abs(images[a].astype(np.int16) - images[b]).mean())
