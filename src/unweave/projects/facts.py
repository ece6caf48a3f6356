"""What about a project decides which method fits it: plain facts, gathered from its data in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unweave.core.factors import FactorKind
from unweave.data.association import Association
from unweave.data.columns import Cells
from unweave.data.config import DataConfig
from unweave.data.dataset import Dataset

_LEAST_GROUPS = 5


@dataclass(frozen=True)
class FactorFacts:
    """One factor: its kind, how many classes occur (0 for measurements), and how many training rows have a label."""

    name: str
    kind: FactorKind
    classes: int
    labels: int

    @property
    def width(self) -> int:
        """Dimensions that it takes in a code: an angle needs two."""
        return 2 if self.kind == "circular" else 1


@dataclass(frozen=True)
class Facts:
    """What is known of a project before anything is trained.

    Attributes:
        rows: training rows.
        shape: of one observation: (H, W, C), or (F,) for vectors.
        builtin: whether the data are a built-in set, whose labels are there to measure with.
        factors: those that vary among the training rows, or have no label there.
        declared: number of factors of the project, those that never vary included.
        correlated: pairs of factors that vary together, beyond chance, the strongest first.
        pairs: whether `data.pairs` says which two rows make a pair.
        groups: label columns that are no factors and could say so: at least 5 groups, of two rows or more on average.
        by: the column whose groups the split keeps together, or None.
        steps, batch: of the training.
    """

    rows: int
    shape: tuple[int, ...]
    builtin: bool = False
    factors: tuple[FactorFacts, ...] = ()
    declared: int = 0
    correlated: tuple[Association, ...] = ()
    pairs: bool = False
    groups: tuple[str, ...] = ()
    by: str | None = None
    steps: int = 20_000
    batch: int = 64

    @property
    def images(self) -> bool:
        """Whether observations are images."""
        return len(self.shape) == 3

    @property
    def latent(self) -> int:
        """Dimensions of the code: 10 as in published studies, or what the factors need and 4 for what nobody named."""
        return max(10, sum(f.width for f in self.factors) + 4)


def gather(dataset: Dataset, associations: Sequence[Association], data: DataConfig, *, steps: int, batch: int) -> Facts:
    """The facts of a project.

    Args:
        dataset: of `load_dataset`.
        associations: of the data report.
        data: the `data:` section.
        steps: of the training.
        batch: rows a step.
    """
    table = dataset.table
    known, values = table.known[dataset.splits.train], table.values[dataset.splits.train]
    factors = []
    for k, factor in enumerate(table.factors):
        labels = values[known[:, k], k]
        if factor.name == data.split.by or (len(labels) and (labels == labels[0]).all()):
            continue
        classes = len(np.unique(labels)) if factor.is_discrete else 0
        factors.append(FactorFacts(factor.name, factor.kind, classes, len(labels)))
    names = {f.name for f in factors}
    return Facts(
        rows=len(dataset.splits.train),
        shape=dataset.store.shape,
        builtin=data.builtin is not None,
        factors=tuple(factors),
        declared=len(table.factors),
        correlated=tuple(a for a in associations if a.strong and {a.a, a.b} <= names),
        pairs=getattr(data, "pairs", None) is not None,
        groups=_groups(dataset, names),
        by=data.split.by,
        steps=steps,
        batch=batch,
    )


def _groups(dataset: Dataset, factors: set[str]) -> tuple[str, ...]:
    found = []
    for name in dataset.store.columns.column_names:
        if name in factors:
            continue
        codes = Cells.of(dataset.store.columns, name).known().codes
        sizes = np.bincount(codes[codes >= 0])
        if len(sizes) >= _LEAST_GROUPS and sizes.mean() >= 2:
            found.append(name)
    return tuple(found)
