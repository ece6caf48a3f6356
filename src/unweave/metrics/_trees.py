"""Compiled kernels that grow regression trees on presorted columns, exactly and without the GIL, and boost them.

A split is searched in three steps. Sums over the blocks of a column give the gain of every cut between two blocks and
an upper bound for all cuts inside a block. Only blocks whose bound reaches the best gain are walked row by row. Columns
that reach it up to rounding are walked from end to end, so that ties end as they do in scikit-learn. The sums of a
node's larger child are those of the node less those of the smaller child. Boosting is algorithm 6 of Friedman (2001,
doi:10.1214/aos/1013203451).

Kernels that call each other stay in one file, because Numba's cache on disk notices no change in another one. They
copy in loops: operations on whole arrays would more than double the time to compile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from unweave.metrics._columns import GAP, Columns
from unweave.metrics._tree_memory import Floats, Trees, Work

Function = TypeVar("Function", bound=Callable[..., Any])

PURE = float(np.finfo(np.float64).eps)
"""A node whose variance is not above this is a leaf."""

TIE = 1e-12
"""Relative difference of two gains that may be rounding."""

SLACK = 1e-9
"""Relative margin that keeps rounding from discarding a block that holds the best split."""


CHUNK = 256
"""Rows whose scores of all classes stay in the cache together."""


def compiled(function: Function) -> Function:
    """Compile on first use and keep the machine code on disk; runs without the GIL, division by zero gives inf."""
    return cast(Function, njit(nogil=True, cache=True, error_model="numpy")(function))


def inner(function: Function) -> Function:
    """A kernel that only kernels call: without an interface to Python it compiles a third faster."""
    options: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast(Function, njit(nogil=True, error_model="numpy", **options)(function))


@inner
def collect(columns: Columns, target: Floats, work: Work, node: int) -> None:
    """Sum the targets of a node's rows by block."""
    slot = work.slot[node]
    sums, counts = work.sums[slot], work.counts[slot]
    sums[:] = 0
    counts[:] = 0
    for position in range(work.begin[node], work.end[node]):
        row = work.rows[position]
        value = target[row]
        side = int(value <= 0)
        for column in range(len(counts)):
            block = columns.block[row, column]
            sums[side, column, block] += value
            counts[column, block] += 1


@inner
def score_blocks(work: Work, node: int, column: int) -> None:
    """Gains of the cuts between blocks, and bounds for the cuts inside them.

    Gain is s_l^2 / n_l + s_r^2 / n_r, scikit-learn's proxy of the decrease in squared error: convex in (s_l, n_l), so
    inside a block it is at most its largest value at the corners of what s_l and n_l can be.
    """
    slot, n, total = work.slot[node], work.end[node] - work.begin[node], work.total[node]
    up, down, counts = work.sums[slot, 0, column], work.sums[slot, 1, column], work.counts[slot, column]
    before, rows_before = work.before[column], work.rows_before[column]
    before[0], rows_before[0] = 0, 0
    for block in range(len(counts)):
        before[block + 1] = before[block] + (up[block] + down[block])
        rows_before[block + 1] = rows_before[block] + counts[block]
    for block in range(len(counts)):
        left, k = before[block + 1], rows_before[block + 1]
        right = total - left
        work.gain[column, block] = (left * left * (n - k) + right * right * k) / (k * (n - k))
    for block in range(len(counts)):
        low = before[block] + down[block]
        high = before[block] + up[block]
        left_low, left_high = low * low, high * high
        right_low, right_high = (total - low) ** 2, (total - high) ** 2
        k = rows_before[block] + 1
        m = rows_before[block + 1] - 1
        first = max(left_low * (n - k) + right_low * k, left_high * (n - k) + right_high * k) / (k * (n - k))
        last = max(left_low * (n - m) + right_low * m, left_high * (n - m) + right_high * m) / (m * (n - m))
        work.bound[column, block] = max(first, last)


@inner
def walk(columns: Columns, target: Floats, work: Work, node: int, column: int, first: int, last: int) -> None:
    """Try every cut inside the blocks `first` to `last` of a column."""
    slot, n, total = work.slot[node], work.end[node] - work.begin[node], work.total[node]
    left, k = work.before[column, first], work.rows_before[column, first]
    previous = np.float32(np.inf)
    for position in range(columns.starts[column, first], columns.starts[column, last + 1]):
        row = columns.order[column, position]
        if work.owner[row] != slot:
            continue
        value = columns.ordered[column, position]
        if value > previous + GAP:
            right = total - left
            gain = left * left / k + right * right / (n - k)
            if gain > work.best[column]:
                work.best[column], work.cut[column] = gain, previous / 2.0 + value / 2.0
        left += target[row]
        k += 1
        previous = value


