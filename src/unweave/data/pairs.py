"""Pairs of observations that share all but a few unknown factors: what may stand beside a training row."""

from __future__ import annotations

import difflib
import hashlib
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import DataError
from unweave.core.model import Observations
from unweave.data.columns import Cells
from unweave.data.config import PairsConfig
from unweave.data.store import ImageStore


class Partners(Protocol):
    """A second observation for every training row."""

    @property
    def digest(self) -> bytes:
        """Changes with everything that decides what may be drawn."""

    def draw(self, rows: NDArray[np.int64], rng: np.random.Generator) -> Observations:
        """A partner of each of some training rows, drawn from `rng` alone: observations (n, …)."""
        ...


class RowPartners:
    """Partners among the training rows: of the same group, or next to each other in an order within the group.

    A row without any is its own partner, from which a method that compares the two learns nothing.

    Args:
        observations: of all N rows.
        train: rows that may be drawn; no other ever is.
        groups: group of each row, int64 (N,); -1 is a row without one.
        order: a number by which the rows of a group are ordered, (N,), NaN where there is none; None takes any other
            row of the group.

    Raises:
        DataError: no training row has a partner.
    """

    def __init__(
        self,
        observations: Observations,
        train: NDArray[np.int64],
        groups: NDArray[np.int64],
        order: NDArray[np.float64] | None = None,
    ) -> None:
        self._observations, self._consecutive = observations, order is not None
        usable = groups[train] >= 0 if order is None else (groups[train] >= 0) & np.isfinite(order[train])
        rows = train[usable]
        self._line = rows[np.lexsort((rows if order is None else order[rows], groups[rows]))]
        _, start, inverse, size = np.unique(
            groups[self._line], return_index=True, return_inverse=True, return_counts=True
        )
        if size.max(initial=0) < 2:
            raise DataError(
                "data.pairs: no training row has a partner: each is alone in its group. Name a column in `by` whose "
                "values come more than once, or give the training rows a larger share."
            )
        # Place in the line, and the stretch of the line that holds the group; a row that is not there is alone.
        self._place = np.full(len(groups), -1)
        self._place[self._line] = np.arange(len(self._line))
        self._start, self._size = start[inverse], size[inverse]

    @property
    def digest(self) -> bytes:
        """Of the groups and the order within them."""
        state = hashlib.blake2b(str(self._consecutive).encode(), digest_size=16)
        for array in (self._line, self._start):
            state.update(np.ascontiguousarray(array).tobytes())
        return state.digest()

    def rows(self, rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """A partner of each row, as a row of the data, int64 (n,)."""
        chance = rng.random(len(rows))  # one draw a row, so that what one row is does not move the others
        place = self._place[rows]
        start, size = self._start[place], self._size[place]
        if self._consecutive:
            behind = place - start
            step = np.where((chance < 0.5) & (behind > 0) | (behind == size - 1), -1, 1)
            found = np.where(size > 1, place + step, place)
        else:
            others = np.maximum(size - 1, 1)
            found = start + (place - start + 1 + np.minimum((chance * others).astype(np.int64), others - 1)) % size
        partners: NDArray[np.int64] = np.where(place >= 0, self._line[found], rows)
        return partners

    def draw(self, rows: NDArray[np.int64], rng: np.random.Generator) -> Observations:
        """The observations of partners."""
        return self._observations[self.rows(rows, rng)]


def row_partners(config: PairsConfig, store: ImageStore, train: NDArray[np.int64]) -> RowPartners:
    """Partners as the `data.pairs` section describes them by label columns.

    Raises:
        DataError: there is no such column, `order` is no number, or nothing pairs.
    """
    groups = np.zeros(len(store), dtype=np.int64)
    if config.by is not None:
        groups = _cells(store, config.by, "by").codes
    order = None
    if config.order is not None:
        cells = _cells(store, config.order, "order")
        numbers = cells.numbers()
        for text, value in zip(cells.texts, numbers, strict=True):
            if not np.isfinite(value):
                raise DataError(f"data.pairs.order: expected numbers in the column {config.order!r}, got {text!r}.")
        order = np.append(numbers, np.nan)[cells.codes]
    return RowPartners(store.observations, train, groups, order)


def _cells(store: ImageStore, column: str, key: str) -> Cells:
    names = store.columns.column_names
    if column not in names:
        near = difflib.get_close_matches(column, names, n=1)
        raise DataError(
            f"data.pairs.{key}: there is no label column {column!r}. The columns are: {', '.join(names) or 'none'}."
            + (f" Did you mean {near[0]!r}?" if near else "")
        )
    return Cells.of(store.columns, column).known()
