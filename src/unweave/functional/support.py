"""Factorised support: how far a set of pairs is from holding every combination of its own coordinates."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor


def hausdorff_support(codes: Float[Tensor, "batch latent"], pairs: Int[Tensor, "pairs 2"]) -> Float[Tensor, " pairs"]:
    """Hausdorff distance from the product of two coordinates' supports to their joint support, in standard deviations.

    For coordinates (i, j) it is the largest distance, over all combinations (z_i of one row, z_j of another), to the
    nearest row's own (z_i, z_j) (Roth et al. 2023, section 3.2: the other direction of the distance is 0, since the
    rows are among the combinations). Each coordinate is divided by its standard deviation in the batch, so the distance
    cannot be lowered by shrinking the codes; where a coordinate does not vary it is 0. The gradient is that of the one
    combination and the one row that decide.

    Args:
        codes: (batch, latent).
        pairs: columns (i, j).
    """
    spread = codes.std(0, correction=0, keepdim=True)
    scaled = codes / spread.clamp_min(1e-6)
    first, second = scaled[:, pairs[:, 0]].T, scaled[:, pairs[:, 1]].T
    with torch.no_grad():
        combination, nearest = _deciding(first, second)
    rows = len(codes)
    a, b = combination // rows, combination % rows

    def at(values: Tensor, index: Tensor) -> Tensor:
        return values.gather(1, index[:, None])[:, 0]

    squared = (at(first, a) - at(first, nearest)).square() + (at(second, b) - at(second, nearest)).square()
    # The slope of a root is infinite at 0, where there is nothing to learn.
    return torch.where(squared > 0, squared.clamp_min(1e-12).sqrt(), torch.zeros_like(squared))


def _deciding(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """For each pair: the combination farthest from its nearest row, as a * batch + b, and that row."""
    combinations, rows = [], []
    for x, y in zip(first, second, strict=True):
        across = (x[:, None] - x[None, :]).square()
        along = (y[:, None] - y[None, :]).square()
        # One row's distance to a combination (a, b) is a sum of a part for a and a part for b: batch³ additions.
        distance, row = (across[:, None, :] + along[None, :, :]).min(-1)
        flat = distance.flatten().argmax()
        combinations.append(flat)
        rows.append(row.flatten()[flat])
    return torch.stack(combinations), torch.stack(rows)