@inner
def best_gain(columns: Columns, target: Floats, work: Work, node: int) -> float:
    """The best gain of a node, and in `work` that of every column that reaches it; negative if there is no cut."""
    n, counts, top = work.end[node] - work.begin[node], work.counts[work.slot[node]], -1.0
    for column in range(len(work.best)):
        score_blocks(work, node, column)
        work.best[column] = -1.0
        for block in range(counts.shape[1]):
            if counts[column, block] > 0 and work.rows_before[column, block + 1] < n:
                work.best[column] = max(work.best[column], work.gain[column, block])
        top = max(top, work.best[column])
    for column in range(len(work.best)):
        for block in range(counts.shape[1]):
            inside = counts[column, block] > 1 and columns.divisible[column, block]
            if inside and work.bound[column, block] >= top * (1 - SLACK):
                walk(columns, target, work, node, column, block, block)
                top = max(top, work.best[column])
    return top


@inner
def choose(columns: Columns, target: Floats, work: Work, node: int, luck: float) -> int:
    """The column of the best split, negative if there is none; its threshold is in `work`.

    Columns that reach the best gain up to rounding are walked from end to end, so that sums are added up as
    scikit-learn does and rounding decides as it does there. If several are still equal, `luck` in [0, 1) draws one.
    """
    near = best_gain(columns, target, work, node) * (1 - TIE)
    if near < 0:
        return -1
    top, tied, last = -1.0, 0, columns.divisible.shape[1] - 1
    for column in range(len(work.best)):
        if work.best[column] >= near:
            work.best[column] = -1.0
            walk(columns, target, work, node, column, 0, last)
            if work.best[column] > top:
                top, tied = work.best[column], 0
            tied += work.best[column] == top
    left = int(luck * tied)
    for column in range(len(work.best)):
        if work.best[column] == top:
            if left == 0:
                return column
            left -= 1
    return -1


@inner
def arrange(columns: Columns, work: Work, node: int, column: int) -> None:
    """Put the rows of a node in the order of a column."""
    slot, begin, count = work.slot[node], work.begin[node], 0
    for position in range(len(work.rows)):
        row = columns.order[column, position]
        work.spare[count] = row
        count += work.owner[row] == slot
    for position in range(count):
        work.rows[begin + position] = work.spare[position]


@inner
def partition(columns: Columns, work: Work, node: int, column: int, cut: float) -> None:
    """Give the rows of a node to its two children, by swapping as scikit-learn does."""
    left, right = work.begin[node], work.end[node]
    while left < right:
        row = work.rows[left]
        if columns.values[column, row] <= cut:
            left += 1
        else:
            right -= 1
            work.rows[left], work.rows[right] = work.rows[right], row
    work.begin[2 * node + 1], work.end[2 * node + 1] = work.begin[node], left
    work.begin[2 * node + 2], work.end[2 * node + 2] = left, work.end[node]


@inner
def share_sums(columns: Columns, target: Floats, work: Work, node: int, free: int) -> None:
    """Sums of both children: the smaller one's are collected in a free slot, the larger one's are what is left."""
    small, large = 2 * node + 1, 2 * node + 2
    if work.end[small] - work.begin[small] > work.end[large] - work.begin[large]:
        small, large = large, small
    slot = work.slot[node]
    work.slot[small], work.slot[large] = free, slot
    for position in range(work.begin[small], work.end[small]):
        work.owner[work.rows[position]] = free
    collect(columns, target, work, small)
    for column in range(work.counts.shape[1]):
        for block in range(work.counts.shape[2]):
            work.counts[slot, column, block] -= work.counts[free, column, block]
            for side in range(2):
                work.sums[slot, side, column, block] -= work.sums[free, side, column, block]


@inner
def close(work: Work, node: int, chosen: NDArray[np.int64], cuts: Floats) -> None:
    """End at a node: all its rows go left down to one leaf."""
    chosen[node], cuts[node] = 0, np.inf
    left, right = 2 * node + 1, 2 * node + 2
    work.begin[left], work.end[left], work.slot[left] = work.begin[node], work.end[node], work.slot[node]
    work.begin[right], work.end[right] = work.end[node], work.end[node]


@inner
def is_pure(target: Floats, work: Work, node: int) -> bool:
    """Whether the targets of a node vary too little to split it; keeps their total."""
    total, square, n = 0.0, 0.0, work.end[node] - work.begin[node]
    for position in range(work.begin[node], work.end[node]):
        value = target[work.rows[position]]
        total += value
        square += value * value
    work.total[node] = total
    return bool(n < 2 or square / n - (total / n) ** 2 <= PURE)


