"""Categorical codes beside the Gaussian ones: what is trained, what is exported, what is shown."""

import math

import numpy as np
import pytest
import torch

from unweave.core.codes import Codes
from unweave.core.seeds import generator
from unweave.functional.categorical import categorical_kl
from unweave.methods import BetaVAEConfig
from unweave.nets.categorical import CategoricalConfig
from unweave.testing.methods import SHAPE, make_batch, make_model
from unweave.training.monitor import Monitor
from unweave.training.traversal import kl_per_dimension, traverse

SIZES = (3, 4)
BLOCKS = ((2, 3, 4), (5, 6, 7, 8))


def config(**settings):
    return BetaVAEConfig(latent=2, beta=2.0, categorical={"sizes": SIZES, **settings})


@pytest.fixture
def model():
    made = make_model(config())
    with torch.no_grad():  # spread the probabilities
        made.method.vae.encoder[-1].weight[4:] *= 20
    return made


@pytest.fixture
def images():
    return generator(0, "categorical").integers(0, 256, (40, *SHAPE), dtype=np.uint8)


def test_codes_are_means_and_then_probabilities_with_a_group_per_code(model, images):
    codes = model.encode(images)
    assert (model.latent, codes.mean.shape) == (9, (40, 9))
    assert codes.groups == codes.categorical == BLOCKS
    for block in BLOCKS:
        p = codes.mean[:, block].astype(float)
        assert p.sum(1) == pytest.approx(np.ones(40), abs=1e-6)
        assert p.std(0).max() > 0.05
        np.testing.assert_allclose(np.exp(codes.logvar[:, block].astype(float)), p * (1 - p), rtol=1e-3, atol=1e-6)


def test_a_sure_class_has_finite_variance(model, images):
    with torch.no_grad():
        model.method.vae.encoder[-1].bias[4] += 1e4
    codes = model.encode(images)
    assert (codes.mean[:, 2] == 1).all()
    assert np.isfinite(codes.logvar).all()


def test_the_loss_has_the_kl_of_the_classes_with_its_own_weight():
    found = {}
    for weight in (0.0, 3.0):
        method = make_model(config(weight=weight)).method
        found[weight] = method.losses(make_batch())["vae"]
    classes = method.encode(make_batch().x).classes
    want = sum(categorical_kl(log_p).sum(-1).mean() for log_p in classes)
    torch.testing.assert_close(found[3.0].parts["categorical_kl"], want)
    torch.testing.assert_close(found[3.0].total - found[0.0].total, 3 * want, rtol=1e-3, atol=1e-4)
    parts = found[3.0].parts
    torch.testing.assert_close(found[3.0].total, parts["reconstruction"] + 2 * parts["kl"] + 3 * want)


def test_the_decoder_is_given_one_class_only_where_asked():
    for sample, sharp in (("relaxed", False), ("straight_through", True)):
        method, seen = make_model(config(sample=sample)).method, []
        method.vae.decoder.register_forward_pre_hook(lambda _, given, seen=seen: seen.append(given[0].detach()))
        method.losses(make_batch())
        for block in BLOCKS:
            shown = seen[0][:, block]
            torch.testing.assert_close(shown.sum(-1), torch.ones(16))
            assert bool(((shown < 1e-6) | (shown > 1 - 1e-6)).all()) is sharp


def test_the_temperature_falls_by_equal_factors_and_stays():
    schedule = CategoricalConfig(sizes=(2,), temperature=1.0, final_temperature=0.25, anneal=100)
    assert [schedule.temperature_at(i) for i in (0, 50, 100, 1000)] == pytest.approx([1, 0.5, 0.25, 0.25])


def test_the_temperature_reaches_the_samples():
    spread = []
    for iteration in (0, 1000):
        method, seen = make_model(config(temperature=5.0, final_temperature=0.05, anneal=1000)).method, []
        method.vae.decoder.register_forward_pre_hook(lambda _, given, seen=seen: seen.append(given[0].detach()))
        method.losses(make_batch(iteration=iteration))
        spread.append(seen[0][:, BLOCKS[0]].max(-1).values.mean().item())
    assert spread[0] < 0.6 < 0.95 < spread[1]


@pytest.mark.parametrize("sizes", [(), (1,), (3, 1)])
def test_sizes_that_make_no_code_are_refused(sizes):
    with pytest.raises(ValueError, match="sizes"):
        CategoricalConfig(sizes=sizes)


def test_kl_per_column_adds_up_to_the_exact_kl(model, images):
    codes = model.encode(images)
    found = kl_per_dimension(codes)
    assert (found >= 0).all()
    for block in BLOCKS:
        p = codes.mean[:, block].astype(float)
        want = (p * np.log(p * len(block))).sum(1).mean()
        assert found[list(block)].sum() == pytest.approx(want, rel=1e-6)


def test_a_look_counts_the_classes_and_draws_one_of_them(model, images):
    class NoLabels:
        factors = ()

    seen = []
    distortion = type(model).distortion
    look, codes = Monitor(model, images, NoLabels(), [], seed=0).measure()
    assert look.rate == pytest.approx(kl_per_dimension(codes).sum())

    class Recording:
        def __init__(self, inner):
            self.inner = inner

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def distortion(self, observations, z):
            seen.append(z)
            return distortion(self.inner, observations, z)

    Monitor(Recording(model), images, NoLabels(), [], seed=0).measure()
    for block in BLOCKS:
        assert np.array_equal(np.unique(seen[0][:, block]), [0, 1])
        assert (seen[0][:, block].sum(1) == 1).all()


def test_a_traversal_of_a_class_stays_on_the_simplex():
    mean = np.array([[0.0, 0.1, 0.6, 0.3], [1.0, 0.8, 0.1, 0.1], [2.0, 0.0, 0.0, 1.0]], np.float32)
    codes = Codes(mean, np.zeros_like(mean), ((1, 2, 3),), ((1, 2, 3),))

    class Shown:
        latent = 4

        def decode(self, z):
            return z

    moved = traverse(Shown(), codes, dimensions=np.array([0, 2]), frames=5, start=0)
    assert np.array_equal(moved[0, :, 1:], np.tile(mean[0, 1:], (5, 1)))
    assert moved[1, :, 0] == pytest.approx(0.0)
    low, high = np.quantile(mean[:, 2], (0.025, 0.975))
    assert moved[1, :, 2] == pytest.approx(np.linspace(low, high, 5))
    assert moved[1, :, 1:].sum(1) == pytest.approx(np.ones(5))
    assert moved[1, :, 3] / moved[1, :, 1] == pytest.approx(3.0, rel=1e-4)  # as at the start
    sure = traverse(Shown(), codes, dimensions=np.array([3]), frames=2, start=2)
    assert sure[0, 0, 1] == pytest.approx(sure[0, 0, 2])


def test_the_most_that_classes_can_say_is_log_k(model, images):
    with torch.no_grad():
        model.method.vae.encoder[-1].weight[4:] *= 1000
    found = kl_per_dimension(model.encode(images))
    for block in BLOCKS:
        assert 0.9 * math.log(len(block)) < found[list(block)].sum() <= math.log(len(block)) + 1e-6
