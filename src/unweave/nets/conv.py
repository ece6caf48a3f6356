"""The convolutional pair of the published studies (Locatello et al. 2019, table 1), for any image size."""

from __future__ import annotations

import math
from itertools import pairwise

from torch import nn

from unweave.nets.doubling import DoublingConv
from unweave.nets.frame import Crop, PadTo

_HIDDEN = 256


def _halvings(height: int, width: int) -> int:
    """Stride-2 layers until the shorter side is about 4 pixels: 4 at 64 pixels, 3 at 32."""
    return max(1, round(math.log2(min(height, width) / 4)))


def _channels(layers: int, width: int) -> list[int]:
    return [width if i < layers / 2 else 2 * width for i in range(layers)]


def conv_encoder(shape: tuple[int, int, int], outputs: int, *, width: int = 32) -> nn.Module:
    """(batch, C, H, W) to (batch, outputs), for `shape` = (H, W, C)."""
    height, across, channels = shape
    layers = _halvings(height, across)
    frame = PadTo(height, across, 2**layers)
    blocks: list[nn.Module] = [frame] if frame.padded else []
    before = channels
    for after in _channels(layers, width):
        blocks += [nn.Conv2d(before, after, kernel_size=4, stride=2, padding=1), nn.ReLU(inplace=True)]
        before = after
    cells = before * (frame.height >> layers) * (frame.width >> layers)
    return nn.Sequential(
        *blocks, nn.Flatten(), nn.Linear(cells, _HIDDEN), nn.ReLU(inplace=True), nn.Linear(_HIDDEN, outputs)
    )


def conv_decoder(shape: tuple[int, int, int], latent: int, *, width: int = 32) -> nn.Module:
    """(batch, latent) to raw outputs (batch, C, H, W), for `shape` = (H, W, C)."""
    height, across, channels = shape
    layers = _halvings(height, across)
    frame = PadTo(height, across, 2**layers)
    widths = _channels(layers, width)[::-1]
    map_shape = (widths[0], frame.height >> layers, frame.width >> layers)
    blocks: list[nn.Module] = [
        nn.Linear(latent, _HIDDEN),
        nn.ReLU(inplace=True),
        nn.Linear(_HIDDEN, math.prod(map_shape)),
        nn.ReLU(inplace=True),
        nn.Unflatten(1, map_shape),
    ]
    for before, after in pairwise(widths):
        blocks += [DoublingConv(before, after), nn.ReLU(inplace=True)]
    blocks.append(DoublingConv(widths[-1], channels))
    if frame.padded:
        blocks.append(Crop(height, across))
    return nn.Sequential(*blocks)
