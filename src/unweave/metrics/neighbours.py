"""Predict from one code by the rows next to it in its order: no shape is assumed, and units do not matter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Classes = NDArray[np.int64]

FEWEST = 10
"""Neighbours at least: fewer make the prediction itself noise."""

PARTS = 60
"""A code is told apart into about this many parts; more, when a factor has many classes."""


def neighbours(rows: int, classes: int = 0) -> int:
    """How many of the rows that are learnt from make one prediction: half of a class when classes are many."""
    return max(FEWEST, rows // max(PARTS, 2 * classes))


def window(known: Floats, code: Floats, count: int) -> tuple[Classes, Classes]:
    """Ranges [first, last) of the ascending values `known` (n,) around each of `code` (m,), half on either side.

    All values equal to a code belong to it, be they more than `count`; at the ends a range is cut short.
    """
    left, right = np.searchsorted(known, code), np.searchsorted(known, code, side="right")
    lacking = np.maximum(count - (right - left), 0)
    return np.maximum(left - (lacking + 1) // 2, 0), np.minimum(right + (lacking + 1) // 2, len(known))


def vote(code: Floats, labels: Classes, classes: int, asked: Floats) -> Classes:
    """The class (m,) that is most frequent around each asked value (m,), relative to its frequency among all rows.

    Learnt from a code (n,) and classes (n,) in 0..classes-1. With classes made equally frequent, a code that says
    nothing is right in 1 / classes of the cases of each class. Of classes that are equally frequent that one wins whose
    rows come first in the code on average, so that it does not matter how classes are numbered.
    """
    order = np.argsort(code, kind="stable")
    first, last = window(code[order], asked, neighbours(len(code), classes))
    before = np.zeros((len(code) + 1, classes), dtype=np.int32)
    before[np.arange(1, len(code) + 1), labels[order]] = 1
    np.cumsum(before, axis=0, out=before)
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)
    lowest = np.argsort(np.bincount(labels[order], weights=np.arange(len(code)), minlength=classes) / counts)
    return np.asarray(lowest[((before[last] - before[first]) / counts)[:, lowest].argmax(axis=1)])


def average(code: Floats, target: Floats, asked: Floats) -> Floats:
    """Mean (m, C) of the targets (n, C) around each asked value (m,) of a code (n,)."""
    order = np.argsort(code, kind="stable")
    first, last = window(code[order], asked, neighbours(len(code)))
    before = np.vstack([np.zeros((1, target.shape[1])), np.cumsum(target[order], axis=0)])
    return np.asarray((before[last] - before[first]) / (last - first)[:, None])
