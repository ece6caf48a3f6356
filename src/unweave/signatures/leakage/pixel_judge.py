"""The judge that learnt the factors from pictures alone and has never seen a code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import DataError, ShapeError
from unweave.core.factors import Factor, FactorTable
from unweave.core.model import Observations
from unweave.core.observations import as_decoded
from unweave.core.scores import Score
from unweave.core.seeds import generator
from unweave.core.targets import targets_of
from unweave.signatures.chart import Chart
from unweave.signatures.leakage.judge import Floats, Judge, Measure, Pictures
from unweave.signatures.leakage.skill import skills

if TYPE_CHECKING:
    from unweave.signatures.leakage.pixel_net import JudgeNet

STEPS = 600
"""Batches of 64 rows that a judge is trained on: half a minute on one core at 64 pixels."""

HELD_OUT = 0.2
"""Share of the rows (or of the groups) that the judge's quality is measured on."""

FEWEST_ROWS = 20


class PixelJudge(Judge):
    """A small net over pixels; its features are the outputs of its last hidden layer."""

    measure: ClassVar[Measure] = "judge"

    def __init__(self, net: JudgeNet, charts: tuple[Chart, ...], shape: tuple[int, ...]) -> None:
        self.net, self.charts, self.shape = net, charts, shape
        self.factors: tuple[Factor, ...] = tuple(chart.target.factor for chart in charts)
        self.quality: Mapping[str, Score] = {}

    def see(self, pictures: Pictures) -> tuple[Floats, Floats]:
        """Values (N, K) and features (N, F); levels are not rounded."""
        import torch

        from unweave.signatures.leakage.pixel_net import to_tensor

        if pictures.shape[1:] != self.shape:
            want = f"(rows, {', '.join(map(str, self.shape))})"
            raise ShapeError("pictures", want=want, got=pictures.shape, hint="The judge was trained on these.")
        with torch.inference_mode():
            outputs, features = self.net(to_tensor(pictures))
        ends = np.cumsum([chart.width for chart in self.charts])[:-1]
        values = [
            _level(chart, part) if chart.target.factor.kind == "ordinal" else chart.labels(part)
            for chart, part in zip(self.charts, np.split(outputs.numpy().astype(np.float64), ends, axis=1), strict=True)
        ]
        return np.stack(values, axis=1), features.numpy().astype(np.float64)


def pixel_judge(
    observations: Observations,
    table: FactorTable,
    *,
    groups: NDArray[np.int64] | None = None,
    steps: int = STEPS,
    seed: int = 0,
) -> PixelJudge:
    """Train a judge on pictures and their labels; a fifth of the rows, or of the groups, says how good it is.

    One net learns all factors from the rows that have any label, a few thousand for a good judge. It sees pictures
    shifted a little, blurred by various strengths, brighter, darker and grainier, since decoded pictures are not sharp.

    Args:
        observations: images uint8 (N, H, W, C) or vectors float32 (N, F). Neither rows that signatures were learnt from
            nor rows that are edited belong here: a judge that knows them is partial.
        table: labels (N, K), with gaps where unknown. Factors without labels are left out.
        groups: group (N,) of each row, for example the person; a group is either learnt from or held out.
        steps: batches of 64 rows.
        seed: of the held-out rows and of the training.

    Raises:
        ShapeError: arrays do not fit together.
        DataError: there are fewer than 20 labelled rows, or no factor with two different labels.
    """
    if len(observations) != len(table) or (groups is not None and len(groups) != len(table)):
        raise ShapeError("observations, table and groups", want=f"({len(table)}, …)", got=observations.shape)
    rows = np.flatnonzero(table.known.any(axis=1))
    if len(rows) < FEWEST_ROWS:
        raise DataError(
            f"a judge learns from labelled rows and is tested on others, and there are {len(rows)}. Label at least "
            f"{FEWEST_ROWS} rows besides those that the signatures are learnt from."
        )
    learnt, held = _parts(rows, None if groups is None else groups[rows], generator(seed, "judge", "split"))
    names = [
        f.name
        for k, f in enumerate(table.factors)
        if len(np.unique(table.values[learnt][table.known[learnt, k], k])) > 1
    ]
    if not names:
        raise DataError("a judge needs a factor with two different labels among the rows that it learns from.")
    table = table.select(names)
    charts = tuple(Chart(target) for target in targets_of(table.take(learnt)))
    judge = _trained(observations[learnt], table.take(learnt), charts, steps, seed)
    settings = {"judge": "net over pixels", "rows": len(learnt), "steps": steps}
    told = judge(as_decoded(observations[held]))
    judge.quality = skills(judge, told, table.take(held), definition="leakage.judge", settings=settings, seed=seed)
    return judge


def _parts(
    rows: NDArray[np.int64], groups: NDArray[np.int64] | None, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to learn from, and rows to test on."""
    units, which = np.unique(np.arange(len(rows)) if groups is None else groups, return_inverse=True)
    if len(units) < 2:
        raise DataError("groups: a judge is tested on groups that it has not learnt from, and there is only one group.")
    held = random.permutation(len(units)) < max(1, round(HELD_OUT * len(units)))
    return rows[~held[which.ravel()]], rows[held[which.ravel()]]


def _trained(
    observations: Observations, table: FactorTable, charts: tuple[Chart, ...], steps: int, seed: int
) -> PixelJudge:
    from unweave.signatures.leakage.pixel_net import train_net

    targets = [chart.of(np.where(table.known[:, k], table.values[:, k], 0.0)) for k, chart in enumerate(charts)]
    coordinates = np.concatenate(targets, axis=1).astype(np.float32)
    net = train_net(as_decoded(observations), coordinates, table.known, charts, steps=steps, seed=seed)
    return PixelJudge(net, charts, observations.shape[1:])


def _level(chart: Chart, outputs: Floats) -> Floats:
    """Levels, not rounded: a judge may see a change of half a level."""
    return np.clip(chart.target.restore(outputs[:, 0]), 0, max(chart.target.classes - 1, 0))


__all__ = ["PixelJudge", "pixel_judge"]
