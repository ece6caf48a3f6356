"""How far `augment` moves and relights images."""

import numpy as np
import pytest
import torch

from unweave.nets.augment import AugmentConfig

STILL = {"shift": 0, "zoom": 0, "turn": 0, "slant": 0, "gain": 0, "contrast": 0}
COUNT = 600
RAMP = torch.linspace(0.3, 0.6, 40)
"""Rising evenly, so that an image says where it was moved to."""


def changed(images, seed=0, **settings):
    return AugmentConfig(**STILL | settings)(images, np.random.default_rng(seed))


def ramps(*, down):
    across = RAMP[None, :].expand(40, 40)
    return (across.T if down else across).expand(COUNT, 1, 40, 40).contiguous()


def spread(found, limit):
    """That amounts fill their range evenly: up to both ends, centred, with the variance of a uniform distribution.

    The ends of 600 draws lie within 2 % of the limits in all but one of 400 draws of the seed, the mean within 4
    standard errors, the standard deviation within 10 %, about 4 of its standard errors.
    """
    assert found.min() == pytest.approx(-limit, abs=0.02 * limit)
    assert found.max() == pytest.approx(limit, abs=0.02 * limit)
    assert abs(found.mean()) < 4 * limit / np.sqrt(3 * COUNT)
    assert found.std() == pytest.approx(limit / np.sqrt(3), rel=0.1)


def test_without_any_amount_nothing_changes():
    images = ramps(down=False)
    torch.testing.assert_close(changed(images), images)


@pytest.mark.parametrize("down", [False, True])
def test_shift_is_a_share_of_the_side(down):
    middle = changed(ramps(down=down), shift=0.1)[:, 0, 20, 20]
    step = RAMP[1] - RAMP[0]
    spread(((RAMP[20] - middle) / step / 40).numpy(), 0.1)


def test_zoom_is_a_logarithm_either_way():
    found = changed(ramps(down=False), zoom=0.4)[:, 0, 20]
    slope = (found[:, 25] - found[:, 15]) / (RAMP[25] - RAMP[15])
    spread(-slope.log().numpy(), 0.4)


def test_turn_is_in_degrees():
    found = changed(ramps(down=False), turn=20)[:, 0]
    across, down = found[:, 20, 25] - found[:, 20, 15], found[:, 25, 20] - found[:, 15, 20]
    spread(torch.atan2(down, across).rad2deg().numpy(), 20)


def test_slant_is_how_far_across_a_pixel_down_goes():
    found = changed(ramps(down=False), slant=0.3)[:, 0]
    spread(((found[:, 15, 20] - found[:, 25, 20]) / (found[:, 20, 25] - found[:, 20, 15])).numpy(), 0.3)


def test_gain_and_contrast_are_logarithms():
    images = ramps(down=False)
    spread((changed(images, gain=0.4).mean((1, 2, 3)) / images.mean((1, 2, 3))).log().numpy(), 0.4)
    spread((changed(images, contrast=0.4).std((1, 2, 3)) / images.std((1, 2, 3))).log().numpy(), 0.4)


def test_every_amount_is_drawn_apart():
    images = ramps(down=False)
    found = changed(images, gain=0.4, contrast=0.4)
    gain = (found.mean((1, 2, 3)) / images.mean((1, 2, 3))).log().numpy()
    contrast = (found.std((1, 2, 3)) / images.std((1, 2, 3))).log().numpy() - gain
    # The correlation of 600 independent pairs has a standard error of 0.04.
    assert abs(np.corrcoef(gain, contrast)[0, 1]) < 0.16
    both = changed(torch.cat([ramps(down=False)[:300], ramps(down=True)[:300]]), shift=0.1)
    again = changed(ramps(down=True), shift=0.1)
    assert abs(np.corrcoef(both[:300, 0, 20, 20], again[:300, 0, 20, 20])[0, 1]) < 0.22


def test_the_generator_alone_decides():
    images = ramps(down=True)[:4]
    first, again, other = (changed(images, seed, shift=0.1, gain=0.2) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
