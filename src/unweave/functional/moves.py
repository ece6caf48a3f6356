"""Copies of images, each turned, enlarged, slanted and shifted by amounts of its own."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

Images = Float[Tensor, "batch channels height width"]
Amounts = Float[Tensor, " batch"]
Matrices = Float[Tensor, "batch 2 2"]


def distortion_matrix(turn: Amounts, zoom: Amounts, slant: Amounts) -> Matrices:
    """What takes a point (x to the right, y down) of each image to its place in the copy, about the image's centre.

    Args:
        turn: angle in radians, clockwise on the screen.
        zoom: logarithm of the factor of enlargement.
        slant: tangent of the shear, by which y moves x before the turn.
    """
    cos, sin = turn.cos(), turn.sin()
    rows = torch.stack([cos, slant * cos - sin], -1), torch.stack([sin, slant * sin + cos], -1)
    return torch.stack(rows, -2) * zoom.exp()[:, None, None]


def move(x: Images, matrix: Matrices, shift: Float[Tensor, "batch 2"]) -> Images:
    """Each image under its own affine map, bilinear; beyond an edge it goes on as it is at the edge.

    Args:
        x: the images.
        matrix: invertible, as `distortion_matrix` makes them; distances are in pixels both ways.
        shift: after that, to the right and down, in shares of the width and the height.
    """
    sides = x.new_tensor([x.shape[3], x.shape[2]])
    back = torch.linalg.inv(matrix) * sides / sides[:, None]  # coordinates of the grid are from -1 to 1 on each side
    maps = torch.cat([back, -2 * back @ shift[:, :, None]], -1)
    grid = affine_grid(maps, list(x.shape), align_corners=False)
    return grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
