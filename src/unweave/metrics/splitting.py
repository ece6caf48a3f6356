"""Which rows a learner is fitted on and which test it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unweave.core import ConfigError

Rows = NDArray[np.int64]


def stratified_halves(labels: NDArray[np.int64], random: np.random.Generator) -> tuple[Rows, Rows]:
    """Two random halves of the rows that hold every class in equal numbers, to within one row: (fit, test).

    A class with one row goes to the half that is fitted.
    """
    order = random.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    starts = np.searchsorted(labels[order], labels[order])
    fit = (np.arange(len(labels)) - starts) % 2 == 0
    return np.sort(order[fit]), np.sort(order[~fit])


def train_test(rows: int, train_rows: int | None, most: int | None, random: np.random.Generator) -> tuple[Rows, Rows]:
    """Split rows 0..rows-1: the first `train_rows` and the rest as they stand, or two thirds and a third at random.

    With more than `most` rows, both parts are thinned at random in proportion.

    Raises:
        ConfigError: `train_rows` leaves one part empty, or `most` is below 2.
    """
    if most is not None and most < 2:
        raise ConfigError(f"max_rows: expected at least 2, got {most}.")
    if train_rows is not None and not 0 < train_rows < rows:
        raise ConfigError(f"train_rows: expected 1 to {rows - 1} of the {rows} rows, got {train_rows}.")
    order = np.arange(rows) if train_rows is not None else random.permutation(rows)
    cut = train_rows if train_rows is not None else max(1, round(rows * 2 / 3))
    train, test = order[:cut], order[cut:]
    if most is not None and rows > most:
        size = min(max(round(most * cut / rows), 1), most - 1)
        train, test = random.permutation(train)[:size], random.permutation(test)[: most - size]
    return np.sort(train), np.sort(test)
