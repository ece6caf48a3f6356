"""Rows that an explorer starts from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unweave.core.seeds import generator
from unweave.data.dataset import Dataset

STARTS = 11
"""So many, at most."""


def start_rows(dataset: Dataset) -> NDArray[np.int64]:
    """Some rows that training did not see, or its own where there are no others; always the same ones."""
    splits = dataset.splits
    unseen = np.concatenate([splits.valid, splits.test])
    rows = unseen if len(unseen) else splits.train
    return generator(0, "explorer", "starts").permutation(rows)[:STARTS]
