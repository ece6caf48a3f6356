"""Whether codes follow an angle along a path that bends, with how many knots, and where it is cut."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.targets import Target
from unweave.signatures.chart import TURN, Chart
from unweave.signatures.place import PlaceReader
from unweave.signatures.probes.cross import hold_out
from unweave.signatures.probes.folds import Folds, make_folds
from unweave.signatures.probes.task import make_task

Floats = NDArray[np.float64]

KNOTS = (4, 6, 8, 10, 12, 16)
"""Numbers of knots that are tried."""

_LEAST_ROWS = 8.0
"""Rows that a knot has to itself at least, as the sum of its weights."""

_MOST_ROWS = 2000
"""Rows that the choice looks at; more would hardly change it."""

_CUTS = 9
"""Places on the longest piece of a closed path where a cut is tried."""

_SURE = 2.0
"""Standard errors by which a path that bends has to read better than a circle."""


def loop_chart(
    codes: Floats, target: Target, labels: Floats, *, penalty: float, groups: NDArray[Any] | None = None
) -> Chart | None:
    """The coordinates of the bent path that tells an angle best, or None where a circle does as well.

    Closed paths and paths with a cut, of different numbers of knots, read rows that took no part in finding them; the
    score is the mean cosine of the error. Of those within a standard error of the best, the one with the fewest knots
    is taken, closed before cut (Breiman et al. 1984, section 3.4.3), if it beats the linear probe, which sees a circle.

    Args:
        codes: (N, D), with labels (N,).
        target: a circular factor.
        labels: in its units.
        penalty: of the linear probe.
        groups: (N,), rows of which are held out together.
    """
    some = np.unique(np.linspace(0, len(codes) - 1, _MOST_ROWS).astype(np.int64))
    codes, labels, groups = codes[some], labels[some], None if groups is None else groups[some]
    forms = [
        (count, torn)
        for count in KNOTS
        for torn in (False, True)
        if _chart(codes, target, labels, count, torn).of(labels).sum(axis=0).min() >= _LEAST_ROWS
    ]
    task = make_task(codes, target, labels, groups=groups)
    learner = task.learner()
    folds = make_folds(task, learner.most, 0)
    truth = Chart(target).of(labels)
    right = {form: _right(_read(codes, target, labels, *form, folds), truth) for form in forms}
    if not right:
        return None
    best = max(right, key=lambda form: right[form].mean())
    found = next(form for form in forms if _gain(right[best], right[form]) <= 1)
    circle = _right(hold_out(task, learner, folds, penalty), truth)
    return _chart(codes, target, labels, *found) if _gain(right[found], circle) > _SURE else None


def _right(outputs: Floats, truth: Floats) -> Floats:
    """Cosine (N,) of the angle between points (N, 2) and what they should be."""
    length = np.maximum(np.hypot(outputs[:, 0], outputs[:, 1]), np.finfo(float).tiny)
    return np.asarray((outputs * truth).sum(axis=1) / length)


def _gain(ours: Floats, theirs: Floats) -> float:
    """By how many standard errors one reading is right more than another, row by row."""
    apart = ours - theirs
    error = float(apart.std()) / np.sqrt(len(apart))
    return float(apart.mean()) / error if error > 0 else 0.0


def _read(codes: Floats, target: Target, labels: Floats, count: int, torn: bool, folds: Folds) -> Floats:
    """Points (N, 2) that paths from the other folds read."""
    found = np.zeros((len(codes), 2))
    for fold in range(folds.count):
        rows, held = folds.train(fold), folds.test(fold)
        chart = _chart(codes[rows], target, labels[rows], count, torn)
        found[held] = _path(codes[rows], chart, labels[rows])(codes[held])
    return found


def _chart(codes: Floats, target: Target, labels: Floats, count: int, torn: bool) -> Chart:
    """Equal pieces of a closed path, or of one with a cut on the longest of them, where it leaves least to explain."""
    closed = Chart(target, tuple((np.arange(count) * TURN / count).tolist()))
    if not torn:
        return closed
    path = _path(codes, closed, labels)
    steps = np.roll(path.corners, -1, axis=0) - path.corners
    longest = int(np.einsum("kd,de,ke->k", steps, path.metric, steps).argmax())
    shares = (np.arange(_CUTS) + 0.5) / _CUTS
    shares = shares[np.argsort(np.abs(shares - 0.5), kind="stable")]  # the middle, unless another is better
    cuts = (longest + shares) * TURN / count
    charts = [Chart(target, tuple((c + (np.arange(count) + 0.5) * TURN / count).tolist()), float(c)) for c in cuts]
    rest = np.array([_unexplained(codes, chart, labels, path.metric) for chart in charts])
    return charts[int((rest <= 1.01 * rest.min()).argmax())]


def _unexplained(codes: Floats, chart: Chart, labels: Floats, metric: Floats) -> float:
    off = codes - chart.of(labels) @ _corners(codes, chart, labels)
    return float(np.einsum("nd,de,ne->", off, metric, off, optimize=True))


def _corners(codes: Floats, chart: Chart, labels: Floats) -> Floats:
    return np.asarray(np.linalg.lstsq(chart.of(labels), codes, rcond=None)[0])


def _path(codes: Floats, chart: Chart, labels: Floats) -> PlaceReader:
    """The path through the means of the codes."""
    return PlaceReader.along(chart, _corners(codes, chart, labels), codes, labels)
