"""What a signature is fitted to: labelled codes with the probes that read them, and what follows from both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.binding import Binding
from unweave.core.factors import FactorTable
from unweave.signatures.chart import Chart
from unweave.signatures.loops import loop_chart
from unweave.signatures.place import PlaceReader
from unweave.signatures.reader import Reader
from unweave.signatures.regression import Regression, regress
from unweave.signatures.unbiased import Unbiased

Floats = NDArray[np.float64]

KNOTS = 4
"""Knots of a bent path."""

_ROWS_PER_KNOT = 15


@dataclass(frozen=True)
class Problem:
    """Labelled codes and the probes that read them.

    Attributes:
        codes: (N, D).
        factors: labels (N, K), with gaps.
        readers: a probe for every factor, by name.
        reliable: names of the factors that codes tell well enough for others to be isolated from them.
        covariance: of the reference codes, (D, D).
        binding: columns that belong to a factor by training.
        penalties: of the probes, by name.
        groups: of the rows (N,), or None.
    """

    codes: Floats
    factors: FactorTable
    readers: Mapping[str, Reader]
    reliable: tuple[str, ...]
    covariance: Floats
    binding: Binding
    penalties: Mapping[str, float]
    groups: NDArray[Any] | None = None

    @cached_property
    def charts(self) -> dict[str, Chart]:
        """Coordinates of every factor, for straight paths."""
        return {name: Chart(self.readers[name].target) for name in self.factors.names}

    def beside(self, name: str) -> tuple[str, ...]:
        """A factor with those that are told apart from it, in the order of the table.

        Factors that codes hardly tell are left out: where they seem to lie is noise, and to hold it still costs.
        """
        return tuple(n for n in self.factors.names if n == name or n in self.reliable)

    def regression(self, name: str, charts: Mapping[str, Chart] | None = None) -> Regression:
        """How codes depend on a factor and the reliable others, with other `charts` for some of them."""
        names = self.beside(name)
        used = [(charts or {}).get(n, self.charts[n]) for n in names]
        return regress(self.codes, self.factors.select(names), used, self.readers)

    def movement(self, name: str, charts: Mapping[str, Chart] | None = None) -> Floats:
        """How codes move with a factor while the reliable others stay, (m, D)."""
        return self.regression(name, charts).movement[self.beside(name).index(name)]

    @cached_property
    def bent_charts(self) -> dict[str, Chart]:
        """Coordinates with knots, of the measurements, levels and angles that have enough labels for them."""
        found: dict[str, Chart] = {}
        for name, chart in self.charts.items():
            codes, labels = self.known(name)
            if chart.target.factor.kind == "circular":
                groups = None if self.groups is None else self.groups[self.factors.known[:, self.factors.index(name)]]
                loop = loop_chart(codes, chart.target, labels, penalty=self.penalties[name], groups=groups)
                found |= {} if loop is None else {name: loop}
                continue
            if chart.target.factor.kind == "categorical" or len(labels) < KNOTS * _ROWS_PER_KNOT:
                continue
            numbers = chart.target.normalise(labels).astype(np.float64)
            knots = np.unique(np.quantile(numbers, np.linspace(0.05, 0.95, KNOTS)))
            if len(knots) > 2:
                found[name] = Chart(chart.target, tuple(knots.tolist()))
        return found

    def unbiased(self, name: str) -> Unbiased:
        """Reads a factor and the reliable others off codes; see there."""
        beside = [n for n in self.beside(name) if n in self.bent_charts]
        places = {n: self.place(n) for n in beside if n in self.loops}
        bent = {n: self.bent_charts[n] for n in beside if n not in places}
        return Unbiased(
            self.regression(name),
            self.regression(name, bent) if bent else None,
            self.regression(name, self.loops) if places else None,
            places,
        )

    @property
    def loops(self) -> dict[str, Chart]:
        """Coordinates of the angles whose paths bend."""
        return {n: chart for n, chart in self.bent_charts.items() if chart.target.factor.kind == "circular"}

    def place(self, name: str) -> PlaceReader:
        """Reads an angle off the bent path that codes take with it while the reliable others stay.

        Other angles are held along their own bent paths: what a circle leaves of them would be noise at the knots.
        """
        chart, at = self.loops[name], self.beside(name).index(name)
        found = self.regression(name, self.loops)
        corners = found.centre + (np.eye(chart.width) - found.means[at]) @ found.movement[at]
        codes, labels = self.known(name)
        return PlaceReader.along(chart, corners, codes, labels)

    def known(self, name: str) -> tuple[Floats, Floats]:
        """Codes (n, D) and labels (n,) of the rows that have the label."""
        k = self.factors.index(name)
        rows = np.flatnonzero(self.factors.known[:, k])
        return self.codes[rows], self.factors.values[rows, k]
