"""The hybrid: two stages of one training, and what the information term moves."""

import math

import pytest
import torch

from unweave.methods import BetaVAEConfig, HybridConfig
from unweave.testing.methods import make_batch, make_model

LOG_K = math.log(3)


def config(**settings):
    return HybridConfig(latent=3, categorical={"sizes": (3,)}, fine_tune_after=100, **settings)


def test_the_first_stage_without_copies_is_a_beta_vae():
    hybrid = make_model(config(beta=2.0, views=None)).method
    plain = make_model(BetaVAEConfig(latent=3, beta=2.0, categorical={"sizes": (3,)})).method
    for iteration in (0, 99):
        losses = hybrid.losses(make_batch(iteration=iteration))
        assert set(losses) == {"vae"}
        torch.testing.assert_close(losses["vae"].total, plain.losses(make_batch(iteration=iteration))["vae"].total)


def test_the_second_stage_begins_at_its_step_and_subtracts_the_weighted_bound():
    method = make_model(config(information=0.7)).method
    losses = method.losses(make_batch(iteration=100))
    assert set(losses) == {"vae", "reader"}
    without = make_model(config(information=0.0)).method.losses(make_batch(iteration=100))
    bound = losses["vae"].parts["information"]
    torch.testing.assert_close(losses["vae"].total, without["vae"].total - 0.7 * bound)
    torch.testing.assert_close(losses["reader"].total, -bound)


def test_the_bound_is_a_bound():
    """An untrained reader of classes that nothing shows knows nothing, and pays for guessing unevenly."""
    method = make_model(config()).method
    bound = method.losses(make_batch(iteration=100))["vae"].parts["information"]
    assert bound < 0.1 * LOG_K


def test_classes_that_the_decoder_shows_are_read_and_the_bound_reaches_log_k():
    method = make_model(config()).method
    decoder = torch.nn.Linear(6, 256)
    with torch.no_grad():  # class k lights up a third of the pixels of its own, whatever z is
        decoder.weight.zero_()
        decoder.bias.fill_(-9.0)
        for k in range(3):
            decoder.weight[80 * k : 80 * (k + 1), 3 + k] = 18.0
    method.vae.decoder = torch.nn.Sequential(decoder, torch.nn.Unflatten(1, (1, 16, 16)))
    optimizer, draws = torch.optim.Adam(method.reader.parameters(), lr=1e-2), torch.Generator().manual_seed(0)
    for _ in range(60):
        loss = -method.information(torch.zeros(64, 3), draws)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert -loss.item() == pytest.approx(LOG_K, rel=0.02)
    assert -loss.item() <= LOG_K + 1e-6  # rounding


def test_the_information_moves_decoder_and_reader_and_not_the_encoder():
    method = make_model(config()).method
    information = method.losses(make_batch(iteration=100))["vae"].parts["information"]
    for net, moved in ((method.vae.encoder, False), (method.vae.decoder, True), (method.reader, True)):
        gradients = torch.autograd.grad(information, list(net.parameters()), retain_graph=True, allow_unused=True)
        assert all((g is not None and bool(g.abs().sum() > 0)) is moved for g in gradients)


def test_several_codes_add_up():
    method = make_model(HybridConfig(latent=3, categorical={"sizes": (3, 5)}, fine_tune_after=0)).method
    with torch.no_grad():
        for parameter in method.reader.parameters():
            parameter.zero_()
    # A reader that says the same probability of every class knows nothing of any code.
    assert method.losses(make_batch())["vae"].parts["information"].item() == pytest.approx(0.0, abs=1e-6)


def test_a_hybrid_without_classes_is_refused():
    with pytest.raises(ValueError, match="categorical"):
        HybridConfig(categorical=None)
