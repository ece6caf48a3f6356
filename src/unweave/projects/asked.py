"""What a run's folder says of its beginning, `asked.json`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unweave.data.dataset import Dataset
from unweave.projects.provenance import provenance


def about_run(settings: dict[str, Any], dataset: Dataset, root: Path, *, device: str) -> dict[str, Any]:
    """Settings, data, machine and versions as plain values.

    Args:
        settings: sections of the project, as JSON.
        dataset: the data of the run.
        root: the project folder.
        device: where it computes.
    """
    return {
        "project": settings,
        "data_hash": dataset.data_hash,
        "factors": [factor.model_dump(mode="json") for factor in dataset.table.factors],
        "rows": {side: len(getattr(dataset.splits, side)) for side in ("train", "valid", "test")},
        "device": device,
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        **provenance(root),
    }
