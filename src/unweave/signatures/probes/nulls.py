"""Labels that say nothing about the codes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unweave.signatures.probes.task import Task


def shuffled_labels(task: Task, count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Labels (count, N) given to other rows.

    Where there are groups, groups trade their labels as a whole, shuffled inside: what is alike within a group stays
    alike, so that a label that is constant within groups is permuted over groups. A group that is larger than the one
    whose labels it gets repeats them evenly; a smaller one takes a random part.
    """
    if task.units is None:
        return np.stack([task.labels[random.permutation(len(task))] for _ in range(count)])
    order = np.argsort(task.units, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(task.units))[:-1])
    found = np.empty((count, len(task)))
    for row in found:
        for own, giver in zip(members, random.permutation(len(members)), strict=True):
            given = np.resize(random.permutation(task.labels[members[giver]]), len(own))
            row[own] = random.permutation(given)
    return found
