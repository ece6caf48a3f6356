"""Estimates of mutual information from contingency tables, in nats."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unweave.metrics.inputs import Mode

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

RARE = 4.5
"""Normal deviations above which information is taken for more than chance. Probability 3e-6: a table has up to some
hundred cells, a null some thousand."""


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


def pair_counts(binned: NDArray[Any], labels: NDArray[Any]) -> Counts:
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


class Chance(NamedTuple):
    """Information of codes whose rows are paired with the labels at random.

    Attributes:
        mean: its exact mean over all permutations of the rows, (D,) in nats.
        spread: its standard deviation, (D,) in nats.
        limit: what random codes exceed with a probability of 3e-6, (D,) in nats.
    """

    mean: Floats
    spread: Floats
    limit: Floats


def chance_information(tables: Counts, terms: Floats) -> Chance:
    """What the margins of tables (D, B, S) lead one to expect of random codes.

    The mean is that of Vinh, Epps and Bailey (2010, JMLR 11, eq. 12-13). The spread adds up what each count's term
    varies beyond its linear part, which the fixed margins take away; the limit is that of a chi-squared variable of the
    same mean and spread (Wilson and Hilferty 1931).
    """
    factor = tables[0].sum(axis=0)
    known: dict[bytes, tuple[float, float, float]] = {}
    found = []
    for code in tables.sum(axis=2):
        code = np.sort(code[code > 0])
        key = code.tobytes()
        if key not in known:
            known[key] = _expected(code, factor[factor > 0], terms)
        found.append(known[key])
    return Chance(*np.array(found).T)


@lru_cache(maxsize=4)
def _log_factorials(total: int) -> Floats:
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, total + 1)))])
    logs.flags.writeable = False  # shared by every caller
    return np.asarray(logs)


def _expected(code: Counts, factor: Counts, terms: Floats) -> tuple[float, float, float]:
    """Mean, spread and limit for two margins; every count is hypergeometric, within ten deviations of its mean."""
    if len(code) < 2 or len(factor) < 2:
        return 0.0, 0.0, 0.0
    total, logs = int(code.sum()), _log_factorials(int(code.sum()))
    (a, times_a), (b, times_b) = (np.unique(margin, return_counts=True) for margin in (code, factor))
    a, b, times = np.repeat(a, len(b))[:, None], np.tile(b, len(a))[:, None], np.outer(times_a, times_b).ravel()
    low, high = np.maximum(a + b - total, 0), np.minimum(a, b)
    mean = a * b / total
    reach = 10 * np.sqrt(mean) + 10
    low = np.maximum(low, np.floor(mean - reach).astype(np.int64))
    high = np.minimum(high, np.ceil(mean + reach).astype(np.int64))
    n = np.minimum(low + np.arange(int((high - low).max()) + 1), high)
    log_p = logs[a] - logs[n] - logs[a - n] + logs[b] - logs[b - n]
    log_p += logs[total - a] + logs[total - b] - logs[total] - logs[total - a - b + n]
    p = np.where(low + np.arange(n.shape[1]) <= high, np.exp(log_p), 0)
    joint = (p * terms[n]).sum(axis=1)
    information = np.log(total) + (joint @ times - terms[code].sum() - terms[factor].sum()) / total
    off, rest = n - mean, terms[n] - joint[:, None]
    slope = (p * off * rest).sum(axis=1) / np.maximum((p * off**2).sum(axis=1), np.finfo(np.float64).tiny)
    cells, degrees = len(code) * len(factor), (len(code) - 1) * (len(factor) - 1)
    curved = (p * (rest - slope[:, None] * off) ** 2).sum(axis=1) @ times * cells / degrees
    rare = 2 / (9 * degrees)
    reach_up = (degrees * (1 - rare + RARE * np.sqrt(rare)) ** 3 - degrees) / np.sqrt(2 * degrees)
    spread = np.sqrt(curved) / total
    return float(information), float(spread), float(information + reach_up * spread)
