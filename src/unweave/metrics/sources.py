"""Where sampling-based scores draw observations from: a grid of factors, or the rows of a fixed labelled set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.int64]
"""Names of observations: rows of a labelled set, or cells of a grid numbered in C order."""


@dataclass(frozen=True)
class Draws:
    """Points of one experiment: in each, a factor is held and all others vary.

    Attributes:
        factor: which factor is held, ascending, (P,).
        rows: observations; one array (P, L) that shares the value in each row, or two that share it in each entry.
    """

    factor: NDArray[np.int64]
    rows: tuple[Keys, ...]


class Source(Protocol):
    """Draws observations that share the value of a factor."""

    @property
    def factors(self) -> int:
        """How many factors there are."""

    def shared(self, factor: int, points: int, batch: int, random: np.random.Generator) -> Keys:
        """Observations (points, batch); those of one point share one value of the factor."""

    def pairs(self, factor: int, points: int, batch: int, random: np.random.Generator) -> tuple[Keys, Keys]:
        """Two arrays (points, batch) of observations; each pair shares a value of its own."""

    def rows(self, count: int, random: np.random.Generator) -> Keys:
        """Observations (count,) of any value."""


def draw(source: Source, points: int, batch: int, random: np.random.Generator, *, pairs: bool) -> Draws:
    """Draw points; each holds a factor that is drawn uniformly."""
    counts = random.multinomial(points, np.full(source.factors, 1 / source.factors))
    parts: list[tuple[Keys, ...]] = []
    for k, count in enumerate(counts):
        found = source.pairs if pairs else source.shared
        drawn = found(k, int(count), batch, random)
        parts.append(drawn if isinstance(drawn, tuple) else (drawn,))
    rows = tuple(np.concatenate(side) for side in zip(*parts, strict=True))
    return Draws(np.repeat(np.arange(source.factors), counts), rows)


@dataclass(frozen=True)
class RowSource:
    """Rows of a labelled set, drawn with replacement; a factor is held among the rows that share its label.

    Values count as often as they occur. Classes are ordered by their first row, so that draws do not depend on labels.

    Attributes:
        members: all rows, (n,).
        labels: classes of the factors, (k, n), -1 where the label is missing.
        distinct: whether the two rows of a pair must differ. Otherwise a pair of the same row, which differs in no
            code, gives away a factor of many values.
    """

    members: Keys
    labels: NDArray[np.int64]
    distinct: bool

    @cached_property
    def classes(self) -> list[RowsByClass]:
        """Rows by class, one for each factor."""
        return [RowsByClass.of(self.members, row, self.distinct) for row in self.labels]

    @property
    def factors(self) -> int:
        """See `Source`."""
        return len(self.labels)

    def shared(self, factor: int, points: int, batch: int, random: np.random.Generator) -> Keys:
        """See `Source`."""
        found = self.classes[factor]
        at = random.integers(len(found.order), size=(points, 1))
        return found.order[found.start[at] + (random.random((points, batch)) * found.size[at]).astype(np.int64)]

    def pairs(self, factor: int, points: int, batch: int, random: np.random.Generator) -> tuple[Keys, Keys]:
        """See `Source`."""
        found = self.classes[factor]
        at = random.integers(len(found.order), size=(points, batch))
        start, size, chance = found.start[at], found.size[at], random.random(at.shape)
        if self.distinct:
            step = 1 + (chance * (size - 1)).astype(np.int64)
            return found.order[at], found.order[start + (at - start + step) % size]
        return found.order[at], found.order[start + (chance * size).astype(np.int64)]

    def rows(self, count: int, random: np.random.Generator) -> Keys:
        """See `Source`."""
        return random.choice(self.members, count)

    def held(self, draws: Draws) -> Keys:
        """The class that each point holds, (P,); 0 where every pair of a point has its own. Members must ascend."""
        if len(draws.rows) > 1:
            return np.zeros(len(draws.factor), dtype=np.int64)
        return np.asarray(self.labels[draws.factor, np.searchsorted(self.members, draws.rows[0][:, 0])])

    def select(self, factors: Sequence[int]) -> RowSource:
        """The same rows with some of the factors."""
        return RowSource(self.members, self.labels[list(factors)], self.distinct)


@dataclass(frozen=True)
class RowsByClass:
    """Rows ordered by class: order (n,), and for every place in it where its class starts and how long it is."""

    order: Keys
    start: Keys
    size: Keys

    @classmethod
    def of(cls, rows: Keys, labels: NDArray[np.int64], distinct: bool) -> Self:
        """Order rows (n,) by labels (n,), -1 for none; where the rows of a pair must differ, without classes of one."""
        counts = np.bincount(labels[labels >= 0], minlength=1)
        enough = (labels >= 0) & (counts[labels] >= (2 if distinct else 1))
        rows, labels = rows[enough], labels[enough]
        first = np.full(len(counts), len(rows))
        first[labels[::-1]] = np.arange(len(rows))[::-1]
        classes = np.argsort(first, kind="stable")  # in the order of their first row
        sizes = counts[classes][first[classes] < len(rows)]
        order = np.argsort(first[labels], kind="stable")
        return cls(rows[order], np.repeat(np.cumsum(sizes) - sizes, sizes), np.repeat(sizes, sizes))

    @property
    def count(self) -> int:
        """How many classes there are."""
        return len(np.unique(self.start))
