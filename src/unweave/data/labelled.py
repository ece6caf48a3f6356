"""Which labelled rows take part in training, and which of them make up a step: pure functions of seed and step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import DataError
from unweave.core.factors import FactorTable
from unweave.core.seeds import generator
from unweave.data.stratify import deal_rows, label_levels


def choose_labelled(table: FactorTable, rows: NDArray[np.int64], count: int | None, seed: int) -> NDArray[np.int64]:
    """Rows among `rows` that have at least one label: all of them, or `count` of them spread evenly over the labels.

    Args:
        table: labels of all rows, of the factors that matter.
        rows: those that may be chosen, such as the training rows.
        count: at most so many; None takes all.
        seed: of the choice.

    Returns:
        int64 (n,), sorted.

    Raises:
        DataError: none of the rows has a label.
    """
    labelled = rows[table.known[rows].any(1)]
    if len(labelled) == 0:
        wanted = ", ".join(table.names) or "none"
        raise DataError(f"no training row has a label of any factor asked for ({wanted}). Label some rows.")
    if count is None or count >= len(labelled):
        return np.sort(labelled)
    share = count / len(labelled)
    sides = deal_rows(
        label_levels(table.take(labelled)), np.array([1 - share, 0, share]), generator(seed, "labelled rows")
    )
    return np.sort(labelled[sides == 2])


@dataclass(frozen=True)
class LabelledRows:
    """Training rows whose labels are used.

    Attributes:
        rows: which rows of the data, int64 (P,).
        values: numbers made of their labels by `Target.normalise`, float32 (P, K); 0 where a label is missing.
        known: bool (P, K), False where a label is missing.
        weights: how much each row counts, float32 (P,), of mean 1.
    """

    rows: NDArray[np.int64]
    values: NDArray[np.float32]
    known: NDArray[np.bool_]
    weights: NDArray[np.float32]
