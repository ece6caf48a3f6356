"""Traversals: what the decoder shows when one latent dimension moves and the others stay."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unweave.core.codes import Codes
from unweave.core.model import LatentModel

DEAD = 0.01
"""KL in nats below which a dimension says nothing about the data."""

RANGE = (0.025, 0.975)
"""Quantiles of the codes between which a dimension moves: it never leaves the data."""


def kl_per_dimension(codes: Codes) -> NDArray[np.float64]:
    """Mean KL(q(z_d|x) || p(z_d)) of every column, in nats: how much information it carries. Shape (D,).

    The columns of a categorical code have a share each, at least 0, of its KL to the uniform distribution (see
    `unweave.functional.categorical.categorical_kl`).
    """
    if codes.logvar is None:
        raise ValueError("codes without a log-variance have no KL")
    mean, logvar = codes.mean.astype(np.float64), codes.logvar.astype(np.float64)
    result: NDArray[np.float64] = (0.5 * (mean**2 + np.exp(logvar) - logvar - 1)).mean(0)
    for block in codes.categorical:
        p, uniform = mean[:, block], 1 / len(block)
        information = p * np.log(np.maximum(p, np.finfo(np.float64).tiny) / uniform)
        result[list(block)] = (information - p + uniform).mean(0)
    return result


def by_information(codes: Codes) -> NDArray[np.int64]:
    """Dimensions from the most to the least informative."""
    return np.argsort(-kl_per_dimension(codes), kind="stable")


def typical_row(codes: Codes) -> int:
    """The row whose code is nearest to the median code, in standard deviations: a fair starting point."""
    spread = codes.mean.std(0)
    # Without the encoder's noise nothing says on which scale a dimension is in use.
    active = spread > (0.1 if codes.logvar is not None else 1e-6 * spread.max())
    centred = (codes.mean - np.median(codes.mean, 0))[:, active] / spread[active]
    return int((centred**2).sum(1).argmin())


def traverse(
    model: LatentModel, codes: Codes, *, dimensions: NDArray[np.int64], frames: int = 9, start: int | None = None
) -> NDArray[np.float32]:
    """Decode codes in which one dimension moves from low to high and the others stay.

    Where the dimension is a class of a categorical code, the other classes give up probability in proportion to theirs.

    Args:
        model: encodes and decodes.
        codes: of held-out rows; they set the range of each dimension.
        dimensions: which dimensions to move, one row of the result each.
        frames: number of positions between the quantiles of `RANGE`.
        start: row of `codes` from which to start; None takes a typical one.

    Returns:
        Observations (len(dimensions), frames, H, W, C) in [0, 1], or (len(dimensions), frames, F) for vectors.
    """
    base = codes.mean[typical_row(codes) if start is None else start]
    moved = np.tile(base, (len(dimensions), frames, 1)).astype(np.float32)
    for row, dimension in enumerate(dimensions):
        low, high = np.quantile(codes.mean[:, dimension], RANGE)
        moved[row, :, dimension] = np.linspace(low, high, frames)
        for block in codes.categorical:
            if dimension in block:
                others = [column for column in block if column != dimension]
                moved[row][:, others] = _shared(base[others], 1 - moved[row, :, dimension])
    decoded = model.decode(moved.reshape(-1, codes.mean.shape[1]))
    return decoded.reshape(len(dimensions), frames, *decoded.shape[1:])


def _shared(weights: NDArray[np.float32], totals: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probability `totals` (frames,) shared in proportion to weights (K,), evenly where these are all but nothing."""
    shares = weights + 1e-6
    result: NDArray[np.float32] = np.outer(totals, shares / shares.sum())
    return result
