import numpy as np
import pytest
from sklearn.datasets import load_digits

from unweave.data.builtin.registry import builtin_set

ROWS = np.arange(1797)[:, None]


def test_digits_are_those_of_scikit_learn():
    digits, source = builtin_set("digits", size=None), load_digits()
    assert digits.shape == (8, 8, 1)
    images = digits.render(ROWS)
    # 16 levels are 15.94 grey values apart, so no two of them fall together.
    np.testing.assert_array_equal(np.rint(images[..., 0] * (16 / 255)), source.images)
    assert images.max() == 255
    np.testing.assert_array_equal(digits.labels(ROWS)[:, 0], source.target)
    assert digits.factors[0].values == tuple("0123456789")


@pytest.mark.parametrize("size", [16, 32])
def test_enlarged_digits_look_like_the_small_ones(size):
    small, large = (builtin_set("digits", size=s).render(ROWS)[..., 0].astype(float) for s in (8, size))
    assert large.shape == (1797, size, size)
    factor = size // 8
    means = large.reshape(1797, 8, factor, 8, factor).mean((2, 4))
    # Bicubic overshoots at strokes and is clipped at 0 and 255; a shift by one small pixel would give 50 and more.
    assert np.abs(means - small).mean() < 12
    assert np.corrcoef(means.ravel(), small.ravel())[0, 1] > 0.98


def test_rows_are_drawn_in_the_order_asked_for():
    digits = builtin_set("digits", size=16)
    some = np.array([[5], [1796], [5]])
    np.testing.assert_array_equal(digits.render(some), digits.render(ROWS)[[5, 1796, 5]])
    assert digits.labels(some).shape == (3, 1)