@inner
def grow(
    columns: Columns, target: Floats, work: Work, luck: Floats, chosen: NDArray[np.int64], cuts: Floats, gains: Floats
) -> None:
    """Grow one tree on `target` (N,); afterwards the leaves are the last nodes of `work`.

    The splits are written to `chosen` and `cuts` (nodes,), and the decrease in squared error of each split is added to
    `gains` (D,). `luck` (nodes, 2) settles ties. In small nodes rounding settles many more, and not evenly: it depends
    on the order in which the targets of a node are added up. scikit-learn leaves them as the column that it looked at
    last sorted them, and it looks at columns in random order; so one is drawn here.
    """
    for row in range(len(target)):
        work.rows[row], work.owner[row] = row, 0
    work.begin[0], work.end[0], work.slot[0] = 0, len(target), 0
    collect(columns, target, work, 0)
    free = 1
    for node in range(len(luck)):
        column = -1 if is_pure(target, work, node) else choose(columns, target, work, node, luck[node, 0])
        if column >= 0:
            chosen[node], cuts[node] = column, work.cut[column]
            gains[column] += work.best[column] - work.total[node] ** 2 / (work.end[node] - work.begin[node])
            searched = 2 * node + 2 < len(luck)
            if searched:
                arrange(columns, work, node, int(luck[node, 1] * len(work.best)))
            partition(columns, work, node, column, cuts[node])
            if searched:
                share_sums(columns, target, work, node, free)
                free += 1
        else:
            close(work, node, chosen, cuts)


@inner
def residuals(scores: Floats, labels: NDArray[np.int64], out: Floats) -> None:
    """Indicator of each class less its probability: (C, N) of scores (C, N); one row is the log-odds of class 1."""
    classes, rows = scores.shape
    if classes == 1:
        for row in range(rows):
            out[0, row] = labels[row] - 1 / (1 + np.exp(-scores[0, row]))
        return
    top, total = np.empty(CHUNK), np.empty(CHUNK)
    for first in range(0, rows, CHUNK):
        n = min(CHUNK, rows - first)
        top[:] = -np.inf
        total[:] = 0
        for label in range(classes):
            for i in range(n):
                top[i] = max(top[i], scores[label, first + i])
        for label in range(classes):
            for i in range(n):
                power = np.exp(scores[label, first + i] - top[i])
                out[label, first + i] = power
                total[i] += power
        for label in range(classes):
            for i in range(n):
                out[label, first + i] /= -total[i]
        for row in range(first, first + n):
            out[labels[row], row] += 1


@inner
def finish_tree(residual: Floats, work: Work, factor: float, rate: float, scores: Floats, value: Floats) -> None:
    """Give every leaf one Newton step, `factor` * sum(r) / sum(|r| (1 - |r|)), and add it to its rows' scores."""
    inner = len(value) - 1
    for leaf in range(len(value)):
        begin, end = work.begin[inner + leaf], work.end[inner + leaf]
        slope, curvature = 0.0, 0.0
        for position in range(begin, end):
            r = residual[work.rows[position]]
            slope += r
            curvature += abs(r) * (1 - abs(r))
        value[leaf] = 0.0 if curvature < 1e-150 * (end - begin) or begin == end else factor * slope / curvature
        for position in range(begin, end):
            scores[work.rows[position]] += rate * value[leaf]


@compiled
def fit_stages(
    columns: Columns,
    labels: NDArray[np.int64],
    scores: Floats,
    work: Work,
    trees: Trees,
    luck: Floats,
    rate: float,
    gains: Floats,
) -> None:
    """Fit all stages: fill `trees`, move `scores` (C, N), add up the decrease in squared error by column in `gains`.

    `luck` is uniform in [0, 1), two numbers for each of `trees.threshold`. For two classes there is one tree per stage.
    """
    classes = len(scores)
    factor = (classes - 1) / classes if classes > 1 else 1.0
    residual = np.empty_like(scores)
    for stage in range(len(luck)):
        residuals(scores, labels, residual)
        for label in range(classes):
            column, threshold = trees.column[stage, label], trees.threshold[stage, label]
            grow(columns, residual[label], work, luck[stage, label], column, threshold, gains)
            finish_tree(residual[label], work, factor, rate, scores[label], trees.value[stage, label])


@compiled
def add_scores(values: NDArray[np.float32], trees: Trees, rate: float, scores: Floats) -> None:
    """Add what all trees say about codes, float32 (D, N), to `scores` (C, N)."""
    stages, classes, inner = trees.threshold.shape
    for stage in range(stages):
        for label in range(classes):
            column, threshold, value = (
                trees.column[stage, label],
                trees.threshold[stage, label],
                trees.value[stage, label],
            )
            for row in range(values.shape[1]):
                node = 0
                while node < inner:
                    node = 2 * node + 1 + (values[column[node], row] > threshold[node])
                scores[label, row] += rate * value[node - inner]
