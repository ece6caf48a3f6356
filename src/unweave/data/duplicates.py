"""Images that show nearly the same, and pixels that never change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unweave.core.seeds import generator

_CHUNK = 4096
_CHUNK_VALUES = 1 << 20
_BANDS = (13, 13, 13, 13, 12)
_NEAR_BITS = 4
_NEAR_SHARE = 0.05
_REACH = 32
_STEP_SHARE = 0.02
_FORGIVEN = 4.0


@dataclass(frozen=True)
class NearDuplicates:
    """Pairs of rows that show nearly the same, exact copies left out.

    Attributes:
        pairs: int64 (P, 2) row numbers, first < second, sorted.
        complete: False when more than 32 pictures share a band of their hashes, so that some pairs were not compared.
    """

    pairs: NDArray[np.int64]
    complete: bool


def near_duplicates(images: NDArray[np.uint8], digests: NDArray[np.generic]) -> NearDuplicates:
    """Pairs whose difference hashes differ in at most 4 of 64 bits and whose pixels are close.

    Close means: a mean absolute difference under 5 % of that of two images drawn at random, where up to 4 of 255 grey
    levels of overall brightness are forgiven. Two hashes within 4 bits of each other agree wholly on at least one of 5
    bands, so sorting by each band finds the pairs without comparing all rows with all rows. Pictures without edges have
    no hash to speak of and are left out.

    Args:
        images: uint8 (N, H, W, C).
        digests: of the rows; equal digests are exact copies, which ingest reports.
    """
    rows = np.sort(np.unique(digests, return_index=True)[1])
    blocks, shares = _block_means(images, rows)
    uneven = np.ptp(blocks.reshape(len(blocks), -1), axis=1) >= 1
    rows, blocks = rows[uneven], blocks[uneven]
    if len(rows) < 2:
        return NearDuplicates(np.empty((0, 2), np.int64), True)
    pairs, complete = _candidates(_difference_hashes(blocks))
    pixels = images.reshape(len(images), -1)
    even = np.full(pixels.shape[1], 1 / pixels.shape[1], np.float32)
    limit = _NEAR_SHARE * _typical_distance(pixels, rows, even)
    # Blocks can only be closer than their pixels, so that few pairs are left for the pixels to decide.
    pairs = pairs[_distances(blocks.reshape(len(blocks), -1), pairs, shares) < limit * 1.001]
    pairs = rows[pairs]
    return NearDuplicates(pairs[_distances(pixels, pairs, even) < limit], complete)


def dead_pixels(images: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels (H, W) that have the same value in every image (N, H, W, C), in all channels."""
    low, high = images[0].copy(), images[0].copy()
    for start in range(0, len(images), _CHUNK):
        part = images[start : start + _CHUNK]
        np.minimum(low, part.min(0), out=low)
        np.maximum(high, part.max(0), out=high)
    dead: NDArray[np.bool_] = (low == high).all(-1)
    return dead


def _block_means(images: NDArray[np.uint8], rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Grey levels of 8 x 9 blocks, (rows, 8, 9), and the share (72,) of the pixels that each block has."""
    _, height, width, _ = images.shape
    tops, lefts = (np.arange(n) * side // n for n, side in ((8, height), (9, width)))
    counts = np.diff([*tops, height])[:, None] * np.diff([*lefts, width])
    blocks = np.empty((len(rows), 8, 9), np.float32)
    for start in range(0, len(rows), _CHUNK):
        grey = images[rows[start : start + _CHUNK]].mean(-1, dtype=np.float32)
        sums = np.add.reduceat(np.add.reduceat(grey, tops, axis=1), lefts, axis=2)
        blocks[start : start + _CHUNK] = sums / np.maximum(counts, 1)
    return blocks, (counts.ravel() / (height * width)).astype(np.float32)


def _difference_hashes(blocks: NDArray[np.float32]) -> NDArray[np.uint64]:
    """64-bit hashes, one bit a horizontal step between blocks.

    A step counts from 2 % of the image's own range on, so that noise on an even ground leaves the hash alone.
    """
    least = _STEP_SHARE * np.ptp(blocks, axis=(1, 2))
    bits = (np.diff(blocks, axis=2) > least[:, None, None]).reshape(len(blocks), -1)
    return np.packbits(bits, axis=1).view(np.uint64)[:, 0]


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


def _typical_distance(pixels: NDArray[np.uint8], rows: NDArray[np.int64], shares: NDArray[np.float32]) -> float:
    pairs = generator(0, "near duplicates").choice(rows, (64, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    return float(np.median(_distances(pixels, pairs, shares))) if len(pairs) else 0.0


def _distances(
    vectors: NDArray[np.generic], pairs: NDArray[np.int64], shares: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Mean absolute differences in grey levels, less what a small change of brightness explains."""
    found = np.empty(len(pairs), np.float32)
    chunk = max(1, _CHUNK_VALUES // vectors.shape[1])
    for start in range(0, len(pairs), chunk):
        a, b = (vectors[column].astype(np.float32) for column in pairs[start : start + chunk].T)
        apart = a - b
        shift = np.clip(apart @ shares, -_FORGIVEN, _FORGIVEN)
        found[start : start + chunk] = np.abs(apart - shift[:, None]) @ shares
    return found
