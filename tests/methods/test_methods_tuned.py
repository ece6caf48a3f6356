"""A decoder that gives way to what is to be edited."""

import numpy as np
import pytest
import torch

from unweave.core.errors import ConfigError, DataError, ShapeError
from unweave.methods.beta_vae import BetaVAEConfig
from unweave.methods.tuned import tuned
from unweave.testing.methods import make_model

KEPT = np.random.default_rng(1).standard_normal((64, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    return make_model(BetaVAEConfig(latent=4))


@pytest.fixture(scope="module")
def images(model):
    """Three pictures of the model's own, with a bright bar that it has never seen."""
    drawn = model.decode(KEPT[:3])
    drawn[:, 4:8] = 0.9
    return np.rint(255 * drawn).astype(np.uint8)


def error(model, images):
    """Mean squared error of each image redrawn."""
    drawn = model.decode(model.encode(images).mean)
    return ((drawn - images / 255) ** 2).mean(axis=(1, 2, 3))


def test_images_are_drawn_as_they_are_and_other_codes_nearly_as_before(model, images):
    before, weights = model.decode(KEPT), {k: v.clone() for k, v in model.method.state_dict().items()}
    fitted = tuned(model, images, KEPT, steps=500)
    assert (error(fitted, images) < 0.1 * error(model, images)).all()
    # Images far from all others cost the rest something, and less than if nothing kept it.
    alone = tuned(model, images, model.encode(images).mean, steps=500)
    moved, free = (np.abs(one.decode(KEPT) - before).mean() for one in (fitted, alone))
    assert moved < 0.5 * free
    assert all(torch.equal(weights[k], v) for k, v in model.method.state_dict().items())


def test_codes_stay_so_that_signatures_hold(model, images):
    fitted = tuned(model, images, KEPT, steps=3)
    np.testing.assert_array_equal(fitted.encode(images).mean, model.encode(images).mean)
    assert np.abs(fitted.decode(KEPT) - model.decode(KEPT)).max() > 0


def test_the_seed_decides(model, images):
    many = np.repeat(images, 5, axis=0)
    first, again, other = (tuned(model, many, KEPT, steps=4, seed=seed).decode(KEPT) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0


def test_mistakes_are_explained(model, images):
    with pytest.raises(ConfigError, match="at least 1, got 0"):
        tuned(model, images, KEPT, steps=0)
    with pytest.raises(DataError, match="got 0 and 64"):
        tuned(model, images[:0], KEPT)
    with pytest.raises(ShapeError):
        tuned(model, images[:, :-1], KEPT)
