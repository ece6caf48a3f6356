"""Mutual information of a number and a class, from the distances to nearest neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unweave.metrics.binning import class_table
from unweave.metrics.influence import Cells, sample_rows
from unweave.metrics.information import Floats, entropy, entropy_terms
from unweave.metrics.inputs import Problem
from unweave.metrics.shares import Shares

NEIGHBOURS = 10
"""Neighbours of the same class that a distance reaches to (latent_quantization)."""

JITTER = 1e-10
"""Noise on standardised codes that tells equal values apart (scikit-learn's `mutual_info_classif`)."""

Labels = NDArray[np.int64]
Positions = NDArray[np.int64]


@dataclass(frozen=True)
class NearestTable:
    """What D codes say about K factors, by nearest neighbours (Ross 2014, doi:10.1371/journal.pone.0087357, eq. 2).

    Attributes:
        codes: standardised codes, (N, D).
        labels: class of each factor, (N, K); -1 where the label is missing or the factor has no classes.
        cells: information and, in the last row, plug-in entropy of the factors, (D + 1, K) in nats.
    """

    codes: Floats
    labels: Labels
    cells: Cells

    @classmethod
    def of(cls, problem: Problem, seed: int) -> Self:
        """The table of a problem; noise is drawn as in the published code, factor by factor and code by code."""
        return cls._by(_standardised(problem.codes), class_table(problem.factors, "reference"), seed)

    @classmethod
    def _by(cls, codes: Floats, labels: Labels, seed: int) -> Self:
        random = np.random.RandomState(seed)
        kept = sample_rows(len(codes), np.random.default_rng(seed))
        shape = codes.shape[1] + 1, labels.shape[1]
        values, influence = np.zeros(shape), np.zeros((len(kept), *shape))
        size = np.maximum(1, np.abs(codes).mean(axis=0))
        for factor in range(shape[1]):
            rows = np.flatnonzero(labels[:, factor] >= 0)
            own = labels[rows, factor]
            if len(rows) == 0:
                continue
            moved = np.zeros(len(codes))
            counts = np.bincount(own)
            values[-1, factor] = entropy(counts, entropy_terms(len(rows), "reference"))
            moved[rows] = np.log(len(rows) / counts[own]) - values[-1, factor]
            influence[:, -1, factor] = moved[kept] * len(codes) / len(rows)
            for code in range(shape[0] - 1):
                noise = random.standard_normal(len(rows))
                terms = neighbour_terms(codes[rows, code] + JITTER * size[code] * noise, own)
                values[code, factor] = max(0.0, float(np.nanmean(terms))) if np.isfinite(terms).any() else 0.0
                moved[rows] = np.nan_to_num(terms - np.nanmean(terms)) if np.isfinite(terms).any() else 0.0
                influence[:, code, factor] = moved[kept] * len(codes) / len(rows)
        return cls(codes, labels, Cells(values, influence, len(codes)))

    @property
    def shares(self) -> Shares:
        """The table, ready for scoring."""
        return self._shares(self.cells.values)

    def resampled(self, draws: int, random: np.random.Generator) -> Shares:
        """The table in bootstrap samples of the rows, to first order."""
        return self._shares(np.maximum(self.cells.bootstrap(draws, random), 0))

    def shuffled(self, random: np.random.Generator) -> Self:
        """The table of random codes: labels given to other rows."""
        labels = self.labels[random.permutation(len(self.labels))]
        return self._by(self.codes, labels, int(random.integers(2**31)))

    def _shares(self, cells: Floats) -> Shares:
        nats, entropies = cells[..., :-1, :], cells[..., -1, :]
        room = entropies[..., None, :]
        share = np.divide(nats, room, out=np.zeros_like(nats), where=room > 0)
        shape = nats.shape[-2:]
        return Shares(nats, nats, share, entropies, np.zeros_like(nats), np.ones(shape), np.zeros(shape))


def _standardised(codes: NDArray[Any]) -> Floats:
    """Codes in units of their spread, in their own precision as in scikit-learn's `StandardScaler`."""
    spread = codes.std(axis=0, dtype=np.float64)
    spread[codes.max(axis=0) == codes.min(axis=0)] = 1
    mean = codes.mean(axis=0, dtype=np.float64).astype(codes.dtype)
    return np.asarray((codes - mean) / spread.astype(codes.dtype), dtype=np.float64)


def neighbour_terms(code: Floats, labels: Labels, neighbours: int = NEIGHBOURS) -> Floats:
    """What each row adds to the information of a code (n,) about classes (n,), whose mean it is: (n,) in nats.

    psi(n) + psi(k) - psi(n_class) - psi(m), where m counts the rows nearer than the k-th neighbour of the same class.
    NaN for a row that is the only one of its class. Neighbours are found in sorted order, exactly: the k nearest of a
    row are k next to each other.
    """
    counts = np.bincount(labels)[labels]
    kept = np.flatnonzero(counts > 1)
    terms = np.full(len(code), np.nan)
    if len(kept) == 0:
        return terms
    order = kept[np.argsort(code[kept], kind="stable")]
    values, classes_in_order = code[order], labels[order]
    grouped = np.argsort(classes_in_order, kind="stable")
    own, size = values[grouped], counts[order][grouped]
    start = np.searchsorted(classes_in_order[grouped], classes_in_order[grouped])
    reach = np.minimum(neighbours, size - 1)
    radius = _distance(own, start, start + size, reach, neighbours)
    few = reach >= size // 2
    radius[few] = _expanded_distance(own[few], size[few], neighbours)
    radius = np.nextafter(radius, 0)
    nearer = _within(values, own, radius)
    psi = np.concatenate([[np.nan], np.cumsum(np.concatenate([[0.0], 1 / np.arange(1, len(order))]))]) - np.euler_gamma
    terms[order[grouped]] = psi[len(order)] + psi[reach] - psi[size] - psi[nearer]
    return terms


def _distance(own: Floats, start: Positions, end: Positions, reach: Positions, most: int) -> Floats:
    """Distance of each value to its `reach`-th nearest; values ascend from `start` to `end` of each class."""
    at, best = np.arange(len(own)), np.full(len(own), np.inf)
    for back in range(most + 1):
        left, right = at - back, at - back + reach
        fits = (back <= reach) & (left >= start) & (right < end)
        inside = at[fits]
        far = np.maximum(own[inside] - own[left[fits]], own[right[fits]] - own[inside])
        best[inside] = np.minimum(best[inside], far)
    return best


def _expanded_distance(own: Floats, size: Positions, most: int) -> Floats:
    """The same for whole classes of few rows, one after another, with the rounding of scikit-learn.

    There it is the root of x² - 2 x y + y². Whether the last neighbour itself counts as nearer hangs on that rounding,
    and the row's term on whether it does, by 1 / m.
    """
    distance = np.empty(len(own))
    for count in np.unique(size):
        rows = np.flatnonzero(size == count)
        values = own[rows].reshape(-1, count)
        square = values**2
        apart = (square[:, :, None] + -2 * (values[:, :, None] * values[:, None, :])) + square[:, None, :]
        apart[:, np.arange(count), np.arange(count)] = -1  # a row is its own first neighbour
        nearest = np.sort(apart, axis=2)[:, :, min(most, count - 1)]
        distance[rows] = np.sqrt(np.maximum(nearest, 0)).ravel()
    return distance


def _within(values: Floats, centres: Floats, radius: Floats) -> Positions:
    """How many of the ascending values lie within a radius of each centre, to the last bit of their differences."""
    low = np.searchsorted(values, centres - radius)
    high = np.searchsorted(values, centres + radius, side="right")
    last = len(values) - 1
    while (wrong := (low > 0) & (centres - values[np.maximum(low - 1, 0)] <= radius)).any():
        low -= wrong
    while (wrong := (low <= last) & (centres - values[np.minimum(low, last)] > radius)).any():
        low += wrong
    while (wrong := (high <= last) & (values[np.minimum(high, last)] - centres <= radius)).any():
        high += wrong
    while (wrong := (high > 0) & (values[np.maximum(high - 1, 0)] - centres > radius)).any():
        high -= wrong
    return np.asarray(high - low)
