"""The curves of a project's factors, and what a person should know beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unweave.core.errors import ConfigError, DataError
from unweave.core.seeds import generator
from unweave.data.columns import Cells
from unweave.data.dataset import Dataset
from unweave.metrics.label_budgets import FEW_GROUPS
from unweave.projects.data import held_out
from unweave.projects.labels.curve import DRAWS, Curve, label_curve
from unweave.projects.labels.space import space_of

_MOST_POOL, _MOST_TESTED = 5000, 2000


@dataclass(frozen=True)
class Curves:
    """Curves of some factors.

    Attributes:
        curves: one per factor.
        space: what the probes read, in words.
        run: whose codes these are, or None.
        notes: what the person should know.
    """

    curves: tuple[Curve, ...]
    space: str
    run: str | None
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {
            "curves": [curve.to_json() for curve in self.curves],
            "space": self.space,
            "run": self.run,
            "notes": list(self.notes),
        }


def measure_curves(
    dataset: Dataset,
    root: Path,
    *,
    factors: Sequence[str] = (),
    by: str | None = None,
    run: str | None = None,
    pixels: bool = False,
    draws: int = DRAWS,
    seed: int = 0,
) -> Curves:
    """Learning curves of some factors, or of all: probes learn from training rows and are tested on held-out rows.

    Args:
        dataset: of `load_data`.
        root: the project folder.
        factors: names of declared factors.
        by: the label column whose groups the split keeps together, if any.
        run: whose codes the probes read; see `space_of`.
        pixels: do without a model.
        draws: random orders of the labels.
        seed: of everything drawn.

    Raises:
        ConfigError: the project has no factors or none of that name; see also `space_of`.
        DataError: no training row has a label of any of them, or there are no held-out rows.
    """
    table = dataset.table.select(tuple(dict.fromkeys(factors)) or dataset.table.names)
    if not table.factors:
        raise ConfigError("the project has no factors, so no label says anything. `unweave labels plan` begins.")
    rng = generator(seed, "labels", "curves")
    test = np.sort(rng.permutation(held_out(dataset))[:_MOST_TESTED])
    train = dataset.splits.train[table.known[dataset.splits.train].any(1)]
    if len(train) == 0:
        raise DataError(f"no training row has a label of {', '.join(table.names)}. `unweave labels plan` begins.")
    train = np.sort(rng.permutation(train)[:_MOST_POOL])
    space = space_of(dataset, root, np.concatenate([train, test]), run=run, pixels=pixels)
    points, tests = np.split(space.points, [len(train)])
    groups = Cells.of(dataset.store.columns, by).known().codes[test] if by is not None else None
    curves = []
    for name in table.names:
        one = table.select([name])
        curves.append(
            label_curve(points, one.take(train), tests, one.take(test), groups=groups, draws=draws, seed=seed)
        )
    notes = []
    if by is not None and groups is not None and (count := len(np.unique(groups))) < FEW_GROUPS:
        notes.append(f"The held-out rows are of {count} groups of {by}: intervals speak of these, not of others.")
    return Curves(tuple(curves), space.words, space.run, tuple(notes))
