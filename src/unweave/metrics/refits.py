"""Boosted trees that learn every factor from the codes, again and again on changed data."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from unweave.metrics.binning import classes
from unweave.metrics.inputs import Mode, Problem
from unweave.metrics.robust_codes import standard_codes
from unweave.metrics.splitting import Rows

Floats = NDArray[np.float64]

Result = TypeVar("Result")


@dataclass(frozen=True)
class Task:
    """Codes and classes of the rows that are learnt from and tested on.

    Attributes:
        codes: codes that take part, float64 (n, d).
        labels: classes of the factors that take part, int64 (n, k); -1 where the label is missing.
        train: which rows are learnt from, bool (n,); the others test.
        live: indices of the d codes in the problem.
        used: indices of the k factors in the problem.
    """

    codes: Floats
    labels: NDArray[np.int64]
    train: NDArray[np.bool_]
    live: NDArray[np.int64]
    used: NDArray[np.int64]

    @classmethod
    def of(cls, problem: Problem, mode: Mode, train: Rows, test: Rows) -> Self:
        """The task of a split without factors that cannot be learnt; in robust mode without dead codes and outliers."""
        rows = np.concatenate([train, test])
        learns = np.arange(len(rows)) < len(train)
        part = problem.take(rows)
        if mode == "robust":
            codes, live = standard_codes(part)
        else:
            codes, live = part.codes.astype(np.float64), np.arange(part.codes.shape[1])
        columns = [_labels(part, column, mode) for column in range(len(part.factors.factors))]
        used = [k for k, labels in enumerate(columns) if len(np.unique(labels[learns & (labels >= 0)])) > 1]
        used = [k for k in used if (columns[k][~learns] >= 0).any()]
        chosen = [columns[k] for k in used]
        labels = np.stack(chosen, axis=1) if chosen else np.zeros((len(rows), 0), dtype=np.int64)
        return cls(codes, labels, learns, live, np.array(used, dtype=np.int64))

    def halves(self, random: np.random.Generator) -> tuple[Self, Self]:
        """Two tasks that share no row, each with half of the rows that are learnt from and half of those that test."""
        first = np.zeros(len(self.train), dtype=bool)
        for rows in (np.flatnonzero(self.train), np.flatnonzero(~self.train)):
            first[random.permutation(rows)[: len(rows) // 2]] = True
        return self.without(~first), self.without(first)

    def without(self, rows: NDArray[np.bool_]) -> Self:
        """The same task with some rows (n,) left out."""
        return replace(self, codes=self.codes[~rows], labels=self.labels[~rows], train=self.train[~rows])

    def shuffled(self, random: np.random.Generator) -> Self:
        """The same task with random codes: the same codes, given to other rows."""
        return replace(self, codes=self.codes[random.permutation(len(self.codes))])


def _labels(problem: Problem, column: int, mode: Mode) -> NDArray[np.int64]:
    """Classes of one factor, -1 where the label is missing or the factor has no classes in this mode."""
    labels, known = np.full(len(problem.codes), -1), problem.factors.known[:, column]
    found = classes(problem.factors.factors[column], problem.factors.values[known, column], mode)
    labels[known] = -1 if found is None else found
    return labels


@dataclass(frozen=True)
class Fit:
    """What trees learnt.

    Attributes:
        importances: importance of each code for each factor, (d, k); columns sum to 1, or are 0.
        accuracy: share of right answers on the test rows, (k,).
        train_accuracy: the same on the rows that were learnt from, (k,).
    """

    importances: Floats
    accuracy: Floats
    train_accuracy: Floats


def fit_all(tasks: Sequence[Task], seed: int, workers: int | None) -> list[Fit]:
    """Fit every task, its factors side by side in threads; None takes one thread per usable core."""
    found, fits = [], each_factor(tasks, lambda task, factor: _fit(task, factor, seed), workers)
    for task, columns in zip(tasks, fits, strict=True):
        importances = np.stack([c[0] for c in columns], axis=1) if columns else np.zeros((task.codes.shape[1], 0))
        found.append(Fit(importances, *(np.array([c[part] for c in columns]) for part in (1, 2))))
    return found


def each_factor(tasks: Sequence[Task], learn: Callable[[Task, int], Result], workers: int | None) -> list[list[Result]]:
    """What `learn(task, factor)` gives, by task and by factor; None takes one thread per usable core."""
    cells = [(task, factor) for task in tasks for factor in range(task.labels.shape[1])]
    with ThreadPoolExecutor(workers or _usable_cores()) as pool:
        found = iter(list(pool.map(lambda cell: learn(*cell), cells)))
    return [[next(found) for _ in range(task.labels.shape[1])] for task in tasks]


def _usable_cores() -> int:
    """Cores that this process may use, where the system can tell."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _fit(task: Task, factor: int, seed: int) -> tuple[Floats, float, float]:
    """Importances (d,), test accuracy and train accuracy of one factor."""
    from unweave.metrics.boosting import fit_boosted_trees  # Numba takes half a second to import

    labels = task.labels[:, factor]
    train, test = task.train & (labels >= 0), ~task.train & (labels >= 0)
    if not train.any():
        return np.zeros(task.codes.shape[1]), 0.0, 0.0
    trees = fit_boosted_trees(task.codes[train], labels[train], n_classes=int(labels.max()) + 1, seed=seed)
    right = trees.predict(task.codes[test]) == labels[test]
    fitted = float(np.mean(trees.fitted == labels[train]))
    return trees.importances, float(right.mean()) if len(right) else 0.0, fitted
