"""Dividing units (rows, or groups that stay together) over the sides so that each side has its share of every label.

Two methods, both seeded:

* Single rows: rows are put in one line in which every combination of labels, and every prefix of it (rarest factor
  first), is contiguous and otherwise in random order; sides are then dealt along the line so that any stretch of n
  rows holds n times each side's share, rounded. A label with n rows therefore gets its share to within one row at
  the first level, and close to it at the deeper ones.
* Groups: the largest first, each to the side whose labels it serves best (a greedy form of the iterative
  stratification of Sechidis et al. 2011, section 3.2, for units of several rows).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unweave.core.factors import FactorTable

_QUANTILES = 4


def label_levels(table: FactorTable) -> NDArray[np.int64]:
    """Labels as small integers, int64 (N, K): class codes, quarters of a measurement, and 0 for a missing label.

    Columns are ordered by the size of their rarest class, then by name, so that the order of factors is no matter.
    """
    columns = [_levels(table, k) for k in range(len(table.factors))]
    rarest = [int(np.bincount(c)[np.unique(c)].min()) if len(c) else 0 for c in columns]
    order = sorted(range(len(columns)), key=lambda k: (rarest[k], table.names[k]))
    return np.stack([columns[k] for k in order], axis=1) if columns else np.zeros((len(table), 0), dtype=np.int64)


def _levels(table: FactorTable, column: int) -> NDArray[np.int64]:
    known, values = table.known[:, column], table.values[:, column]
    levels = np.zeros(len(table), dtype=np.int64)
    if table.factors[column].is_discrete:
        levels[known] = values[known].astype(np.int64) + 1
    elif known.any():
        edges = np.quantile(values[known], np.arange(1, _QUANTILES) / _QUANTILES)
        levels[known] = np.searchsorted(edges, values[known], side="right") + 1
    return levels


def deal_rows(levels: NDArray[np.int64], shares: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """The side (0, 1, 2) of each row of `levels` (N, K); `shares` (3,) sum to 1."""
    line = _line(levels, rng)
    count = len(levels)
    held_out = _dealt(count, 1 - shares[0])
    sides = np.zeros(count, dtype=np.int64)
    if held_out.any():
        tested = _dealt(int(held_out.sum()), shares[2] / (shares[1] + shares[2]))
        sides[line[held_out]] = np.where(tested, 2, 1)
    return sides


def _line(levels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """An order of the rows in which each prefix of levels is contiguous, and random apart from that."""
    prefix = np.zeros(len(levels), dtype=np.int64)
    keys = []
    for column in levels.T:
        _, prefix = np.unique(prefix * (column.max(initial=0) + 1) + column, return_inverse=True)
        keys.append(rng.permutation(prefix.max(initial=0) + 1)[prefix])
    keys.append(rng.permutation(len(levels)))
    return np.lexsort(keys[::-1])


def _dealt(count: int, share: float) -> NDArray[np.bool_]:
    """Mark positions of 0 … count - 1 so that each prefix of n holds n x share marks, rounded."""
    # The small number keeps 0.1 x 5 + 0.5 from falling below 1 by rounding.
    marks = np.floor(np.arange(count + 1) * share + 0.5 + 1e-9)
    dealt: NDArray[np.bool_] = np.diff(marks) > 0
    return dealt


def deal_groups(
    units: NDArray[np.int64], levels: NDArray[np.int64], shares: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """The side (0, 1, 2) of each unit; row i belongs to unit `units[i]` in 0 … U - 1 and has labels `levels[i]`."""
    content = _content(units, levels)
    total = content.sum(axis=0)
    lacking = shares[:, None] * total
    order = rng.permutation(len(content))
    order = order[np.argsort(-content[order, 0], kind="stable")]
    sides = np.zeros(len(content), dtype=np.int64)
    used = shares == 0
    for position, unit in enumerate(order):
        need = (lacking * (content[unit] / total)).sum(axis=1)
        need[shares == 0] = -np.inf
        if len(order) - position <= (~used).sum():
            need[used] = -np.inf
        side = int(need.argmax())
        lacking[side] -= content[unit]
        used[side] = True
        sides[unit] = side
    return sides


def _content(units: NDArray[np.int64], levels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rows per unit (first column) and rows of each label value per unit, float64 (U, 1 + values)."""
    count = int(units.max()) + 1
    blocks = [np.bincount(units, minlength=count)[:, None]]
    for column in levels.T:
        values, codes = np.unique(column, return_inverse=True)
        cells = np.bincount(units * len(values) + codes, minlength=count * len(values))
        blocks.append(cells.reshape(count, len(values)))
    return np.concatenate(blocks, axis=1).astype(np.float64)
