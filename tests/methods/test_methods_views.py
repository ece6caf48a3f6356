"""Copies that keep the class: what may happen to them, and what the hybrid learns from them."""

import math
from dataclasses import replace

import pytest
import torch

from unweave.core.errors import ConfigError
from unweave.methods import BetaVAEConfig, HybridConfig
from unweave.methods.views import ViewsConfig
from unweave.objectives.step import Step
from unweave.objectives.terms import Balance, CategoricalKL, SharedInformation
from unweave.testing.methods import make_batch, make_model

STILL = {"turn": 0.0, "zoom": 0.0, "slant": 0.0, "shift": 0.0, "noise": 0.0}
K = 4


def copies(x, seed=0, **settings):
    return ViewsConfig(**{**STILL, **settings}).copies(x, torch.Generator().manual_seed(seed))


@pytest.fixture
def disc():
    """A bright disc of radius 5 left and below the centre of a dark image, 512 times."""
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    return ((rows - 19).square() + (columns - 12).square() < 25).float().expand(512, 1, 32, 32)


def centres(x):
    """Centre of light of each image, (batch, 2): column and row, in pixels."""
    places = torch.arange(32.0)
    return (
        torch.stack([(x.sum((1, 2)) * places).sum(-1), (x.sum((1, 3)) * places).sum(-1)], -1)
        / x.sum((1, 2, 3))[:, None]
    )


def test_without_any_change_a_copy_is_a_copy(disc):
    torch.testing.assert_close(copies(disc), disc)


def test_shifts_are_even_within_their_bounds(disc):
    moved = (centres(copies(disc, shift=0.2)) - centres(disc)) / 32
    assert moved.abs().max() <= 0.2 + 1e-3  # a pixel's light is shared by interpolation
    assert moved.abs().max() > 0.19
    # The variance of an even draw is the square of its range over 12; five standard errors of it at 512 draws.
    torch.testing.assert_close(moved.var(0), torch.full((2,), 0.4**2 / 12), rtol=5 * math.sqrt(0.8 / 512), atol=0)
    assert torch.corrcoef(moved.T)[0, 1].abs() < 5 / math.sqrt(512)


def test_turns_keep_the_distance_from_the_centre_and_are_in_degrees(disc):
    before, after = centres(disc[:1]) - 15.5, centres(copies(disc, turn=30.0)) - 15.5
    torch.testing.assert_close(after.norm(dim=1), before.norm(dim=1).expand(512), rtol=0.02, atol=0)
    turned = torch.atan2(after[:, 1], after[:, 0]) - torch.atan2(before[:, 1], before[:, 0])
    degrees = torch.rad2deg(torch.remainder(turned + math.pi, 2 * math.pi) - math.pi)
    assert 29 < degrees.max() < 30.5
    assert -30.5 < degrees.min() < -29


def test_zoom_is_the_logarithm_of_the_factor(disc):
    areas = copies(disc, zoom=0.3).sum((1, 2, 3)) / disc[0].sum()
    assert 0.55 < areas.log().max() <= 0.62  # areas grow with the square; the disc has but 80 pixels
    assert -0.65 <= areas.log().min() < -0.55


def test_noise_is_that_of_images_and_of_vectors():
    for x in (torch.full((64, 1, 16, 16), 0.5), torch.zeros(256, 64)):
        noise = copies(x, noise=0.1) - x
        assert noise.std().item() == pytest.approx(0.1, rel=5 / math.sqrt(2 * x.numel()))  # five standard errors


def test_vectors_are_not_moved():
    x = torch.rand(4, 6)
    torch.testing.assert_close(copies(x, turn=90.0, shift=0.5, zoom=1.0, slant=1.0), x)


def test_the_generator_decides_and_rows_differ(disc):
    first, again, other = (copies(disc, seed, shift=0.1, noise=0.1) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first[0], first[1])


def step(log_p, copies_=None):
    nothing = torch.zeros(len(log_p), 1)
    return Step(nothing, nothing[:, 0], nothing, nothing, nothing, 0, 1, classes=(log_p,), copies=copies_ or ())


def test_balance_is_the_categorical_kl_less_the_information():
    log_p = torch.randn(9, K, generator=torch.Generator().manual_seed(0), dtype=torch.float64).log_softmax(-1)
    information = -SharedInformation()(step(log_p, (log_p,)))  # of class and row, where the copy is the row
    torch.testing.assert_close(Balance()(step(log_p)), CategoricalKL()(step(log_p)) - information)
    even = (50 * torch.eye(K, dtype=torch.float64)).log_softmax(-1)
    assert Balance()(step(even)).item() == pytest.approx(0.0, abs=1e-9)
    assert Balance()(step(even[:1])).item() == pytest.approx(math.log(K), abs=1e-9)


def hybrid(**views):
    return make_model(HybridConfig(latent=3, categorical={"sizes": (3,)}, views=views)).method


def test_the_terms_have_the_weights_of_the_section():
    first, second = (hybrid(weight=w, balance=b).losses(make_batch())["vae"] for w, b in ((1.0, 2.0), (4.0, 7.0)))
    parts = first.parts
    torch.testing.assert_close(second.total, first.total + 3 * parts["views"] + 5 * parts["balance"])


def test_the_views_move_the_encoder_and_not_the_decoder():
    method = hybrid()
    views = method.losses(make_batch())["vae"].parts["views"]
    for net, moved in ((method.vae.encoder, True), (method.vae.decoder, False)):
        gradients = torch.autograd.grad(views, list(net.parameters()), retain_graph=True, allow_unused=True)
        assert all((g is not None and bool(g.abs().sum() > 0)) is moved for g in gradients)


@pytest.mark.parametrize("neighbours", [0, 4])
def test_what_is_read_is_a_copy_of_the_row_or_of_its_neighbour(neighbours):
    batch, method = replace(make_batch(), labelled=None), hybrid(**STILL, neighbours=neighbours)
    step = method.beside_copies(method.views, batch)
    likes = batch.partner if neighbours else batch.x
    want = method.vae.posterior(torch.cat([batch.x, likes])).classes[0].chunk(2)
    torch.testing.assert_close((step.classes[0], step.copies[0]), want)
    assert torch.allclose(step.classes[0], step.copies[0], atol=1e-5) is (neighbours == 0)
    shifted = hybrid(**{**STILL, "shift": 0.5}, neighbours=neighbours).beside_copies
    assert not torch.equal(shifted(ViewsConfig(), make_batch()).copies[0], step.copies[0])


def test_views_of_neighbours_without_any_are_refused():
    with pytest.raises(ConfigError, match=r"views\.neighbours: the batch has no partners"):
        hybrid().losses(replace(make_batch(), partner=None))
    assert hybrid(neighbours=0).losses(replace(make_batch(), partner=None))["vae"].total.isfinite()


def test_only_a_hybrid_with_views_asks_for_neighbours():
    assert HybridConfig().wants_neighbours == 10
    assert HybridConfig(views={"neighbours": 3}).wants_neighbours == 3
    for config in (HybridConfig(views=None), BetaVAEConfig(), BetaVAEConfig(categorical={"sizes": (3,)})):
        assert config.wants_neighbours == 0
        net = make_model(config.model_copy(update={"latent": 3})).method.vae.encoder
        assert not any(isinstance(part, torch.nn.BatchNorm1d) for part in net.modules())
