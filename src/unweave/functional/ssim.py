"""Structural similarity of images, at one scale and at several: per image, averaged over channels.

Images are floats with a range of 1, (batch, C, H, W); values outside [0, 1] are allowed. 1 means equal, 0 unrelated
structure, negative values inverted structure.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from unweave.core.errors import ShapeError

Images = Float[Tensor, "batch channel height width"]

WINDOW = 11
"""Side of the Gaussian window in pixels; smaller images have no SSIM."""

_SIGMA = 1.5
_C1, _C2 = 0.01**2, 0.03**2

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents from the finest to the coarsest scale (Wang et al. 2003, section 3.2)."""

_LEAST = 1e-6
"""Floor of what is raised to a power: an anti-correlated scale has no real power, and 0 an infinite gradient."""


def ssim(x: Images, y: Images) -> Float[Tensor, " batch"]:
    """Mean SSIM index (Wang et al. 2004, eq. 13), in [-1, 1]: Gaussian window of 11 pixels and sigma 1.5, K1 0.01,
    K2 0.03, only where the whole window lies in the image.

    Raises:
        ShapeError: the two differ in shape, or a side is shorter than the window.
    """
    _check(x, y, scales=1)
    return _similarity(x, y)[0].mean(1)


def ms_ssim(x: Images, y: Images, *, scales: int | None = None) -> Float[Tensor, " batch"]:
    """Multi-scale SSIM (Wang et al. 2003, eq. 7), in (0, 1]: contrast and structure at every scale, luminance at the
    coarsest, each averaged over the image and raised to its published exponent.

    The five scales of the paper need images of more than 160 pixels. Smaller images have fewer, the finest ones, whose
    exponents are divided by their sum; at one scale it is SSIM, but for the floor of 1e-6 on each factor.

    Args:
        x: images.
        y: images of the same shape.
        scales: 1 to 5; None takes as many as fit (`scales_of`).

    Raises:
        ShapeError: the two differ in shape, or a side is too short for the number of scales.
    """
    scales = scales_of(*x.shape[-2:]) if scales is None else scales
    _check(x, y, scales=scales)
    product = x.new_ones(())
    for scale, exponent in enumerate(exponents(scales), start=1):
        whole, structure = _similarity(x, y)
        factor = whole if scale == scales else structure
        product = product * factor.clamp_min(_LEAST) ** exponent
        if scale < scales:
            x, y = _halve(x), _halve(y)
    return product.mean(1)


def exponents(scales: int) -> tuple[float, ...]:
    """The published five, whose sum is 1.0001; fewer are divided by their sum."""
    first = SCALE_WEIGHTS[:scales]
    return first if scales == len(SCALE_WEIGHTS) else tuple(weight / sum(first) for weight in first)


def scales_of(height: int, width: int) -> int:
    """How many scales fit, at most 5: as often as the shorter side can be halved and still hold the window."""
    side, scales = min(height, width), 1
    while scales < len(SCALE_WEIGHTS) and (side := -(-side // 2)) >= WINDOW:
        scales += 1
    return scales


def _similarity(x: Images, y: Images) -> tuple[Float[Tensor, "batch channel"], Float[Tensor, "batch channel"]]:
    """Means over the image of the SSIM index, and of its contrast and structure alone."""
    mean_x, mean_y, squares, products = _blur(x), _blur(y), _blur(x * x + y * y), _blur(x * y)
    mean_squares, mean_product = mean_x**2 + mean_y**2, mean_x * mean_y
    structure = (2 * (products - mean_product) + _C2) / (squares - mean_squares + _C2)
    luminance = (2 * mean_product + _C1) / (mean_squares + _C1)
    return (luminance * structure).mean((2, 3)), structure.mean((2, 3))


def _blur(x: Tensor) -> Tensor:
    """Average under the window of (…, height, width): two matrix products, quicker than a depthwise convolution."""
    rows, columns = (_window(side, x) for side in x.shape[-2:])
    return rows @ x @ columns.T


def _window(side: int, like: Tensor) -> Float[Tensor, "inside side"]:
    """Row i holds the window from pixel i on."""
    at = torch.arange(WINDOW, device=like.device, dtype=like.dtype) - WINDOW // 2
    kernel = (-0.5 * (at / _SIGMA) ** 2).exp()
    inside = side - WINDOW + 1
    row = pad(kernel / kernel.sum(), (0, inside))  # one longer than a row: each copy begins one further to the right
    return row.repeat(inside)[: inside * side].view(inside, side)


def _halve(x: Images) -> Images:
    """Averages of 2 x 2 pixels; an odd side repeats its last pixel."""
    height, width = x.shape[-2:]
    return avg_pool2d(pad(x, (0, width % 2, 0, height % 2), mode="replicate"), 2)


def _check(x: Images, y: Images, *, scales: int) -> None:
    if x.shape != y.shape:
        raise ShapeError("y", want=f"{tuple(x.shape)}, that of x", got=tuple(y.shape))
    if not 1 <= scales <= len(SCALE_WEIGHTS):
        raise ShapeError("scales", want=f"1 to {len(SCALE_WEIGHTS)}", got=(scales,))
    least = (WINDOW - 1) * 2 ** (scales - 1) + 1
    if x.ndim != 4 or min(x.shape[-2:]) < least:
        want = f"(batch, channel, height, width) with at least {least} pixels a side for {scales} scale(s)"
        raise ShapeError("x", want=want, got=tuple(x.shape))
