"""A first project file: what can be guessed from the data, with defaults left out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unweave.core.factors import Factor
from unweave.data.association import associations
from unweave.data.config import DataConfig
from unweave.data.dataset import Progressing, load_dataset
from unweave.data.peek import usual_side
from unweave.data.sources.damage import reading
from unweave.projects.advice import Advice, advise
from unweave.projects.data import CACHE
from unweave.projects.facts import gather

_SIZES = (32, 64)
"""Sides that a first project uses: larger images take long to train on, and most nets show little more."""

_BUILTIN_SIZE = 32


@dataclass(frozen=True)
class Initial:
    """Content of a first project file, label columns that are no factors with the reason, and why the method."""

    content: dict[str, Any]
    left_out: dict[str, str]
    advice: Advice


def initial_project(
    source: str,
    *,
    root: Path,
    name: str,
    labels: str | None = None,
    size: int | None = None,
    channels: int | None = None,
    by: str | None = None,
    progress: Progressing | None = None,
) -> Initial:
    """Read the source once and write down what was found.

    Raises:
        DataError: the source is absent or holds nothing that can be read.
    """
    data: dict[str, Any] = {"vectors" if is_vectors(source, root) else "images": source}
    if labels is not None:
        data["labels"] = labels
    if "images" in data:
        data["size"] = size or (_BUILTIN_SIZE if source.startswith("builtin:") else _side(source, root))
        if channels is not None:
            data["channels"] = channels
    if by is not None:
        data["split"] = {"by": by}
    config = DataConfig(**data)
    dataset = load_dataset(config, (), root=root, cache=root / CACHE, progress=progress)
    factors = [f for f in dataset.table.factors if f.name != by]
    content: dict[str, Any] = {"name": name, "data": data}
    if factors:
        content["factors"] = [_factor(f, rank) for rank, f in enumerate(factors, start=1)]
    training = {"steps": _steps(len(dataset.splits.train)), "batch": 64}
    advice = advise(gather(dataset, associations(dataset.table), config, **training))
    content["method"] = dict(advice.best.method)
    content["training"] = training
    content["accept"] = {"mig": {"at_least": 0.1}} if factors else {}
    return Initial({k: v for k, v in content.items() if v}, dict(dataset.left_out), advice)


def _side(source: str, root: Path) -> int:
    """The side that is nearest to the images' own, the larger one of two that are."""
    own = usual_side(DataConfig(images=source), root)
    return max(_SIZES) if own is None else min(_SIZES, key=lambda side: (abs(side - own), -side))


def is_vectors(source: str, root: Path) -> bool:
    """Whether a source is a table of vectors rather than images."""
    import numpy as np

    path = root / source
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return True
    if suffix == ".npz" and path.is_file():
        # NumPy leaves a file that it opened itself open when it is damaged.
        with reading(str(path)), path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            return "images" not in content.files
    if suffix == ".parquet" and path.is_file():
        import pyarrow.parquet
        import pyarrow.types as types

        with reading(str(path)):
            schema = pyarrow.parquet.read_schema(path)
        return not any(
            types.is_binary(f.type) or types.is_large_binary(f.type) or types.is_struct(f.type) for f in schema
        )
    return False


def _factor(factor: Factor, rank: int) -> dict[str, Any]:
    content = factor.model_dump(mode="json", exclude_defaults=True, exclude={"description", "priority"})
    return {**content, "priority": rank, "description": ""}


def _steps(rows: int) -> int:
    """About 100 passes over the data, within what a laptop does in an hour or so."""
    return int(min(20_000, max(3_000, rows * 100 // 64)))
