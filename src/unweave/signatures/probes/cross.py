"""Nested cross-validation: penalties are chosen without the rows that score them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from unweave.signatures.probes.folds import Folds
from unweave.signatures.probes.learner import EXACT, Learner, Maps
from unweave.signatures.probes.task import Task

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Held:
    """What models say of rows that they did not see.

    Attributes:
        outputs: (N, m).
        penalties: the one chosen for each fold, (K,).
        chosen: the one that all folds together choose.
    """

    outputs: Floats
    penalties: tuple[float, ...]
    chosen: float


@dataclass(frozen=True)
class Single:
    """Models of all penalties with each fold held out.

    Attributes:
        maps: by fold, of T sets of labels and P penalties.
        losses: (K, T, P) on the fold held out.
    """

    maps: tuple[Maps, ...]
    losses: Floats


def single(task: Task, learner: Learner, folds: Folds, x: Floats, labels: Floats, penalties: Floats) -> Single:
    """Hold out each fold once; labels (T, N)."""
    maps = tuple(_path(task, learner, folds.train(k), x, labels, penalties) for k in range(folds.count))
    rows = [folds.test(k, learnt=True) for k in range(folds.count)]
    losses = [_losses(task, learner, maps[k], rows[k], x, labels) for k in range(folds.count)]
    return Single(maps, np.stack(losses))


def nested(task: Task, learner: Learner, folds: Folds, x: Floats) -> Held:
    """Score each fold by a model whose penalty the other folds chose.

    The models that choose for fold i are those without i and j, tested on j; the model without i and j also serves the
    choice for j, tested on i. So K (K - 1) / 2 paths do the work of K (K - 1).
    """
    labels, penalties = task.labels[None], _penalties(learner, folds)
    once = single(task, learner, folds, x, labels, penalties)
    inner = np.zeros((folds.count, len(penalties)))
    if folds.count > 2:
        for i, j in combinations(range(folds.count), 2):
            maps = _path(task, learner, folds.train(i, j), x, labels, penalties)
            for outer, tested in ((i, j), (j, i)):
                inner[outer] += _losses(task, learner, maps, folds.test(tested, learnt=True), x, labels)[0]
    picks = inner.argmin(axis=1)
    outputs = _outputs(once, folds, x, picks[None])
    chosen = float(penalties[once.losses.sum(axis=0)[0].argmin()])
    return Held(outputs[0], tuple(float(penalties[p]) for p in picks), chosen)


def shuffled(task: Task, learner: Learner, folds: Folds, x: Floats, labels: Floats) -> Floats:
    """Outputs (T, N, m) for sets of labels (T, N) that say nothing, by models without each fold.

    Each set chooses its penalty by the folds that then score it: a little too well for labels that say nothing, never
    the other way, and at a third of the cost of nesting.
    """
    penalties = _penalties(learner, folds)
    once = single(task, learner, folds, x, labels, penalties)
    picks = once.losses.sum(axis=0).argmin(axis=1)
    return _outputs(once, folds, x, np.repeat(picks[:, None], folds.count, axis=1))


def choose(task: Task, learner: Learner, folds: Folds) -> float:
    """The penalty with the least loss on held-out folds."""
    penalties = _penalties(learner, folds)
    if len(penalties) == 1:
        return float(penalties[0])
    once = single(task, learner, folds, task.x, task.labels[None], penalties)
    return float(penalties[once.losses.sum(axis=0)[0].argmin()])


def final(task: Task, learner: Learner, penalty: float, rows: NDArray[np.int64] | None = None) -> tuple[Floats, Floats]:
    """Weights (D, m) and offset (m,) on standardised codes of a model of all rows, or of some."""
    rows = np.arange(len(task)) if rows is None else rows
    # From stronger penalties on, as every path: a start close by.
    stronger = learner.penalties[learner.penalties > penalty][-2:]
    path = np.append(stronger, penalty)
    maps = learner.path(task.x[rows], task.labels[None, rows], task.weights[rows], path, tolerance=EXACT)
    return maps.weights[0, -1], maps.offsets[0, -1]


def _penalties(learner: Learner, folds: Folds) -> Floats:
    """Two folds leave none to choose on."""
    return learner.penalties if folds.count > 2 else np.array([learner.default])


def _path(task: Task, learner: Learner, rows: NDArray[np.int64], x: Floats, labels: Floats, penalties: Floats) -> Maps:
    return learner.path(x[rows], labels[:, rows], task.weights[rows], penalties)


def _losses(task: Task, learner: Learner, maps: Maps, rows: NDArray[np.int64], x: Floats, labels: Floats) -> Floats:
    return learner.losses(maps(x[rows]), labels[:, rows], task.weights[rows])


def _outputs(once: Single, folds: Folds, x: Floats, picks: NDArray[np.int64]) -> Floats:
    """Outputs (T, N, m) of every fold by the model without it, with penalties `picks` (T, K)."""
    sets, _, _, width = once.maps[0].weights.shape
    outputs = np.empty((sets, len(x), width))
    for k, maps in enumerate(once.maps):
        rows, each = folds.test(k), np.arange(sets)
        chosen = Maps(maps.weights[each, picks[:, k], None], maps.offsets[each, picks[:, k], None])
        outputs[:, rows] = chosen(x[rows])[:, 0]
    return outputs
