"""The project's data set, from its cache beside the project file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import DataError
from unweave.data.dataset import Dataset, Progressing, load_dataset
from unweave.projects.config import Project

CACHE = ".unweave"


def load_data(project: Project, root: Path, *, progress: Progressing | None = None) -> Dataset:
    """The project's data: ingested at the first call, from the cache afterwards."""
    return load_dataset(project.data, project.factors, root=root, cache=root / CACHE, progress=progress)


def held_out(dataset: Dataset) -> NDArray[np.int64]:
    """Test rows, or validation rows where there are no test rows."""
    for rows in (dataset.splits.test, dataset.splits.valid):
        if len(rows):
            return rows
    raise DataError("there are no held-out rows to score. Give data.split a share for `test`.")
