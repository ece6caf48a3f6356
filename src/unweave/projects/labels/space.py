"""Where rows lie: in the code of the trained model, or before there is one, in the principal components of the data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError
from unweave.core.model import LatentModel
from unweave.core.observations import as_decoded
from unweave.core.seeds import generator
from unweave.data.dataset import Dataset
from unweave.metrics.inputs import as_problem
from unweave.projects.runs import RUNS, Run, find_run

_COMPONENTS = 32
_VARIANCE = 0.95
_FITTED = 1000
_CHUNK = 1024

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Space:
    """Points of some rows.

    Attributes:
        points: float64 (n, D), in the order of the rows.
        words: what they are, for people.
        run: the run whose codes they are, or None.
    """

    points: NDArray[np.float64]
    words: str
    run: str | None = None


def space_of(dataset: Dataset, root: Path, rows: Rows, *, run: str | None = None, pixels: bool = False) -> Space:
    """The points of some rows: codes of a run (the last complete one without a name), else principal components.

    Args:
        dataset: of `load_data`.
        root: the project folder.
        rows: whose points.
        run: name of a run, or how it begins.
        pixels: do without a model, though there is one.

    Raises:
        ConfigError: there is no such run, it is not complete, or its model takes other observations than these.
    """
    complete = [path.parent for path in (root / RUNS).glob("*/model")]
    what = "principal components of their " + ("pixels" if dataset.store.kind == "images" else "numbers")
    if pixels or (run is None and not complete):
        why = "" if pixels else "no model is trained yet, so "
        return Space(components(dataset, rows), f"{why}rows are compared by the {what}")
    chosen = (
        find_run(root, run) if run is not None else Run(max(complete, key=lambda f: (f / "model").stat().st_mtime_ns))
    )
    from unweave.projects.models import trained_model  # needs torch

    model = trained_model(chosen)
    if model.shape != dataset.store.shape:
        raise ConfigError(
            f"run {chosen.name} was trained on observations of {_shown(model.shape)}, the project now has "
            f"{_shown(dataset.store.shape)}. Train again with `unweave train`, choose a --run, or pass --pixels."
        )
    return Space(codes(model, dataset, rows), f"rows are compared by the codes of run {chosen.name}", chosen.name)


def codes(model: LatentModel, dataset: Dataset, rows: Rows) -> NDArray[np.float64]:
    """Codes of some rows in the dimensions that are in use, (n, D).

    As they are where the encoder states its noise: how far a dimension spreads then says how much it carries. An
    encoder without noise gives no such scale, so that its codes are standardised.
    """
    found = model.encode(dataset.observations(rows))
    problem = as_problem(found, np.zeros((len(rows), 0)))
    live = ~problem.dead
    points = problem.codes[:, live if live.any() else slice(None)].astype(np.float64)
    if found.logvar is None:
        points = (points - points.mean(0)) / np.maximum(points.std(0), 1e-12)
    return points


def components(dataset: Dataset, rows: Rows) -> NDArray[np.float64]:
    """Principal components that hold 95 % of the variance, at most 32, fitted on 1,000 training rows: (n, D)."""
    train = dataset.splits.train
    chosen = np.sort(generator(0, "labels", "components").permutation(train)[:_FITTED])
    sample = _flat(dataset, chosen)
    mean, scale = sample.mean(0), 1.0 if dataset.store.kind == "images" else np.maximum(sample.std(0), 1e-12)
    sample = (sample - mean) / scale
    _, sizes, directions = np.linalg.svd(sample, full_matrices=False)
    share = np.cumsum(sizes**2) / max(float((sizes**2).sum()), 1e-12)
    basis = directions[: min(_COMPONENTS, int(np.searchsorted(share, _VARIANCE)) + 1)].T
    parts = [(_flat(dataset, part) - mean) / scale @ basis for part in np.split(rows, range(_CHUNK, len(rows), _CHUNK))]
    return np.concatenate(parts).astype(np.float64)


def _flat(dataset: Dataset, rows: Rows) -> NDArray[np.float32]:
    return as_decoded(dataset.observations(rows)).reshape(len(rows), -1)


def _shown(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
