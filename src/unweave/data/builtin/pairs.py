"""Pairs from a built-in set: the partner of an image is drawn on demand, with a few factors changed."""

from __future__ import annotations

import hashlib
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import DataError
from unweave.data.builtin.base import GeneratedSet, Index
from unweave.data.builtin.sampling import LeaveOut, cell_odds

_TRIES = 1000


class DrawnPartners:
    """Partners that differ from their row in the classes of a few factors, picked at random for each pair.

    A partner is drawn from the same distribution as the rows (a changed factor that is correlated with another stays
    so, combinations left out never occur), and never shows a held-out picture.

    Args:
        generated: draws the pictures.
        index: cells (N, K) of all N rows.
        held_out: rows whose pictures may not be shown.
        change: how many factors change, or `random` for 1 to all but one of them, each number as often.
        correlate, leave_out, holes: as in `sampling.draw`.

    Raises:
        DataError: more factors should change than the set has.
    """

    def __init__(
        self,
        generated: GeneratedSet,
        index: Index,
        held_out: NDArray[np.int64],
        *,
        change: int | Literal["random"] = 1,
        correlate: tuple[int, int, float] | None = None,
        leave_out: LeaveOut | None = None,
        holes: Index | None = None,
    ) -> None:
        factors = len(generated.factors)
        if change != "random" and change > factors:
            raise DataError(
                f"data.pairs.change: builtin:{generated.name} has {factors} factors, {change} cannot change."
            )
        self._generated, self._index, self._change = generated, index, change
        self._correlate, self._leave_out, self._holes = correlate, leave_out, holes
        # Cells may look the same without being the same: an angle of 0 and of a full turn have the same label.
        self._hidden = np.unique(_pictures(generated, index[held_out]))

    @property
    def digest(self) -> bytes:
        """Of the cells, the held-out pictures, and how partners differ."""
        state = hashlib.blake2b(f"{self._change} {self._correlate} {self._leave_out}".encode(), digest_size=16)
        for array in (self._index, self._hidden):
            state.update(np.ascontiguousarray(array).tobytes())
        return state.digest()

    def cells(self, rows: NDArray[np.int64], rng: np.random.Generator) -> Index:
        """The cell of a partner of each row, int64 (n, K)."""
        own, factors = self._index[rows], len(self._generated.factors)
        most = max(1, factors - 1)
        count = rng.integers(1, most + 1, len(rows)) if self._change == "random" else np.full(len(rows), self._change)
        # The factors of lowest rank in a random order change; axes without a name stay.
        changed = rng.random((len(rows), factors)).argsort(1).argsort(1) < count[:, None]
        found, waiting = own.copy(), np.arange(len(rows))
        for _ in range(_TRIES):
            tried = own[waiting]
            for axis in range(factors):
                # Another class than its own: a shift by 1 to size - 1.
                shift = rng.integers(1, max(2, self._generated.sizes[axis]), len(waiting))
                moved = (tried[:, axis] + shift) % self._generated.sizes[axis]
                tried[:, axis] = np.where(changed[waiting, axis], moved, tried[:, axis])
            accepted = self._accepted(tried, rng)
            found[waiting[accepted]] = tried[accepted]
            waiting = waiting[~accepted]
            if len(waiting) == 0:
                break
        return found

    def draw(self, rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.uint8]:
        """The pictures of partners, uint8 (n, H, W, C); one that cannot be found in 1,000 tries is the row's own."""
        return self._generated.render(self.cells(rows, rng))

    def _accepted(self, cells: Index, rng: np.random.Generator) -> NDArray[np.bool_]:
        odds = cell_odds(
            cells, self._generated.sizes, correlate=self._correlate, leave_out=self._leave_out, holes=self._holes
        )
        shown = np.isin(_pictures(self._generated, cells), self._hidden)
        accepted: NDArray[np.bool_] = (rng.random(len(cells)) < odds) & ~shown
        return accepted


def _pictures(generated: GeneratedSet, cells: Index) -> NDArray[np.int64]:
    """A number per cell, the same for cells with the same labels (and the same class of axes without a name)."""
    labels = generated.labels(cells)
    unnamed = cells[:, len(generated.factors) :]
    rows = np.ascontiguousarray(np.concatenate([labels, unnamed], 1))
    return np.array(
        [int.from_bytes(hashlib.blake2b(row.tobytes(), digest_size=7).digest(), "big") for row in rows],
        dtype=np.int64,
    )
