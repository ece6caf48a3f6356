"""The net of a judge: small, trained in seconds, right on sharp and on blurred pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from unweave.core.seeds import derive, generator
from unweave.signatures.chart import Chart

FEATURES = 96
"""Width of the layer before the heads, whose outputs are the features."""

_WIDTHS = (16, 32, 64, 64)
_SIDE = 64
"""Larger pictures are averaged down to at most this side before the net sees them."""

_BATCH = 64
_RATE = 3e-3
_BLURS = 4
"""Parts of a batch, each blurred by a strength of its own."""


class JudgeNet(nn.Module):
    """Convolutions (or two dense layers for vectors), one layer of features, and a linear head per factor.

    Args:
        shape: (H, W, C) of an image or (F,) of a vector.
        widths: outputs of each head.
        mean, scale: of vectors, (F,), taken off first.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, shape: Sequence[int], widths: Sequence[int], mean: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.images, self.widths = len(shape) == 3, tuple(widths)
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        self.body = _convolutions(shape) if self.images else _dense(shape[0])
        self.last = nn.LazyLinear(FEATURES)
        self.heads = nn.Linear(FEATURES, sum(widths))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs of all heads side by side (B, sum of widths), and features (B, FEATURES)."""
        x = 2 * x - 1 if self.images else (x - self.mean) / self.scale
        features = functional.relu(self.last(self.body(x).flatten(1)))
        return self.heads(features), features


def _convolutions(shape: Sequence[int]) -> nn.Module:
    """Halve the side until it is at most 4."""
    layers: list[nn.Module] = []
    side, channels = min(*shape[:2], _SIDE), shape[2]
    for width in _WIDTHS:
        if side <= 4:
            break
        layers += [nn.Conv2d(channels, width, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        side, channels = side // 2, width
    return nn.Sequential(*layers)


def _dense(columns: int) -> nn.Module:
    return nn.Sequential(nn.Linear(columns, 128), nn.BatchNorm1d(128), nn.ReLU())


def to_tensor(pictures: NDArray[np.float32]) -> Tensor:
    """Images (N, H, W, C) as (N, C, h, w), averaged down where they are large; vectors as they are."""
    x = torch.from_numpy(np.ascontiguousarray(pictures))
    if x.ndim != 4:
        return x
    x = x.permute(0, 3, 1, 2)
    factor = math.ceil(max(x.shape[-2:]) / _SIDE)
    if factor > 1:
        x = functional.avg_pool2d(x, factor, ceil_mode=True)
    return x.contiguous(memory_format=torch.channels_last)


def train_net(
    pictures: NDArray[np.float32],
    targets: NDArray[np.float32],
    known: NDArray[np.bool_],
    charts: Sequence[Chart],
    *,
    steps: int,
    seed: int,
) -> JudgeNet:
    """A trained net.

    The loss is a mean over factors, each over the rows that have the label: cross-entropy in units of that of a guess
    for classes, squared error in units of the coordinates for the others. Adam with one cycle of the rate (Smith and
    Topin 2019); the same seed gives the same net on the same machine.

    Args:
        pictures: images (N, H, W, C) in [0, 1] or vectors (N, F).
        targets: coordinates of the labels side by side, (N, sum of widths).
        known: (N, K).
        charts: of the K factors.
        steps: batches of 64 rows.
        seed: of weights, batches and augmentation.
    """
    x, y, mask = to_tensor(pictures), torch.from_numpy(targets), torch.from_numpy(known.astype(np.float32))
    random = generator(seed, "judge", "batches")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "judge", "net"))
        net = _net(x, pictures.shape[1:], charts)
        optimiser = torch.optim.Adam(net.parameters(), lr=_RATE)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=steps, pct_start=0.2)
        net.train()
        for rows in _batches(len(x), steps, random):
            at = torch.from_numpy(rows)
            seen = _augmented(x[at], random) if x.ndim == 4 else x[at] + 0.1 * net.scale * torch.randn(x[at].shape)
            outputs, _ = net(seen)
            loss = _loss(outputs, y[at], mask[at], charts)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return net.eval()


def _net(x: Tensor, shape: Sequence[int], charts: Sequence[Chart]) -> JudgeNet:
    if x.ndim == 4:
        mean, scale = torch.zeros(1), torch.ones(1)
    else:
        mean, scale = x.mean(0), x.std(0).clamp_min(1e-6)
    net = JudgeNet(shape, [chart.width for chart in charts], mean, scale)
    net.eval()
    with torch.no_grad():
        net(x[:2])  # a lazy layer learns its width from what it sees
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # the stub lacks it
    return net


def _batches(rows: int, steps: int, random: np.random.Generator) -> list[NDArray[np.int64]]:
    """Rows of each step: each row once before any comes again."""
    size = min(_BATCH, rows)
    needed = -(-steps * size // rows)
    order = np.concatenate([random.permutation(rows) for _ in range(needed)])
    return [order[i * size : (i + 1) * size] for i in range(steps)]


def _loss(outputs: Tensor, targets: Tensor, known: Tensor, charts: Sequence[Chart]) -> Tensor:
    losses, place = [], 0
    for k, chart in enumerate(charts):
        told, truth = outputs[:, place : place + chart.width], targets[:, place : place + chart.width]
        place += chart.width
        if chart.target.factor.kind == "categorical":
            each = functional.cross_entropy(told, truth.argmax(1), reduction="none") / math.log(max(chart.width, 2))
        else:
            each = (told - truth).square().sum(1)
        losses.append((each * known[:, k]).sum() / known[:, k].sum().clamp_min(1))
    return torch.stack(losses).mean()


def _augmented(x: Tensor, random: np.random.Generator) -> Tensor:
    """Images shifted by less than a label can mean, blurred by various strengths, darker or brighter, grainier.

    Shifts reach 1/64 of the side, so that positions stay what they are to within a pixel of 64. Blurs reach a standard
    deviation of 1/24 of the side, about that of a decoder with little training.
    """
    side, parts = x.shape[-1], []
    for part in torch.chunk(x, _BLURS):
        shift = torch.from_numpy(random.uniform(-2 / 64, 2 / 64, (len(part), 2)).astype(np.float32))
        turn = torch.eye(2, 3).repeat(len(part), 1, 1)
        turn[:, :, 2] = shift
        grid = functional.affine_grid(turn, list(part.shape), align_corners=False)
        moved = functional.grid_sample(part, grid, padding_mode="border", align_corners=False)
        parts.append(_blurred(moved, float(random.uniform(0, side / 24)) * float(random.random() < 0.75)))
    mixed = torch.cat(parts)
    rows = len(mixed)
    gain = torch.from_numpy(random.uniform(0.9, 1.1, (rows, 1, 1, 1)).astype(np.float32))
    lift = torch.from_numpy(random.uniform(-0.05, 0.05, (rows, 1, 1, 1)).astype(np.float32))
    grain = torch.from_numpy(random.uniform(0, 0.03, (rows, 1, 1, 1)).astype(np.float32))
    mixed = mixed * gain + lift + grain * torch.randn(mixed.shape)
    return mixed.clamp(0, 1).contiguous(memory_format=torch.channels_last)


def _blurred(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur with a standard deviation in pixels."""
    if sigma < 0.2:
        return x
    reach = min(math.ceil(2.5 * sigma), x.shape[-1] - 1, x.shape[-2] - 1)
    at = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (at / sigma) ** 2)
    kernel = (kernel / kernel.sum()).repeat(x.shape[1], 1)
    padded = functional.pad(x, (reach, reach, reach, reach), mode="replicate")
    across = functional.conv2d(padded, kernel[:, None, None, :], groups=x.shape[1])
    return functional.conv2d(across, kernel[:, None, :, None], groups=x.shape[1])
