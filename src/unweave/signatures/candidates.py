"""The forms that a signature's directions can take."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unweave.signatures.chart import Chart
from unweave.signatures.directions import calibrated, isolated, length, pattern, plain
from unweave.signatures.problem import Problem
from unweave.signatures.reader import Reader
from unweave.signatures.signature import Candidate, Path, Signature

Floats = NDArray[np.float64]


def candidates(problem: Problem, name: str) -> dict[str, Signature]:
    """Signatures of one factor that differ in their directions, by form, the most usual first.

    * `isolated`: the least movement that the factor's probe sees whole and no other reliable probe sees at all.
    * `regression`: how codes move with the factor's labels while all other labels stay.
    * `pattern`: how codes vary with what the probe reads, other factors included.
    * `plain`: along the probe's weights, as boundaries of attributes are commonly used (Shen et al. 2020).
    * `dimension`: the factor's own columns, or the one column that moves most with it. Where the model has a column for
      each class, these alone read it too: they are the log-odds that the decoder goes by, and other columns, by which a
      probe of few labels reads as well, would end an edit before or after the decoder's own border.
    * `piecewise`: as `regression`, with a path that bends at knots; for measurements and levels with enough labels.
    * `loop`: the same for an angle, where a closed path that bends, or one with a cut, reads held-out rows better than
      a circle does; see `signatures.loops`.
    """
    reader, chart = problem.readers[name], problem.charts[name]
    codes, labels = problem.known(name)
    target = _target(chart, reader, codes, labels)
    weights = reader.weights
    others = [problem.readers[n].weights for n in problem.reliable if n != name]
    own = _own_reader(problem, name, labels) or reader
    forms: dict[Candidate, Floats] = {
        "isolated": isolated(weights, target, others, problem.covariance),
        "regression": calibrated(problem.movement(name), weights, target),
        "pattern": pattern(weights, target, problem.covariance),
        "plain": plain(weights, target),
        "dimension": calibrated(_one_dimension(problem, name), own.weights, _target(chart, own, codes, labels)),
    }
    best = length(forms["pattern"], problem.covariance)
    classes = tuple(np.unique(labels).astype(int).tolist()) if reader.target.factor.kind == "categorical" else ()
    path: Path = {"categorical": "classes", "circular": "rotation"}.get(reader.target.factor.kind, "line")  # type: ignore[assignment]
    found = {}
    for form, directions in forms.items():
        if np.any(directions):
            kept = _kept(directions, weights, target, best, problem.covariance)
            by = own if form == "dimension" else reader
            found[str(form)] = Signature(
                chart, directions, by, path, form, kept, (0.0, 0.0), labels=len(labels), classes=classes
            )
    bent = (_loop if path == "rotation" else _bent)(problem, name, target)
    return found | ({bent.path: bent} if bent is not None else {})


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


def _own_reader(problem: Problem, name: str, labels: Floats) -> Reader | None:
    """Reads a class off the columns that the model has for each, those with labels; None where it has none."""
    target, columns = problem.readers[name].target, list(problem.binding.columns(name))
    if target.factor.kind != "categorical" or len(columns) < 2:
        return None
    weights = np.zeros((problem.codes.shape[1], len(columns)))
    weights[columns, range(len(columns))] = 1
    return Reader(target, weights, np.where(np.isin(np.arange(len(columns)), labels), 0.0, -np.inf))


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
    found = problem.movement(name, {name: chart})
    slope = float(np.polyfit(chart.knots, (found @ reader.weights)[:, 0], 1)[0])
    if slope <= 0:
        return None
    directions = found / slope
    pieces = np.diff(directions, axis=0) / np.diff(chart.knots)[:, None]
    best = length(pattern(reader.weights, target, problem.covariance), problem.covariance)
    kept = _kept(pieces.mean(axis=0, keepdims=True), reader.weights, target, best, problem.covariance)
    labels = len(problem.known(name)[1])
    return Signature(chart, directions, reader, "piecewise", "regression", kept, (0.0, 0.0), labels=labels)


def _loop(problem: Problem, name: str, target: Floats) -> Signature | None:
    """The path of an angle through the means of the codes at knots, with the other factors held."""
    if name not in problem.loops:
        return None
    reader, weights = problem.place(name), problem.readers[name].weights
    knots = np.array(reader.chart.knots)
    # What is kept is told of the circle that is nearest to the path: its first harmonic.
    circle = np.stack([np.cos(knots), np.sin(knots)]) @ reader.corners * (2 / len(knots))
    best = length(pattern(weights, target, problem.covariance), problem.covariance)
    kept = _kept(circle, weights, target, best, problem.covariance)
    labels = len(problem.known(name)[1])
    directions = reader.corners - reader.corners.mean(axis=0)
    return Signature(reader.chart, directions, reader, "loop", "regression", kept, (0.0, 0.0), labels=labels)
