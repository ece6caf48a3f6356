"""Moved copies against exact cases and SciPy's affine transform."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform

from unweave.functional.moves import distortion_matrix, move

ONE = torch.eye(2, dtype=torch.float64)[None]
STILL = torch.zeros(1, 2, dtype=torch.float64)


@pytest.fixture
def picture():
    return torch.rand(1, 2, 6, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def matrix(turn=0.0, zoom=0.0, slant=0.0):
    return distortion_matrix(*(torch.tensor([amount], dtype=torch.float64) for amount in (turn, zoom, slant)))


def test_nothing_changes_nothing(picture):
    torch.testing.assert_close(matrix(), ONE)
    torch.testing.assert_close(move(picture, ONE, STILL), picture)


def test_a_shift_by_whole_pixels_moves_them_right_and_down_and_repeats_the_edge(picture):
    moved = move(picture, ONE, torch.tensor([[2 / 9, 1 / 6]], dtype=torch.float64))
    torch.testing.assert_close(moved[..., 1:, 2:], picture[..., :-1, :-2])
    torch.testing.assert_close(moved[..., 1:, 0], picture[..., :-1, 0])
    torch.testing.assert_close(moved[..., 0, 2:], picture[..., 0, :-2])


def test_a_quarter_turn_is_clockwise(picture):
    square = picture[..., :6]
    torch.testing.assert_close(move(square, matrix(turn=math.pi / 2), STILL), torch.rot90(square, -1, (-2, -1)))


def test_the_order_is_slant_turn_zoom():
    """The point (0, 1), one down: slanted to (s, 1), then turned, then enlarged."""
    turn, zoom, slant = 0.3, 0.2, 0.5
    turned = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]) @ [slant, 1.0]
    np.testing.assert_allclose(matrix(turn, zoom, slant)[0].numpy()[:, 1], math.exp(zoom) * turned)
    np.testing.assert_allclose(matrix(turn, zoom, slant)[0].numpy()[:, 0], matrix(turn, zoom)[0].numpy()[:, 0])


@pytest.mark.parametrize(
    ("turn", "zoom", "slant", "shift"),
    [(0.4, 0.0, 0.0, (0.0, 0.0)), (0.0, 0.3, 0.2, (0.1, -0.2)), (-0.7, -0.25, -0.3, (0.05, 0.1))],
)
def test_it_is_scipys_affine_transform_on_pictures_that_are_not_square(picture, turn, zoom, slant, shift):
    forward = matrix(turn, zoom, slant)
    moved = move(picture, forward, torch.tensor([shift], dtype=torch.float64))
    height, width = picture.shape[2:]
    centre = np.array([(height - 1) / 2, (width - 1) / 2])
    offset = np.array([shift[1] * height, shift[0] * width])
    back = np.linalg.inv(forward[0].numpy())[::-1, ::-1]  # SciPy counts rows first
    for channel in range(2):
        want = affine_transform(
            picture[0, channel].numpy(), back, offset=centre - back @ (centre + offset), order=1, mode="nearest"
        )
        np.testing.assert_allclose(moved[0, channel].numpy(), want, atol=1e-12)


def test_rows_have_amounts_of_their_own(picture):
    both = move(picture.expand(2, -1, -1, -1), torch.cat([ONE, matrix(turn=0.5)]), torch.cat([STILL, STILL + 0.1]))
    torch.testing.assert_close(both[:1], picture)
    torch.testing.assert_close(both[1:], move(picture, matrix(turn=0.5), STILL + 0.1))
