"""Weights under which factors that vary together in the data look independent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLIP = 10.0
"""Largest weight of a row beside the mean: a rarer combination is not trusted to stand for more rows than this."""


@dataclass(frozen=True)
class Weights:
    """Importance weights of N rows.

    Attributes:
        values: float64 (N,), of mean 1.
        effective: effective number of rows, (Σw)² / Σw² (Kish 1965), from 1 to N: what the weights leave of N.
        clipped: share of the rows whose weight was cut.
    """

    values: NDArray[np.float64]
    effective: float
    clipped: float


def independent_weights(sets: Sequence[NDArray[np.int64]], *, clip: float = CLIP) -> Weights:
    """Weights p(a) p(b) … / p(a, b, …) of N rows, so that under them the columns of each set are independent.

    With p the shares of the rows. Combinations that never occur cannot be weighted up, so the columns become
    independent to within what is missing and what is clipped.

    Args:
        sets: for each set of columns that vary together their classes, (N, K); bins for measurements. What is in
            different sets is taken to be independent already.
        clip: largest weight beside the mean before clipping, above 1.
    """
    rows = len(sets[0])
    ratio = np.ones(rows)
    for levels in sets:
        for column in levels.T:
            _, classes, counts = np.unique(column, return_inverse=True, return_counts=True)
            ratio *= counts[classes] / rows
        _, cell, counts = np.unique(levels, axis=0, return_inverse=True, return_counts=True)
        ratio /= counts[cell.ravel()] / rows
    ratio /= ratio.mean()
    values = np.minimum(ratio, clip)
    values /= values.mean()
    return Weights(values, float(values.sum() ** 2 / (values**2).sum()), float((ratio > clip).mean()))


def connected(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, ...], ...]:
    """Names that pairs link, however indirectly: each set sorted, and the sets in order of their first names."""
    found: list[set[str]] = []
    for pair in pairs:
        linked = [group for group in found if group & set(pair)]
        found = [group for group in found if group not in linked] + [set(pair).union(*linked)]
    return tuple(sorted(tuple(sorted(group)) for group in found))
