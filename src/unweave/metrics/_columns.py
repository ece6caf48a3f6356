"""Codes prepared for growing many trees: every column is sorted once and cut into blocks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

GAP = np.float32(1e-7)
"""Neighbouring values at most this far apart are never separated (scikit-learn's FEATURE_THRESHOLD)."""

MAX_BLOCKS = 128
"""Blocks per column; a uint8 holds a block's number."""

MIN_ROWS = 8
"""Rows per block that are aimed at when there are few rows."""


class Columns(NamedTuple):
    """Codes of N rows by their D columns, each cut into at most B blocks of neighbouring values.

    Attributes:
        values: the codes, float32 (D, N).
        ordered: every column sorted, float32 (D, N).
        order: the row that each sorted value comes from, int32 (D, N).
        starts: where each block starts in the sorted column, int32 (D, B + 1); unused blocks are empty. Values on both
            sides of a start may always be separated, in every subset of the rows.
        divisible: which blocks hold values that may be separated, bool (D, B).
        block: the block of each code, uint8 (N, D).
    """

    values: NDArray[np.float32]
    ordered: NDArray[np.float32]
    order: NDArray[np.int32]
    starts: NDArray[np.int32]
    divisible: NDArray[np.bool_]
    block: NDArray[np.uint8]


def presort(codes: NDArray[np.float32]) -> Columns:
    """Sort the columns of finite codes (N, D) and cut them into blocks of about equal size."""
    values = np.ascontiguousarray(codes.T)
    order = np.argsort(values, axis=1, kind="stable").astype(np.int32)
    ordered = np.take_along_axis(values, order.astype(np.int64), axis=1)
    columns, rows = values.shape
    blocks = max(1, min(MAX_BLOCKS, rows // MIN_ROWS))
    starts = np.full((columns, blocks + 1), rows, dtype=np.int32)
    divisible = np.zeros((columns, blocks), dtype=bool)
    block = np.empty((rows, columns), dtype=np.uint8)
    for column, sorted_values in enumerate(ordered):
        cuts = _starts(sorted_values, blocks)
        starts[column, : len(cuts)] = cuts
        low, high = sorted_values[cuts], sorted_values[np.append(cuts[1:], rows) - 1]
        divisible[column, : len(cuts)] = high > low + GAP
        block[order[column], column] = np.repeat(np.arange(len(cuts)), np.diff(np.append(cuts, rows)))
    return Columns(values, ordered, order, starts, divisible, block)


def _starts(ordered: NDArray[np.float32], blocks: int) -> NDArray[np.int64]:
    """Starts of at most `blocks` blocks of a sorted column; equal values share a block."""
    allowed = np.flatnonzero(ordered[1:] > ordered[:-1] + GAP) + 1
    if len(allowed) >= blocks:
        wanted = np.arange(1, blocks) * len(ordered) // blocks
        nearest = np.minimum(np.searchsorted(allowed, wanted), len(allowed) - 1)
        allowed = np.unique(allowed[nearest])
    return np.concatenate([[0], allowed])
