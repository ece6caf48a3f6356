"""Moved and relit images, against an independent implementation and closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform

from unweave.functional.augment import moved, relit

DOUBLE = torch.float64
HIGH, WIDE = 9, 14


def images(count=2, channels=2):
    return torch.rand(count, channels, HIGH, WIDE, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)


def rows(*values):
    return torch.tensor(values, dtype=DOUBLE)


def test_nothing_asked_changes_nothing():
    x = images()
    torch.testing.assert_close(moved(x, torch.zeros(2, 2, dtype=DOUBLE), rows(1, 1), rows(0, 0)), x)
    torch.testing.assert_close(relit(x, rows(1, 1), rows(1, 1)), x)


def test_whole_pixels_to_the_right_and_down_repeat_the_edge():
    x = images(1)
    found = moved(x, rows(3 / WIDE, 2 / HIGH)[None], rows(1), rows(0))
    torch.testing.assert_close(found[:, :, 2:, 3:], x[:, :, :-2, :-3])
    torch.testing.assert_close(found[:, :, 2:, :3], x[:, :, :-2, :1].expand(-1, -1, -1, 3))
    torch.testing.assert_close(found[:, :, 0], found[:, :, 2])


def test_a_quarter_turn_is_clockwise():
    x = images(1)[..., :HIGH]
    found = moved(x, rows(0, 0)[None], rows(1), rows(math.pi / 2))
    torch.testing.assert_close(found, x.rot90(-1, (2, 3)))


@pytest.mark.parametrize("seed", range(3))
def test_every_image_is_moved_as_scipy_moves_it(seed):
    random = np.random.default_rng(seed)
    shift, zoom, turn = random.uniform(-0.3, 0.3, (4, 2)), random.uniform(0.6, 1.6, 4), random.uniform(-3, 3, 4)
    x = images(4)
    found = moved(x, torch.from_numpy(shift), torch.from_numpy(zoom), torch.from_numpy(turn)).numpy()
    for k in range(4):
        # In pixels, (row, column): turning from the right towards the bottom takes (0, 1) to (sin, cos).
        forward = zoom[k] * np.array([[np.cos(turn[k]), np.sin(turn[k])], [-np.sin(turn[k]), np.cos(turn[k])]])
        back, centre = np.linalg.inv(forward), np.array([HIGH - 1, WIDE - 1]) / 2
        offset = centre - back @ (centre + shift[k, ::-1] * [HIGH, WIDE])
        for channel in range(2):
            want = affine_transform(x[k, channel].numpy(), back, offset, order=1, mode="nearest")
            np.testing.assert_allclose(found[k, channel], want, atol=1e-9)


def test_contrast_is_about_the_mean_of_each_image_and_gain_multiplies():
    x = 0.3 + 0.2 * images()
    found = relit(x, rows(1.2, 0.8), rows(0.5, 1.5))
    for k, (gain, contrast) in enumerate([(1.2, 0.5), (0.8, 1.5)]):
        torch.testing.assert_close(found[k].mean(), gain * x[k].mean())
        torch.testing.assert_close(found[k].std(), gain * contrast * x[k].std())
    # Channels keep their hue but for contrast: one mean for all of them, not one each.
    torch.testing.assert_close(relit(x, rows(1, 1), rows(0, 0)), x.mean((1, 2, 3), keepdim=True).expand_as(x))


def test_light_stays_between_black_and_white():
    found = relit(images(), rows(1, 3), rows(4, 1))
    assert found.min() == 0
    assert found.max() == 1
