import numpy as np
import pytest
from sklearn.datasets import load_digits

from unweave.data.builtin.registry import builtin_set, draw_rows
from unweave.data.config import DataConfig


def whole(size):
    """All images and labels, and the cells that they come from."""
    digits = builtin_set("digits", size=size)
    index = draw_rows(digits, DataConfig(images="builtin:digits"))
    return digits.render(index), digits.labels(index), index


def test_digits_are_those_of_scikit_learn():
    images, labels, index = whole(None)
    source = load_digits()
    assert images.shape == (1797, 8, 8, 1)
    assert images.max() == 255
    # 17 levels are 15.9 grey values apart, so no two of them fall together.
    levels = np.rint(images[..., 0] * (16 / 255))
    order = np.lexsort(index.T[::-1])
    expected = np.argsort(source.target, kind="stable")
    np.testing.assert_array_equal(levels[order], source.images[expected])
    np.testing.assert_array_equal(labels[order, 0], source.target[expected])


@pytest.mark.parametrize("size", [16, 32])
def test_enlarged_digits_look_like_the_small_ones(size):
    small, large = (whole(s)[0][..., 0].astype(float) for s in (8, size))
    assert large.shape == (1797, size, size)
    factor = size // 8
    means = large.reshape(1797, 8, factor, 8, factor).mean((2, 4))
    # Bicubic overshoots at strokes and is clipped at 0 and 255; a shift by one small pixel would give 50 and more.
    assert np.abs(means - small).mean() < 12
    assert np.corrcoef(means.ravel(), small.ravel())[0, 1] > 0.98
    # Strokes are smooth: no step between neighbours is as large as the largest of the small images.
    steps = [np.abs(np.diff(images, axis=2)).max() for images in (small, large)]
    assert steps[1] < 0.8 * steps[0]
