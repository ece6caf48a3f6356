"""Trees, and the memory in which they grow."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unweave.metrics._columns import Columns

Floats = NDArray[np.float64]


class Trees(NamedTuple):
    """Complete binary trees of one depth for T stages and C classes; node j has the children 2j+1 and 2j+2.

    Attributes:
        column: the column that an inner node compares, int64 (T, C, 2^depth - 1).
        threshold: rows with a code at most this go left, float64 like `column`; inf where a node is not split.
        value: what a leaf adds to the score of a class, float64 (T, C, 2^depth).
    """

    column: NDArray[np.int64]
    threshold: Floats
    value: Floats


class Work(NamedTuple):
    """Memory that all trees of a fit share; a slot is a set of block sums that a node owns.

    Attributes:
        rows, spare: rows grouped by node, int32 (N,), and room for sorting them.
        owner: slot of the node that a row is in, int32 (N,).
        sums: sum of the positive targets, and of the others, per slot, column and block; float64 (slots, 2, D, B).
        counts: their number, float64 (slots, D, B).
        before, rows_before: sums and counts of the blocks before each block, float64 (D, B + 1).
        gain, bound: gain of the cut at the end of each block, and what no cut inside it exceeds, float64 (D, B).
        best, cut: the best gain of each column and its threshold, float64 (D,).
        begin, end, slot: rows of each node and its slot, int64 (2^(depth+1) - 1,).
        total: sum of the targets of each node, float64 (2^(depth+1) - 1,).
    """

    rows: NDArray[np.int32]
    spare: NDArray[np.int32]
    owner: NDArray[np.int32]
    sums: Floats
    counts: Floats
    before: Floats
    rows_before: Floats
    gain: Floats
    bound: Floats
    best: Floats
    cut: Floats
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    slot: NDArray[np.int64]
    total: Floats


def workspace(columns: Columns, depth: int) -> Work:
    """Memory for trees of one depth."""
    count, rows = columns.values.shape
    blocks, nodes, slots = columns.divisible.shape[1], 2 ** (depth + 1) - 1, 2 ** (depth - 1)
    shape = (count, blocks)
    return Work(
        rows=np.empty(rows, dtype=np.int32),
        spare=np.empty(rows, dtype=np.int32),
        owner=np.empty(rows, dtype=np.int32),
        sums=np.empty((slots, 2, *shape)),
        counts=np.empty((slots, *shape)),
        before=np.empty((count, blocks + 1)),
        rows_before=np.empty((count, blocks + 1)),
        gain=np.empty(shape),
        bound=np.empty(shape),
        best=np.empty(count),
        cut=np.empty(count),
        begin=np.empty(nodes, dtype=np.int64),
        end=np.empty(nodes, dtype=np.int64),
        slot=np.empty(nodes, dtype=np.int64),
        total=np.empty(nodes),
    )
