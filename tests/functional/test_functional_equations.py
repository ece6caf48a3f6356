"""Equations against torch's own distributions, in float64."""

import pytest
import torch
from torch.distributions import Bernoulli, Laplace, Normal, kl_divergence

from unweave.functional.gaussian import gaussian_kl, reparameterise
from unweave.functional.likelihood import bernoulli_nll, gaussian_nll, laplace_nll


@pytest.fixture
def random(device):
    return torch.Generator(device).manual_seed(0)


def normal(generator, *shape):
    return torch.randn(*shape, generator=generator, device=generator.device, dtype=torch.float64)


def test_kl_is_that_of_torch_and_has_its_gradient(random):
    mean, logvar = normal(random, 5, 3), normal(random, 5, 3)
    want = kl_divergence(Normal(mean, (0.5 * logvar).exp()), Normal(torch.zeros_like(mean), torch.ones_like(mean)))
    torch.testing.assert_close(gaussian_kl(mean, logvar), want)
    assert torch.autograd.gradcheck(gaussian_kl, (mean.requires_grad_(), logvar.requires_grad_()))


def test_bernoulli_nll_at_black_and_white_pixels(random):
    logits = normal(random, 7, 4)
    x = (normal(random, 7, 4) > 0).double()
    torch.testing.assert_close(bernoulli_nll(logits, x), -Bernoulli(logits=logits).log_prob(x))


def test_bernoulli_nll_of_grey_pixels_is_least_at_the_pixel():
    x = torch.full((1,), 0.3, dtype=torch.float64)
    logits = torch.linspace(-3, 3, 2001, dtype=torch.float64)
    best = logits[bernoulli_nll(logits, x.expand_as(logits)).argmin()].sigmoid()
    assert best.item() == pytest.approx(0.3, abs=0.002)  # the grid's step in probability


@pytest.mark.parametrize(("nll", "distribution"), [(gaussian_nll, Normal), (laplace_nll, Laplace)])
def test_scaled_nll_is_that_of_torch(nll, distribution, random):
    mean, x, log_scale = normal(random, 6, 2), normal(random, 6, 2), normal(random, 1)
    torch.testing.assert_close(nll(mean, log_scale, x), -distribution(mean, log_scale.exp()).log_prob(x))


def test_samples_have_the_asked_moments(random):
    n = 200_000
    mean, logvar = torch.tensor([[1.0, -2.0]]).double(), torch.tensor([[0.5, -1.0]]).double()
    z = reparameterise(mean.expand(n, 2), logvar.expand(n, 2), random)
    scale = (0.5 * logvar).exp()[0]
    assert ((z.mean(0) - mean[0]).abs() < 5 * scale / n**0.5).all()  # five standard errors of a mean
    assert ((z.std(0) - scale).abs() < 5 * scale / (2 * n) ** 0.5).all()  # five of a standard deviation
