"""The judge of a built-in set: the factors of the nearest picture that the set can draw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ShapeError
from unweave.core.factors import Factor, FactorTable
from unweave.core.observations import as_decoded
from unweave.core.scores import Score
from unweave.core.seeds import generator
from unweave.data.builtin.base import GeneratedSet, Index
from unweave.signatures.leakage.judge import Floats, Judge, Measure, Pictures, differences
from unweave.signatures.leakage.nearest_cell import NearestCell
from unweave.signatures.leakage.skill import skills

PROOF = 200
"""Pictures with known factors on which the quality is measured."""


class ExactJudge(Judge):
    """Factors of the nearest picture, in squared distance over all pixels.

    Nothing is learnt. A picture that the set cannot draw, such as a blurred one, counts as the one it is most like. An
    angle counts up to the symmetry of what is drawn: a square that is turned by 90 degrees has not changed.
    """

    measure: ClassVar[Measure] = "exact"

    def __init__(self, generated: GeneratedSet, search: NearestCell) -> None:
        self.generated, self.search = generated, search
        self.factors: tuple[Factor, ...] = generated.factors
        self.quality: Mapping[str, Score] = {}

    def see(self, pictures: Pictures) -> tuple[Floats, None]:
        """Values (N, K) of images (N, H, W, C)."""
        if pictures.shape[1:] != self.generated.shape:
            want = f"(rows, {', '.join(map(str, self.generated.shape))})"
            raise ShapeError(
                "pictures", want=want, got=pictures.shape, hint=f"builtin:{self.generated.name} is drawn so."
            )
        return self.generated.labels(self.search(pictures)), None

    def difference(self, before: Floats, after: Floats) -> Floats:
        """Signed change (N, K); angles up to symmetry."""
        found = super().difference(before, after)
        names = [factor.name for factor in self.factors]
        for name, symmetry in self.generated.symmetries.items():
            k, orders = names.index(name), np.array(symmetry.orders)
            classes = names.index(symmetry.factor)
            both = np.lcm(orders[before[:, classes].astype(int)], orders[after[:, classes].astype(int)])
            found[:, k] = differences(self.factors[k], before[:, k], after[:, k], self.factors[k].period / both)
        return found


def exact_judge(generated: GeneratedSet, *, seed: int = 0) -> ExactJudge:
    """The judge of a built-in set; its quality is that on blurred pictures of known factors.

    All pictures of the set are drawn once, which takes some seconds and up to 256 MB.
    """
    judge = ExactJudge(generated, NearestCell(generated))
    cells = _some_cells(generated, PROOF, generator(seed, "leakage", "exact"))
    pictures = _blurred(generated.render(cells))
    truth = FactorTable(
        generated.factors, generated.labels(cells), np.ones((len(cells), len(generated.factors)), dtype=np.bool_)
    )
    settings = {"pictures": "drawn, and blurred by a 3 x 3 mean"}
    judge.quality = skills(judge, judge(pictures), truth, definition="leakage.exact", settings=settings, seed=seed)
    return judge


def _some_cells(generated: GeneratedSet, count: int, random: np.random.Generator) -> Index:
    hole = np.zeros(generated.sizes, dtype=np.bool_)
    if generated.holes is not None:
        hole[tuple(generated.holes.T)] = True
    cells = random.choice(np.flatnonzero(~hole), count)
    return np.stack(np.unravel_index(cells, generated.sizes), axis=1).astype(np.int64)


def _blurred(images: NDArray[np.uint8]) -> Pictures:
    """Means of 3 x 3 pixels, in [0, 1]."""
    padded = np.pad(as_decoded(images), ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = images.shape[1:3]
    parts = [padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
    return np.asarray(np.mean(parts, axis=0), dtype=np.float32)
