"""Which rows are held out together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import DataError
from unweave.core.seeds import generator
from unweave.data.stratify import deal_groups, label_levels
from unweave.signatures.probes.task import FEWEST, Task

Rows = NDArray[np.int64]

FOLDS = 5


@dataclass(frozen=True)
class Folds:
    """A division of the rows into folds; a group lies in one.

    Attributes:
        number: fold of each row, int64 (N,).
        learnt: rows that are learnt from, bool (N,): all, or an even part of each fold.
        count: number of folds.
    """

    number: Rows
    learnt: NDArray[np.bool_]
    count: int

    def train(self, *held: int) -> Rows:
        """Rows to learn from when some folds are held out."""
        return np.flatnonzero(self.learnt & ~np.isin(self.number, held))

    def test(self, fold: int, *, learnt: bool = False) -> Rows:
        """Rows of a fold; of those that may be learnt from, if asked."""
        return np.flatnonzero((self.number == fold) & (self.learnt | (not learnt)))


def make_folds(task: Task, most: int, seed: int) -> Folds:
    """At most `FOLDS` folds with even shares of every label, as few as 2 where there are few groups or rows.

    Args:
        task: rows, labels and groups.
        most: rows that a model learns from at most when one fold is held out.
        seed: of the division.

    Raises:
        DataError: groups leave nothing to compare; see `check_groups`.
    """
    check_groups(task)
    rng = generator(seed, "folds", task.name)
    levels = label_levels(task.problem().factors)
    units = task.units
    count = int(np.clip(len(task) // 2 if task.groups is None else task.groups, 2, FOLDS))
    line = np.lexsort((rng.permutation(len(task)), levels[:, 0]))
    if units is None:
        number = np.empty(len(task), dtype=np.int64)
        number[line] = np.arange(len(task)) % count
    else:
        number = deal_groups(units, levels, np.full(count, 1 / count), rng)[units]
    learnt = np.zeros(len(task), dtype=bool)
    share = min(1.0, most * count / (count - 1) / len(task))
    for fold in range(count):
        rows = line[number[line] == fold]
        kept = max(1, round(share * len(rows)))
        learnt[rows[np.arange(kept) * len(rows) // kept]] = True
    return Folds(number, learnt, count)


def check_groups(task: Task) -> None:
    """Refuse groups that cannot be told from the factor.

    Raises:
        DataError: there is one group, or the label is constant within every group and too few groups share one.
    """
    if task.units is None or task.groups is None:
        return
    if task.groups < 2:
        raise DataError(
            f"factor {task.name!r}: all {len(task)} labelled rows belong to one group, so no group can be held out. "
            "Label rows of other groups, or pass no groups and accept that the probe may read the group."
        )
    if not task.fixed:
        return
    first = np.unique(task.units, return_index=True)[1]
    values, sharing = np.unique(task.labels[first], return_counts=True)
    discrete = task.target.factor.is_discrete
    if (sharing >= 2).sum() >= 2 if discrete else len(values) >= FEWEST:
        return
    need = "two classes with two groups each" if discrete else f"{FEWEST} groups with different labels"
    raise DataError(
        f"factor {task.name!r} is constant within every one of its {task.groups} groups, and there are not {need}: "
        "when groups are held out, a probe that knows the factor cannot be told from one that knows the groups. "
        "Label rows of more groups, or pass no groups and accept that the probe may read the group."
    )
