"""How a picture responds to the amount of an edit, and what else has changed where the wanted change is reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from unweave.core.seeds import generator
from unweave.metrics.resampling import interval

Floats = NDArray[np.float64]

Estimate = tuple[float, float, float]
"""A value and its interval at 95 %: (value, low, high)."""

LEAST_GAIN = 0.01
"""On-target change that the others are divided by at least: what does not move at all has no leakage per movement."""


@dataclass(frozen=True)
class Matched:
    """Changes at one on-target change; the first row is the estimate, the others are of resampled rows.

    Attributes:
        gain: on-target change that is reached, (B + 1,).
        others: changes of the other quantities there, (B + 1, C).
    """

    gain: Floats
    others: Floats

    @property
    def ratios(self) -> Floats:
        """Changes per unit of on-target change, (B + 1, C)."""
        return np.asarray(self.others / np.maximum(self.gain, LEAST_GAIN)[:, None])


@dataclass(frozen=True)
class Response:
    """Mean changes by amount; the first row is the estimate, the others are of B resamples of the rows.

    Attributes:
        amounts: from 0 upwards, (A + 1,).
        on: mean on-target change, (B + 1, A + 1).
        others: mean of each other quantity, (B + 1, A + 1, C).
    """

    amounts: Floats
    on: Floats
    others: Floats

    @classmethod
    def of(cls, amounts: Floats, on: Floats, others: Floats, weights: Floats) -> Self:
        """From rows: amounts (A + 1,), on-target changes (A + 1, N), others (A + 1, N, C), weights (B + 1, N)."""
        return cls(amounts, weights @ on.T, np.tensordot(weights, others, axes=([1], [1])))

    @property
    def reach(self) -> float:
        """The largest mean on-target change that any of the amounts brings."""
        return float(self.on[0, 1:].max())

    def at(self, gain: float) -> Matched:
        """What has changed at the amount at which the mean on-target change is `gain`.

        Between the amounts that were tried, means lie on straight lines. A `gain` beyond the reach is taken for the
        reach. Each resample finds its own amount, so that intervals hold the doubt about the amount too.
        """
        gain = min(gain, self.reach)
        draws = np.arange(len(self.on))
        there = self.on[:, 1:] >= gain
        # A resample that does not get there is taken at its best.
        upper = np.where(there.any(axis=1), there.argmax(axis=1), self.on[:, 1:].argmax(axis=1)) + 1
        low, high = self.on[draws, upper - 1], self.on[draws, upper]
        rise = high - low
        share = np.divide(gain - low, rise, out=np.ones_like(rise), where=rise > 0)
        share = np.where(there.any(axis=1), np.clip(share, 0, 1), 1.0)
        before, after = self.others[draws, upper - 1], self.others[draws, upper]
        return Matched(low + share * rise, before + share[:, None] * (after - before))


def resamples(rows: int, draws: int, *, groups: NDArray[np.int64] | None = None, seed: int = 0) -> Floats:
    """Weights (draws + 1, rows) whose rows sum to 1: first equal ones, then bootstrap samples of rows or of groups.

    Two calls with the same arguments give the same samples, so that what is measured twice on the same rows is
    compared in pairs.

    Args:
        rows: how many.
        draws: samples.
        groups: group (rows,) of each row; whole groups are drawn.
        seed: of the samples.
    """
    random = generator(seed, "leakage", "bootstrap")
    units, which = np.unique(np.arange(rows) if groups is None else groups, return_inverse=True)
    weights = np.ones((draws + 1, rows))
    for draw in range(1, draws + 1):
        times = np.bincount(random.integers(len(units), size=len(units)), minlength=len(units))
        weights[draw] = times[which.ravel()]
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def estimate(values: Floats, low: float = -np.inf, high: float = np.inf) -> Estimate:
    """An estimate and its resamples (B + 1,) as a value with an interval, clipped to a range."""
    return (float(values[0]), *interval(float(values[0]), values[1:], low, high))
