"""Estimates of mutual information from contingency tables, in nats."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.metrics.inputs import Mode

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@lru_cache(maxsize=16)
def entropy_terms(rows: int, mode: Mode) -> Floats:
    """Table t[n] for counts n = 0..rows, such that H = log N - sum(t[counts]) / N estimates an entropy in nats.

    Reference: t[n] = n log n, the plug-in estimate. Robust: t[n] = n G(n) of Grassberger (2003, arXiv:physics/0307138,
    eq. 27-30), which removes most of the bias of small counts. G alternates around the digamma function, which does no
    harm only where counts are spread out; bins of equal frequency are all odd or all even. So its alternation fades out
    over counts of about eight, which leaves the bias of Poisson counts of any mean what it was, to within 0.002.
    """
    n = np.arange(rows + 1, dtype=np.float64)
    if mode == "reference":
        terms = n * np.log(np.maximum(n, 1))
    else:
        odd = np.concatenate([[0.0], np.cumsum(2 / (2 * np.arange(rows // 2) + 1))])
        grassberger = odd[np.arange(rows + 1) // 2] - np.euler_gamma - np.log(2)
        digamma = np.concatenate([[0.0, 0.0], np.cumsum(1 / n[1:-1])])[: rows + 1] - np.euler_gamma
        terms = n * (digamma + (grassberger - digamma) * np.exp(-((n / 8) ** 2)))
    terms.flags.writeable = False  # shared by every caller
    return np.asarray(terms)


def entropy(counts: Counts, terms: Floats) -> float:
    """Entropy of one distribution given as counts of any shape; exactly 0 when there is only one outcome."""
    if np.count_nonzero(counts) < 2:
        return 0.0
    total = int(counts.sum())
    return float(np.log(total) - terms[counts].sum() / total)


def pair_counts(binned: NDArray[Any], labels: NDArray[np.int64]) -> Counts:
    """Contingency tables (D, B, S) of each binned code (D, N) with one factor's classes (N,)."""
    bins, states = int(binned.max()) + 1, int(labels.max()) + 1
    tables = [np.bincount(code.astype(np.int64) * states + labels, minlength=bins * states) for code in binned]
    return np.stack(tables).reshape(len(binned), bins, states)


def mutual_information(tables: Counts, terms: Floats) -> Floats:
    """Information (D,) in contingency tables (D, B, S) of the same rows; exactly 0 for a code in one bin."""
    code, factor = tables.sum(axis=2), tables[0].sum(axis=0)
    total = int(factor.sum())
    gain = terms[tables].sum(axis=(1, 2)) - terms[code].sum(axis=1) - terms[factor].sum()
    return np.where((code > 0).sum(axis=1) > 1, np.log(total) + gain / total, 0.0)


def chance_information(tables: Counts, terms: Floats) -> Floats:
    """Expected information (D,) of tables (D, B, S) whose rows are paired at random, in nats.

    The exact mean over all permutations of the rows (Vinh, Epps and Bailey 2010, JMLR 11, eq. 12-13), not a sample.
    """
    factor = tables[0].sum(axis=0)
    known: dict[bytes, float] = {}
    for code in tables.sum(axis=2):
        key = np.sort(code).tobytes()
        if key not in known:
            known[key] = _expected(code, factor, terms)
    return np.array([known[np.sort(code).tobytes()] for code in tables.sum(axis=2)])


def _expected(code: Counts, factor: Counts, terms: Floats) -> float:
    """Expected information of two margins: every count is hypergeometric, summed over ten deviations of its mean."""
    if np.count_nonzero(code) < 2:
        return 0.0
    total = int(code.sum())
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, total + 1)))])
    (a, times_a), (b, times_b) = (np.unique(margin[margin > 0], return_counts=True) for margin in (code, factor))
    a, b = np.repeat(a, len(b))[:, None], np.tile(b, len(a))[:, None]
    low, high = np.maximum(a + b - total, 0), np.minimum(a, b)
    mean = a * b / total
    reach = 10 * np.sqrt(mean) + 10
    low = np.maximum(low, np.floor(mean - reach).astype(np.int64))
    high = np.minimum(high, np.ceil(mean + reach).astype(np.int64))
    n = np.minimum(low + np.arange(int((high - low).max()) + 1), high)
    log_p = logs[a] - logs[n] - logs[a - n] + logs[b] - logs[b - n]
    log_p += logs[total - a] + logs[total - b] - logs[total] - logs[total - a - b + n]
    inside = low + np.arange(n.shape[1]) <= high
    joint = np.where(inside, np.exp(log_p) * terms[n], 0).sum(axis=1) @ np.outer(times_a, times_b).ravel()
    return float(np.log(total) + (joint - terms[code].sum() - terms[factor].sum()) / total)
