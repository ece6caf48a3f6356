"""A residual pair for 16 to 256 pixels: pre-activation blocks (He et al. 2016) with group normalisation."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from unweave.nets.frame import Crop, PadTo

_HIDDEN = 256


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(math.gcd(8, channels), channels)


class ResidualBlock(nn.Module):
    """x + f(x), f two 3 x 3 convolutions that start as zero, so that a deep net starts as a shallow one."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        last = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        nn.init.zeros_(last.weight)
        self.body = nn.Sequential(
            _norm(channels), nn.SiLU(), nn.Conv2d(channels, channels, 3, padding=1), _norm(channels), nn.SiLU(), last
        )

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, h, w) to the same."""
        return torch.add(x, self.body(x))


def _widths(layers: int, width: int) -> list[int]:
    return [min(width << i, 8 * width) for i in range(layers)]


def _layers(height: int, width: int) -> int:
    return max(1, round(math.log2(min(height, width) / 4)))


def residual_encoder(shape: tuple[int, int, int], outputs: int, *, width: int = 32) -> nn.Module:
    """(batch, C, H, W) to (batch, outputs), for `shape` = (H, W, C)."""
    height, across, channels = shape
    layers = _layers(height, across)
    frame = PadTo(height, across, 2**layers)
    blocks: list[nn.Module] = [frame] if frame.padded else []
    before = channels
    for after in _widths(layers, width):
        blocks += [nn.Conv2d(before, after, kernel_size=4, stride=2, padding=1), ResidualBlock(after)]
        before = after
    cells = before * (frame.height >> layers) * (frame.width >> layers)
    head = [nn.Flatten(), nn.Linear(cells, _HIDDEN), nn.SiLU(), nn.Linear(_HIDDEN, outputs)]
    return nn.Sequential(*blocks, _norm(before), nn.SiLU(), *head)


def residual_decoder(shape: tuple[int, int, int], latent: int, *, width: int = 32) -> nn.Module:
    """(batch, latent) to raw outputs (batch, C, H, W), for `shape` = (H, W, C)."""
    height, across, channels = shape
    layers = _layers(height, across)
    frame = PadTo(height, across, 2**layers)
    widths = _widths(layers, width)[::-1]
    map_shape = (widths[0], frame.height >> layers, frame.width >> layers)
    blocks: list[nn.Module] = [nn.Linear(latent, _HIDDEN), nn.SiLU(), nn.Linear(_HIDDEN, math.prod(map_shape))]
    blocks.append(nn.Unflatten(1, map_shape))
    for before, after in zip(widths, [*widths[1:], widths[-1]], strict=True):
        blocks += [ResidualBlock(before), nn.ConvTranspose2d(before, after, kernel_size=4, stride=2, padding=1)]
    blocks += [_norm(widths[-1]), nn.SiLU(), nn.Conv2d(widths[-1], channels, kernel_size=3, padding=1)]
    if frame.padded:
        blocks.append(Crop(height, across))
    return nn.Sequential(*blocks)
