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

_LEAST_NOISE = 1e-6
"""Variance of the noise at least, as a share of that of the codes: codes may be exact functions of the labels."""


def coordinates(chart: Chart, labels: Floats, known: NDArray[np.bool_], read: Floats) -> Floats:
    """Coordinates (N, m) of labels (N,); where one is missing, those of what the probe says, (N, C).

    A probe's probabilities stand for a missing class: an expectation, as in the E step of Dempster et al. (1977).
    """
    found = np.zeros((len(labels), chart.width))
    found[known] = chart.of(labels[known])
    if not known.all():
        found[~known] = _expected(chart, read[~known])
    return found


def _expected(chart: Chart, outputs: Floats) -> Floats:
    if chart.target.factor.kind != "categorical":
        return chart.of(Chart(chart.target).labels(outputs))
    weights = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Regression:
    """Codes as a function of all labels: z = centre + (coordinates - means) @ movement + noise.

    Attributes:
        charts: of each factor.
        means: mean coordinates, (m,) each.
        movement: how codes move with each factor while the others stay, (m, D) each.
        centre: mean of the codes, (D,).
        noise: covariance of what the labels do not explain, (D, D), shrunk (Ledoit and Wolf 2004).
    """

    charts: tuple[Chart, ...]
    means: tuple[Floats, ...]
    movement: tuple[Floats, ...]
    centre: Floats
    noise: Floats


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
    means = tuple(part.mean(axis=0) for part in parts)
    design = np.hstack(parts) - np.concatenate(means)
    spread = design.std(axis=0)
    live = spread > 0
    unit = design[:, live] / spread[live]
    centre = np.asarray(codes, dtype=np.float64).mean(axis=0)
    z = codes - centre
    gram = unit.T @ unit + PENALTY * len(z) * np.eye(int(live.sum()))
    found = np.zeros((design.shape[1], z.shape[1]))
    found[live] = np.linalg.solve(gram, unit.T @ z) / spread[live][:, None]
    noise, _ = ledoit_wolf(z - design @ found, assume_centered=True)
    floor = _LEAST_NOISE * float((z**2).mean())
    ends = np.cumsum([chart.width for chart in charts])
    movement = tuple(np.split(found, ends[:-1]))
    return Regression(tuple(charts), means, movement, centre, noise + floor * np.eye(len(noise)))
