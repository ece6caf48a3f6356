"""How codes depend on all factors at once: the regression of codes on labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.factors import FactorTable
from unweave.signatures.chart import Chart
from unweave.signatures.reader import Reader

Floats = NDArray[np.float64]

PENALTY = 1e-3
"""Weight of the squared coefficients per row, on standardised coordinates: it decides only what the rows leave open."""

_SAME = 1e-9
"""Relative size of a singular value that counts as 0: the coordinates of classes depend on each other."""

_LEAST_NOISE = 1e-6
"""Variance of the noise at least, as a share of that of the codes: codes may be exact functions of the labels."""


def coordinates(chart: Chart, labels: Floats, known: NDArray[np.bool_], read: Floats) -> Floats:
    """Centred coordinates (N, m) of labels (N,); where one is missing, those of what the probe says, (N, C).

    A probe's probabilities stand for a missing class: an expectation, as in the E step of Dempster et al. (1977).
    """
    found = np.zeros((len(labels), chart.width))
    found[known] = chart.of(labels[known])
    if not known.all():
        found[~known] = _expected(chart, read[~known])
    return found - found.mean(axis=0)


def _expected(chart: Chart, outputs: Floats) -> Floats:
    if chart.target.factor.kind != "categorical":
        return chart.of(Chart(chart.target).labels(outputs))
    weights = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Regression:
    """Codes as a linear function of all labels: z = mean + coordinates @ movement + noise.

    Attributes:
        charts: of each factor.
        movement: how codes move with each factor while the others stay, (m, D) each.
        noise: covariance of what the labels do not explain, (D, D), shrunk (Ledoit and Wolf 2004).
    """

    charts: tuple[Chart, ...]
    movement: tuple[Floats, ...]
    noise: Floats

    def unbiased(self) -> dict[str, Reader]:
        """Readers of the coordinates, by factor, that no correlation of the factors biases.

        The best linear unbiased estimate of the coordinates of given codes (generalised least squares; Aitken 1936):
        W = N⁻¹ Aᵀ (A N⁻¹ Aᵀ)⁺ for movement A and noise N. A probe is a regression the other way round: it reads a
        factor partly off the correlated ones, and so sees leakage in movements that have none. Outputs are coordinates
        of the chart, for classes too.
        """
        every = np.vstack(self.movement)
        filtered = np.linalg.solve(self.noise, every.T)
        weights = filtered @ np.linalg.pinv(every @ filtered, rcond=_SAME, hermitian=True)
        ends = np.cumsum([len(part) for part in self.movement])
        parts = np.split(weights, ends[:-1], axis=1)
        return {
            chart.target.factor.name: Reader(chart.target, part, np.zeros(part.shape[1]))
            for chart, part in zip(self.charts, parts, strict=True)
        }


def regress(
    codes: NDArray[np.floating[Any]], table: FactorTable, charts: Sequence[Chart], readers: Mapping[str, Reader]
) -> Regression:
    """The regression of codes on all labels at once, by ridge regression.

    It gives A of z = A v + noise for any correlation of the factors and any noise of the codes, where a probe's
    pattern, the regression on one factor alone, mixes in the correlated ones.

    Args:
        codes: (N, D).
        table: labels (N, K), with gaps.
        charts: of each factor, in the order of the table.
        readers: probes by factor, which stand in for missing labels.
    """
    from sklearn.covariance import ledoit_wolf  # scikit-learn takes a second to import

    parts = []
    for k, chart in enumerate(charts):
        name = chart.target.factor.name
        parts.append(coordinates(chart, table.values[:, k], table.known[:, k], readers[name](codes)))
    design = np.hstack(parts)
    spread = design.std(axis=0)
    live = spread > 0
    unit = design[:, live] / spread[live]
    z = np.asarray(codes, dtype=np.float64)
    z = z - z.mean(axis=0)
    gram = unit.T @ unit + PENALTY * len(z) * np.eye(int(live.sum()))
    found = np.zeros((design.shape[1], z.shape[1]))
    found[live] = np.linalg.solve(gram, unit.T @ z) / spread[live][:, None]
    noise, _ = ledoit_wolf(z - design @ found, assume_centered=True)
    floor = _LEAST_NOISE * float((z**2).mean())
    ends = np.cumsum([chart.width for chart in charts])
    return Regression(tuple(charts), tuple(np.split(found, ends[:-1])), noise + floor * np.eye(len(noise)))
