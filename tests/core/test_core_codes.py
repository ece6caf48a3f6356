"""Codes with categorical columns: samples of what the encoder says, and of the prior."""

import numpy as np
import pytest

from unweave.core.codes import Codes

BLOCK = (2, 3, 4)
P = np.array([0.6, 0.3, 0.1])


def codes(rows=50_000):
    mean = np.tile(np.concatenate([[1.0, -2.0], P]), (rows, 1)).astype(np.float32)
    logvar = np.tile(np.concatenate([np.log([0.25, 4.0]), np.log(P * (1 - P))]), (rows, 1)).astype(np.float32)
    return Codes(mean, logvar, (BLOCK,), (BLOCK,))


def test_draws_are_those_of_the_posterior():
    found = codes()
    z = found.draw(np.random.default_rng(0))
    assert np.array_equal(np.unique(z[:, BLOCK]), [0, 1])
    assert (z[:, BLOCK].sum(1) == 1).all()
    deviation = np.exp(0.5 * found.logvar[0])
    error = 5 * deviation / np.sqrt(len(z))  # five standard errors of a mean
    assert (np.abs(z.mean(0) - found.mean[0]) < error).all()
    # What the codes say of the variance of a class's column is that of the draws.
    assert z.std(0) == pytest.approx(deviation, rel=0.02)


def test_draws_of_gaussian_codes_are_what_they_were_without_classes():
    found = codes(8)
    noise = np.random.default_rng(0).standard_normal(found.mean.shape, dtype=np.float32)
    plain = Codes(found.mean, found.logvar).draw(np.random.default_rng(0))
    assert np.array_equal(plain, found.mean + noise * np.exp(0.5 * found.logvar))


def test_the_prior_is_normal_and_its_classes_are_uniform():
    z = codes(3).prior(50_000, np.random.default_rng(0))
    assert z.dtype == np.float32
    assert np.abs(z[:, :2].mean(0)).max() < 5 / np.sqrt(len(z))
    assert z[:, :2].std(0) == pytest.approx([1, 1], rel=0.02)
    assert (z[:, BLOCK].sum(1) == 1).all()
    assert np.abs(z[:, BLOCK].mean(0) - 1 / 3).max() < 5 * np.sqrt(2 / 9 / len(z))


def test_rows_keep_their_columns_kinds():
    some = codes(5).take(np.array([3, 1]))
    assert (len(some), some.groups, some.categorical) == (2, (BLOCK,), (BLOCK,))


def test_points_cannot_be_drawn_from():
    with pytest.raises(ValueError, match="points"):
        Codes(np.zeros((2, 2), np.float32)).draw(np.random.default_rng(0))
