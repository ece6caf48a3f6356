"""Active units and reconstruction error."""

import numpy as np
import pytest

from unweave.core import Codes, DataError, ShapeError
from unweave.metrics import active_units, reconstruction


def test_active_units_counts_variances_above_the_threshold():
    codes = np.random.default_rng(0).normal(size=(5000, 4)).astype(np.float32) * [1, 0.2, 0.05, 0] + [0, 9, 0, 3]
    score = active_units(Codes(codes.astype(np.float32)))
    assert score.value == 2
    assert score.interval == (2, 2)
    np.testing.assert_allclose(score.matrix[:, 0], codes.var(axis=0), rtol=1e-4, atol=1e-8)


def test_active_units_says_when_it_is_unsure():
    score = active_units(0.1 * np.random.default_rng(0).normal(size=(300, 1)))  # a variance at the threshold
    assert score.interval == (0, 1)


def test_active_units_checks_codes():
    with pytest.raises(DataError, match="NaN"):
        active_units(np.array([[np.nan], [0.0]]))
    with pytest.raises(ShapeError, match="rows"):
        active_units(np.zeros(3))


def test_reconstruction_error_is_per_pixel_in_unit_range():
    images = np.random.default_rng(0).integers(256, size=(60, 8, 8, 3)).astype(np.uint8)
    exact = reconstruction(images, images.astype(np.float32) / 255)
    assert exact.value == pytest.approx(0, abs=1e-12)
    score = reconstruction(images, images.astype(np.float32) / 255 + 0.1)
    assert score.value == pytest.approx(0.01, rel=1e-4)
    assert score.null == pytest.approx(2 / 12 + 0.01, abs=0.01)  # two independent uniform pixels
    assert score.null_interval[0] > score.interval[1]
    assert score.matrix.shape == (60, 1)


def test_reconstruction_interval_is_that_of_a_mean():
    random = np.random.default_rng(0)
    errors = random.exponential(size=(400, 1))
    low, high = reconstruction(np.zeros((400, 1)), np.sqrt(errors), bootstrap=2000, nulls=0).interval
    half = 1.96 * errors.std() / 20
    assert (low, high) == pytest.approx((errors.mean() - half, errors.mean() + half), abs=0.1 * half)


@pytest.mark.parametrize(
    ("original", "decoded", "error", "part"),
    [
        (np.zeros((5, 8, 8, 3)), np.zeros((5, 3, 8, 8)), ShapeError, "height, width, channels"),
        (np.zeros((5, 4)), np.zeros((4, 4)), ShapeError, "observations"),
        (np.zeros(5), np.zeros(5), ShapeError, "observations"),
        (np.zeros((5, 4)), np.full((5, 4), np.nan), DataError, "reconstructions: 20 values"),
        (np.full((5, 4), "a"), np.zeros((5, 4)), DataError, "numbers"),
    ],
)
def test_reconstruction_checks_arrays(original, decoded, error, part):
    with pytest.raises(error, match=part):
        reconstruction(original, decoded)
