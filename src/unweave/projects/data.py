"""The project's data set and the report on it, from their cache beside the project file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import DataError
from unweave.core.files import write_text
from unweave.data.dataset import Dataset, Progressing, load_dataset
from unweave.data.report import data_report
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


def data_report_json(dataset: Dataset, root: Path) -> dict[str, Any]:
    """The data report as plain values, computed once per state of the data."""
    path = root / CACHE / "reports" / f"{dataset.data_hash}.json"
    if path.exists():
        cached: dict[str, Any] = json.loads(path.read_text())
        return cached
    content = data_report(dataset).to_json()
    write_text(path, json.dumps(content))
    return content
