"""Relit images against closed forms."""

import torch

from unweave.functional.light import relit

DOUBLE = torch.float64


def images():
    return torch.rand(2, 2, 9, 14, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)


def rows(*values):
    return torch.tensor(values, dtype=DOUBLE)


def test_factors_of_1_change_nothing():
    torch.testing.assert_close(relit(images(), rows(1, 1), rows(1, 1)), images())


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
