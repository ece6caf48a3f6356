"""Fully connected encoder and decoder, for vectors and for images flattened."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import nn


def _stack(sizes: Sequence[int]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return layers[:-1]


def mlp_encoder(shape: tuple[int, ...], outputs: int, *, hidden: Sequence[int] = (512, 256)) -> nn.Module:
    """(batch, *shape) to (batch, outputs); `shape` is what one observation has inside, (F,) or (C, H, W)."""
    return nn.Sequential(nn.Flatten(), *_stack([math.prod(shape), *hidden, outputs]))


def mlp_decoder(shape: tuple[int, ...], latent: int, *, hidden: Sequence[int] = (512, 256)) -> nn.Module:
    """(batch, latent) to raw outputs (batch, *shape)."""
    layers = _stack([latent, *reversed(hidden), math.prod(shape)])
    return nn.Sequential(*layers, nn.Unflatten(1, shape)) if len(shape) > 1 else nn.Sequential(*layers)
