"""Images as they might have been taken a little differently."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

Images = Float[Tensor, "batch channel height width"]
Rows = Float[Tensor, " batch"]


def moved(images: Images, shift: Float[Tensor, "batch 2"], zoom: Rows, turn: Rows) -> Images:
    """Images enlarged about their centre, then turned about it, then shifted.

    Values between pixels are bilinear; what comes in from beyond the edge repeats the nearest pixel of it.

    Args:
        images: to be moved.
        shift: to the right and downwards, as shares of width and height.
        zoom: factor by which things become larger.
        turn: in radians, from the right towards the bottom: clockwise as seen.
    """
    height, width = images.shape[-2:]
    cosine, sine, aspect = turn.cos() / zoom, turn.sin() / zoom, height / width
    # Where each output pixel comes from, in coordinates from -1 to 1 on both axes: the inverse of what is asked.
    inverse = torch.stack([cosine, sine * aspect, -sine / aspect, cosine], -1).view(-1, 2, 2)
    theta = torch.cat([inverse, inverse @ (-2 * shift)[:, :, None]], -1)
    grid = affine_grid(theta, list(images.shape), align_corners=False)
    return grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def relit(images: Images, gain: Rows, contrast: Rows) -> Images:
    """Images in [0, 1] with deviations from their own mean times `contrast`, then all of it times `gain`; clipped."""
    wide = images.shape[:1] + (1,) * (images.ndim - 1)
    mean = images.flatten(1).mean(1).view(wide)
    return (((images - mean) * contrast.view(wide) + mean) * gain.view(wide)).clamp(0, 1)
