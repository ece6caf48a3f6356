"""How far a factor can be moved before codes leave the data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unweave.signatures.chart import Chart
from unweave.signatures.density import Density
from unweave.signatures.place import PlaceReader
from unweave.signatures.reader import Reader
from unweave.signatures.signature import Path

Floats = NDArray[np.float64]

_STEPS = 24
"""Amounts that are tried along a path that is not straight."""

_FURTHEST = 6.0
"""Standard steps that a bent path is followed at most."""


def safe_range(
    chart: Chart, directions: Floats, path: Path, reader: Reader | PlaceReader, density: Density, codes: Floats
) -> tuple[float, float]:
    """See `Signature.safe`; the medians over reference codes (N, D).

    Args:
        chart, directions, path, reader: of the signature.
        density: of the reference codes.
        codes: some of them.
    """
    if path == "line":
        low, high = density.reach(codes, directions[0])
        return float(np.median(low)), float(np.median(high))
    read = reader.read(codes)
    if isinstance(reader, Reader) and path == "classes":
        classes = np.flatnonzero(np.isfinite(reader.offset))
        reach = [
            density.reach(codes[read != c], directions[c] - directions[read[read != c].astype(int)])[1] for c in classes
        ]
        together = np.concatenate(reach)
        return 0.0, float(np.median(together)) if len(together) else 0.0
    target = chart.target
    turns = target.factor.kind == "circular"
    whole = target.factor.period / 2 if turns else _FURTHEST * target.scale
    ends = [_furthest(chart, directions, density, codes, read, way * whole) for way in (-1, 1)]
    return (ends[0], ends[1]) if turns else (ends[0] / target.scale, ends[1] / target.scale)


def _furthest(chart: Chart, directions: Floats, density: Density, codes: Floats, read: Floats, whole: float) -> float:
    """The largest part of a change of label that the middle code makes without leaving the data."""
    limit = np.maximum(density.radius, density.distance(codes))
    reached, start = 0.0, chart.of(read)
    for amount in whole * np.arange(1, _STEPS + 1) / _STEPS:
        moved = codes + (chart.of(read + amount) - start) @ directions
        if np.mean(density.distance(moved) <= limit) < 0.5:
            break
        reached = float(amount)
    return reached
