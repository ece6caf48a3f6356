"""The forms that a signature's directions can take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unweave.core.binding import Binding
from unweave.core.factors import FactorTable
from unweave.signatures.chart import Chart
from unweave.signatures.directions import calibrated, isolated, length, pattern, plain
from unweave.signatures.reader import Reader
from unweave.signatures.regression import Regression, regress
from unweave.signatures.signature import Candidate, Path, Signature
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
        reliable: names of the factors whose probes read more than chance: those that others are isolated from.
        covariance: of the reference codes, (D, D).
        binding: columns that belong to a factor by training.
    """

    codes: Floats
    factors: FactorTable
    readers: Mapping[str, Reader]
    reliable: tuple[str, ...]
    covariance: Floats
    binding: Binding

    @cached_property
    def charts(self) -> dict[str, Chart]:
        """Coordinates of every factor, for straight paths."""
        return {name: Chart(self.readers[name].target) for name in self.factors.names}

    @cached_property
    def regression(self) -> Regression:
        """How codes depend on all labels."""
        return regress(self.codes, self.factors, [self.charts[n] for n in self.factors.names], self.readers)

    def movement(self, name: str) -> Floats:
        """How codes move with a factor while the others stay, (m, D)."""
        return self.regression.movement[self.factors.index(name)]

    @cached_property
    def bent_charts(self) -> dict[str, Chart]:
        """Coordinates with knots, of the measurements and levels that have enough labels for them."""
        found = {}
        for name, chart in self.charts.items():
            labels = self.known(name)[1]
            if chart.width > 1 or chart.target.factor.kind == "categorical" or len(labels) < KNOTS * _ROWS_PER_KNOT:
                continue
            numbers = chart.target.normalise(labels).astype(np.float64)
            knots = np.unique(np.quantile(numbers, np.linspace(0.05, 0.95, KNOTS)))
            if len(knots) > 2:
                found[name] = Chart(chart.target, tuple(knots.tolist()))
        return found

    @cached_property
    def unbiased(self) -> Unbiased:
        """Reads all factors off codes; see there."""
        if not self.bent_charts:
            return Unbiased(self.regression)
        charts = [self.bent_charts.get(n, self.charts[n]) for n in self.factors.names]
        return Unbiased(self.regression, regress(self.codes, self.factors, charts, self.readers))

    def known(self, name: str) -> tuple[Floats, Floats]:
        """Codes (n, D) and labels (n,) of the rows that have the label."""
        k = self.factors.index(name)
        rows = np.flatnonzero(self.factors.known[:, k])
        return self.codes[rows], self.factors.values[rows, k]


def candidates(problem: Problem, name: str) -> dict[str, Signature]:
    """Signatures of one factor that differ in their directions, by form, the most usual first.

    * `isolated`: the least movement that the factor's probe sees whole and no other reliable probe sees at all.
    * `regression`: how codes move with the factor's labels while all other labels stay.
    * `pattern`: how codes vary with what the probe reads, other factors included.
    * `plain`: along the probe's weights, as boundaries of attributes are commonly used (Shen et al. 2020).
    * `dimension`: the factor's own columns, or the one column that moves most with it.
    * `piecewise`: as `regression`, with a path that bends at knots; for measurements and levels with enough labels.
    """
    reader, chart = problem.readers[name], problem.charts[name]
    codes, labels = problem.known(name)
    target = _target(chart, reader, codes, labels)
    weights = reader.weights
    others = [problem.readers[n].weights for n in problem.reliable if n != name]
    forms: dict[Candidate, Floats] = {
        "isolated": isolated(weights, target, others, problem.covariance),
        "regression": calibrated(problem.movement(name), weights, target),
        "pattern": pattern(weights, target, problem.covariance),
        "plain": plain(weights, target),
        "dimension": calibrated(_one_dimension(problem, name), weights, target),
    }
    best = length(forms["pattern"], problem.covariance)
    classes = tuple(np.unique(labels).astype(int).tolist()) if reader.target.factor.kind == "categorical" else ()
    path: Path = {"categorical": "classes", "circular": "rotation"}.get(reader.target.factor.kind, "line")  # type: ignore[assignment]
    found = {}
    for form, directions in forms.items():
        if np.any(directions):
            kept = _kept(directions, weights, target, best, problem.covariance)
            found[str(form)] = Signature(
                chart, directions, reader, path, form, kept, (0.0, 0.0), labels=len(labels), classes=classes
            )
    bent = _bent(problem, name, target)
    return found | ({"piecewise": bent} if bent is not None else {})


def _target(chart: Chart, reader: Reader, codes: Floats, labels: Floats) -> Floats:
    """Change of the probe's outputs per coordinate, (m, C): means by class, or 1 where outputs are coordinates."""
    if chart.target.factor.kind != "categorical":
        return np.eye(chart.width)
    outputs = np.asarray(codes @ reader.weights)
    means = np.zeros((chart.width, outputs.shape[1]))
    for c in np.unique(labels).astype(int):
        means[c] = outputs[labels == c].mean(axis=0)
    present = np.unique(labels).astype(int)
    means[present] -= means[present].mean(axis=0)
    return means


def _kept(directions: Floats, weights: Floats, target: Floats, best: float, covariance: Floats) -> float:
    """On-target movement per Mahalanobis length, as a share of the largest possible."""
    own = length(directions, covariance)
    if own <= 0:
        return 0.0
    seen = float(np.abs((directions @ weights * target).sum()) / (target**2).sum())
    return float(min(1.0, seen * best / own))


def _one_dimension(problem: Problem, name: str) -> Floats:
    """The movement of the columns bound to the factor, or of the one that moves most in units of its spread."""
    movement = problem.movement(name)
    columns = list(problem.binding.columns(name))
    if not columns:
        strength = (movement**2).sum(axis=0) / np.maximum(np.diag(problem.covariance), np.finfo(float).tiny)
        columns = [int(strength.argmax())]
    found = np.zeros_like(movement)
    found[:, columns] = movement[:, columns]
    return found


def _bent(problem: Problem, name: str, target: Floats) -> Signature | None:
    """The path through the means of the codes at knots, with the other factors held; None where it goes nowhere."""
    chart, reader = problem.bent_charts.get(name), problem.readers[name]
    if chart is None:
        return None
    charts = [chart if n == name else problem.charts[n] for n in problem.factors.names]
    k = problem.factors.index(name)
    found = regress(problem.codes, problem.factors, charts, problem.readers).movement[k]
    slope = float(np.polyfit(chart.knots, (found @ reader.weights)[:, 0], 1)[0])
    if slope <= 0:
        return None
    directions = found / slope
    pieces = np.diff(directions, axis=0) / np.diff(chart.knots)[:, None]
    best = length(pattern(reader.weights, target, problem.covariance), problem.covariance)
    kept = _kept(pieces.mean(axis=0, keepdims=True), reader.weights, target, best, problem.covariance)
    labels = int(problem.factors.known[:, k].sum())
    return Signature(chart, directions, reader, "piecewise", "regression", kept, (0.0, 0.0), labels=labels)
