"""Bootstrap without computing a statistic again: each row's first-order influence on it is resampled instead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unweave.metrics.resampling import bootstrap_means

Floats = NDArray[np.float64]
Classes = NDArray[np.int64]

SAMPLE = 4000
"""Rows whose influence is kept at most."""


@dataclass(frozen=True)
class Cells:
    """A table of statistics of N rows, and how far each of some rows moves it.

    Attributes:
        values: the statistics, (...).
        influence: of m of the rows, (m, ...): N times the first-order change of the statistics when one more row like
            this is added (Hampel 1974). The mean over all rows is 0.
        rows: N.
    """

    values: Floats
    influence: Floats
    rows: int

    def bootstrap(self, draws: int, random: np.random.Generator) -> Floats:
        """The statistics in bootstrap samples of the rows, to first order: (draws, ...).

        When only m of the N rows are known, deviations shrink by the root of m / N.
        """
        known = len(self.influence)
        flat = self.influence.reshape(known, -1)
        moved = bootstrap_means(flat - flat.mean(axis=0), draws, random) * np.sqrt(known / self.rows)
        return np.asarray(self.values + moved.reshape(draws, *self.values.shape))


def sample_rows(rows: int, random: np.random.Generator) -> NDArray[np.int64]:
    """The rows whose influence is kept: all, or `SAMPLE` of them."""
    return np.arange(rows) if rows <= SAMPLE else np.sort(random.permutation(rows)[:SAMPLE])


def taught_variance(values: Floats, influence: Floats) -> float:
    """Variance of a statistic that is due to what taught the models, from R models (R,) tested on the same n rows.

    Models that are equally good differ on those rows all the same. The influence of the rows on each model's value
    (R, n) shows how much of that is luck; it is taken off, because the spread over test rows has it already.
    """
    luck = influence.var(axis=0, ddof=1).mean() / influence.shape[1]
    return max(float(values.var(ddof=1) - luck), 0.0)


def accuracy(right: NDArray[np.bool_], weights: Floats | None = None) -> tuple[float, Floats]:
    """Share of right answers (n,), and the influence of each; weights (n,) say how many rows each stands for."""
    share = _shares(len(right), weights)
    value = float(share @ right)
    return value, np.asarray((right - value) * share * len(right), dtype=np.float64)


def balanced_accuracy(right: NDArray[np.bool_], labels: Classes, weights: Floats | None = None) -> tuple[float, Floats]:
    """Mean over the classes that occur of the share of right answers (n,) in each, and the influence of each row."""
    share = _shares(len(right), weights)
    _, index = np.unique(labels, return_inverse=True)
    mass = np.bincount(index, weights=share)
    there = mass > 0  # A class whose rows all weigh nothing does not occur.
    recall = np.bincount(index, weights=right * share) / np.where(there, mass, 1)
    count = int(there.sum())
    influence = (right - recall[index]) * share * len(labels) / (count * np.where(there, mass, 1)[index])
    return float(recall[there].mean()), np.asarray(influence)


def explained(error: Floats, deviation: Floats, weights: Floats | None = None) -> tuple[float, Floats]:
    """R², 1 - mean(error) / mean(deviation) of squares (n,), and the influence of each row.

    When errors are those of a least-squares fit to the same rows, the fit's own dependence on them is of second order.
    Where nothing deviates nothing is explained, and R² is 0.
    """
    share = _shares(len(error), weights)
    left, total = float(share @ error), float(share @ deviation)
    if total == 0:
        return 0.0, np.zeros(len(error))
    return 1 - left / total, (left / total * deviation - error) / total * share * len(error)


def area_under_curve(scores: Floats, labels: Classes, weights: Floats | None = None) -> tuple[float, Floats]:
    """Mean area under the ROC curve of scores (n, S), each class against all others, and each row's influence (n,).

    Classes that no row or every row has are left out; one class must remain. The influence is that of DeLong, DeLong
    and Clarke-Pearson (1988, doi:10.2307/2531595): how many rows of the other side a row beats.
    """
    share = _shares(len(labels), weights)
    areas, influence = [], np.zeros(len(labels))
    for label in np.unique(labels[share > 0]):
        own, others = (np.flatnonzero(side & (share > 0)) for side in (labels == label, labels != label))
        if len(others) == 0:
            continue
        beaten = _beaten(scores[own, label], scores[others, label], share[others])
        beating = 1 - _beaten(scores[others, label], scores[own, label], share[own])
        areas.append(float(share[own] @ beaten / share[own].sum()))
        for side, won in ((own, beaten), (others, beating)):
            influence[side] += (won - areas[-1]) * share[side] * len(labels) / share[side].sum()
    return float(np.mean(areas)), influence / len(areas)


def _shares(rows: int, weights: Floats | None) -> Floats:
    """Weights (n,) that sum to 1."""
    return np.full(rows, 1 / rows) if weights is None else weights / weights.sum()


def _beaten(values: Floats, others: Floats, weights: Floats) -> Floats:
    """Share of the others that each value (n,) exceeds; a tie counts half."""
    order = np.argsort(others)
    ordered, mass = others[order], np.concatenate([[0.0], np.cumsum(weights[order])])
    below, upto = np.searchsorted(ordered, values), np.searchsorted(ordered, values, side="right")
    return np.asarray((mass[below] + mass[upto]) / (2 * mass[-1]))
