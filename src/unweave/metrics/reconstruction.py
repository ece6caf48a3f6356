"""Reconstruction error."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unweave.core import DataError, FactorTable, Score, ShapeError
from unweave.core.observations import as_decoded
from unweave.core.seeds import generator
from unweave.metrics.inputs import Problem
from unweave.metrics.resampling import bootstrap_means, interval, null_range
from unweave.metrics.stamps import make_stamp


def reconstruction(
    observations: ArrayLike, reconstructions: ArrayLike, *, bootstrap: int = 200, nulls: int = 20, seed: int = 0
) -> Score:
    """Mean squared error per pixel of reconstructed observations; images count in [0, 1].

    From 0 upwards, less is better. `uint8` arrays are divided by 255, so 0.01 is an error of 10 % of the range per
    pixel. The score of random codes is the error against the reconstruction of another observation; the mean image
    scores the variance of the pixels. Small but important things (a wink) hardly move it.

    Args:
        observations: (N, …), images or vectors.
        reconstructions: the same shape.
        bootstrap: samples for the interval; 0 leaves it out.
        nulls: permutations of the rows for the score of random codes; 0 leaves it out.
        seed: seed of both.

    Returns:
        The score; its matrix is the mean squared error of each observation, (N, 1).
    """
    if np.shape(observations) != np.shape(reconstructions) or np.ndim(observations) < 2 or not np.size(observations):
        raise ShapeError(
            "reconstructions",
            want=f"that of the observations, {np.shape(observations)}, (rows, …)",
            got=np.shape(reconstructions),
            hint="Images are (rows, height, width, channels) on both sides.",
        )
    original, decoded = _pixels("observations", observations), _pixels("reconstructions", reconstructions)
    rows, random = len(original), generator(seed, "reconstruction", "null")
    errors = _errors(original, decoded)
    value = float(errors.mean())
    settings = {"units": "[0, 1]", "bootstrap": bootstrap, "nulls": nulls, "seed": seed}
    stamp = make_stamp("reconstruction", "reference", Problem(original, FactorTable.empty(rows)), settings)
    details: dict[str, Any] = {"matrix": errors[:, None]}
    if bootstrap:
        draws = bootstrap_means(errors[:, None], bootstrap, generator(seed, "reconstruction", "bootstrap"))
        details["interval"] = interval(value, draws, 0, np.inf)
    if nulls:
        others = [_errors(original, decoded[random.permutation(rows)]).mean() for _ in range(nulls)]
        details["null"], details["null_interval"] = null_range(np.array(others), 0, np.inf)
    return Score("reconstruction", value, stamp, **details)


def _errors(original: NDArray[np.float32], decoded: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean squared difference of each row, (N,)."""
    return np.asarray(np.mean((original - decoded) ** 2, axis=1, dtype=np.float64))


def _pixels(name: str, values: ArrayLike) -> NDArray[np.float32]:
    """Rows of pixels (N, P), `uint8` scaled to [0, 1]."""
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise DataError(f"{name}: expected numbers, got dtype {array.dtype}.")
    scaled = as_decoded(array)
    if not np.isfinite(scaled).all():
        raise DataError(f"{name}: {np.count_nonzero(~np.isfinite(scaled))} values are NaN or infinite.")
    return scaled.reshape(len(scaled), -1)
