"""Distances between feature maps of two images."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

Maps = Float[Tensor, "batch channel height width"]

_LEAST = 1e-10
"""Added to squared norms: a place where no feature fires keeps a finite gradient."""


def unit(maps: Maps) -> Maps:
    """Every place's features divided by their Euclidean norm."""
    return maps * (maps.square().sum(1, keepdim=True) + _LEAST).rsqrt()


def feature_distance(a: Maps, b: Maps, weights: Float[Tensor, " channel"] | None = None) -> Float[Tensor, " batch"]:
    """Squared distance of unit features, averaged over places (Zhang et al. 2018, eq. 1, one layer).

    Args:
        a: feature maps of one image each.
        b: of another image.
        weights: of the channels, not negative; None weighs all with 1, and the distance is twice one minus the cosine:
            in [0, 4], and in [0, 2] for features without a sign.
    """
    squares = (unit(a) - unit(b)).square()
    if weights is not None:
        squares = squares * weights[:, None, None]
    return squares.sum(1).mean((1, 2))
