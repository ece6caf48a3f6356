"""From measurements to bins and classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core import Factor, FactorTable
from unweave.metrics.inputs import MAX_CLASSES, Mode

REFERENCE_BINS = 20
"""Bins per code in the published definitions (disentanglement_lib)."""

ROBUST_BINS = 60
"""Bins per code in robust mode; a multiple of the usual class counts, so that bin and class edges tend to meet."""

FACTOR_BINS = 20
"""Classes that a continuous or circular factor is cut into."""


def equal_width_bins(code: NDArray[Any], bins: int = REFERENCE_BINS) -> NDArray[np.int64]:
    """Bins of equal width between a code's minimum and maximum: integers (N,) in 0..bins-1.

    The rule of disentanglement_lib (`np.histogram` edges in the code's own precision, left-closed, the maximum in the
    last bin), so the bins are the same to the bit. One outlier stretches all of them.
    """
    edges = np.histogram_bin_edges(code, bins)
    return np.searchsorted(edges[:-1], code, side="right") - 1


def quantile_bins(values: NDArray[Any], bins: int) -> NDArray[np.int64]:
    """Bins of equal frequency: integers (N,) in 0..bins-1.

    Equal values share a bin, and at most `bins` distinct values keep a bin each. Depends on the order of the values
    only, so outliers, units and any increasing transformation change nothing.
    """
    ordered = np.sort(values)
    starts = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    if len(starts) >= bins:
        starts = np.arange(1, bins) * len(ordered) // bins
    edges = np.unique(ordered[starts])
    edges = edges[edges > ordered[0]]
    return np.searchsorted(edges, values, side="right").astype(np.int64)


def bins_of(rows: int, mode: Mode) -> int:
    """Bins that a code of so many rows is cut into, at most."""
    return REFERENCE_BINS if mode == "reference" else max(2, min(ROBUST_BINS, rows // 3))


def code_bins(
    codes: NDArray[Any], mode: Mode, rows: NDArray[np.int64] | None = None, most: int = ROBUST_BINS
) -> NDArray[np.int16]:
    """Bins of every code: integers (D, N) of codes (N, D), one row per code; of some rows only, if they are given.

    Robust mode takes `ROBUST_BINS` bins of equal frequency, fewer when a bin would hold less than three rows. On
    mixtures of 3 to 40 normal distributions with known information this is within 0.1 of the truth from 500 rows on;
    20 bins of equal width are off by 0.2 at 40 values and by the whole score when one row is an outlier.
    """
    count = len(codes) if rows is None else len(rows)
    bins = min(most, bins_of(count, mode))
    found = np.empty((codes.shape[1], count), dtype=np.int16)
    for code, row in zip(codes.T, found, strict=True):  # One at a time: codes of a million rows fill the memory twice
        values = code if rows is None else code[rows]
        row[:] = equal_width_bins(values) if mode == "reference" else quantile_bins(values, bins)
    return found


def classes(factor: Factor, labels: NDArray[np.float64], mode: Mode) -> NDArray[np.int64] | None:
    """Class of each known label: integers (N,) in 0..S-1, every one of them in use.

    A continuous or circular factor with more than `MAX_CLASSES` distinct values is cut into `FACTOR_BINS` classes of
    equal frequency in robust mode. The published definitions know classes only: in reference mode whole numbers are
    classes, and a factor with other values gives None.
    """
    if factor.kind == "circular" and factor.range is not None:
        labels = np.mod(labels - factor.range[0], factor.period)
    names, index = np.unique(labels, return_inverse=True)
    if factor.is_discrete or len(names) <= MAX_CLASSES:
        return index.astype(np.int64)
    if mode == "reference":
        return index.astype(np.int64) if np.array_equal(names, np.round(names)) else None
    return np.unique(quantile_bins(labels, FACTOR_BINS), return_inverse=True)[1].astype(np.int64)


def class_table(table: FactorTable, mode: Mode) -> NDArray[np.int64]:
    """Classes of all factors, (N, K); -1 where the label is missing or the factor has no classes in this mode."""
    labels = np.full(table.values.shape, -1)
    for column, factor in enumerate(table.factors):
        known = table.known[:, column]
        found = classes(factor, table.values[known, column], mode)
        if found is not None:
            labels[known, column] = found
    return labels
