"""Which rows make up the batch of a step: a pure function of (seed, step)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import DataError
from unweave.core.seeds import generator


class BatchOrder:
    """Batches without replacement, epoch after epoch; a batch may span the end of an epoch.

    The rows of all batches in a line are one permutation of `rows` per epoch, so every row comes exactly once in
    an epoch whatever the batch size, and a resumed run sees what an uninterrupted one would have seen.
    """

    def __init__(self, rows: NDArray[np.int64], batch: int, seed: int) -> None:
        if len(rows) == 0:
            raise DataError("there are no rows to draw batches from. Give the split a larger share of the data.")
        if batch < 1:
            raise DataError(f"a batch needs at least one row, got {batch}.")
        self.rows, self.batch, self.seed = np.asarray(rows, dtype=np.int64), batch, seed
        self._epoch = -1
        self._order = self.rows

    def indices(self, step: int) -> NDArray[np.int64]:
        """Rows of the batch of `step` (0, 1, …), int64 (batch,). Costs a few µs but at the start of an epoch."""
        epoch, start = divmod(step * self.batch, len(self.rows))
        stop = start + self.batch
        if stop <= len(self.rows):
            return self._permuted(epoch)[start:stop].copy()
        parts = []
        while stop > 0:
            part = self._permuted(epoch)[start:stop]
            parts.append(part)
            epoch, start, stop = epoch + 1, 0, stop - len(self.rows)
        return np.concatenate(parts)

    def _permuted(self, epoch: int) -> NDArray[np.int64]:
        if epoch != self._epoch:
            self._order = generator(self.seed, "batches", epoch).permutation(self.rows)
            self._epoch = epoch
        return self._order
