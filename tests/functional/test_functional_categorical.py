"""Categorical codes against torch's own distributions."""

import math

import pytest
import torch
from torch.distributions import Categorical, RelaxedOneHotCategorical, kl_divergence

from unweave.functional.categorical import categorical_kl, gumbel_softmax

P = torch.tensor([0.5, 0.3, 0.15, 0.05], dtype=torch.float64)
N = 200_000


@pytest.fixture
def log_p():
    logits = torch.randn(6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return (2 * logits).log_softmax(-1)


def test_kl_is_that_of_torch_and_has_its_gradient(log_p):
    uniform = Categorical(probs=torch.full_like(log_p, 0.2))
    torch.testing.assert_close(categorical_kl(log_p).sum(-1), kl_divergence(Categorical(logits=log_p), uniform))
    logits = log_p.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: categorical_kl(x.log_softmax(-1)).sum(-1), (logits,))


def test_every_class_has_a_share_of_at_least_nothing(log_p):
    assert (categorical_kl(log_p) >= 0).all()
    even = torch.full((1, 5), 0.2, dtype=torch.float64).log()
    assert categorical_kl(even).abs().max() < 1e-15


def test_a_sure_code_costs_log_k_and_its_gradient_is_finite():
    logits = torch.tensor([[200.0, 0, 0, 0]]).requires_grad_()
    kl = categorical_kl(logits.log_softmax(-1)).sum()
    kl.backward()
    assert kl.item() == pytest.approx(math.log(4), abs=1e-6)
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
def test_the_largest_entry_is_a_sample_of_the_class_at_any_temperature(temperature):
    generator = torch.Generator().manual_seed(1)
    sample = gumbel_softmax(P.log().expand(N, 4), temperature, generator=generator)
    torch.testing.assert_close(sample.sum(-1), torch.ones(N).double())
    found = torch.bincount(sample.argmax(-1), minlength=4) / N
    assert ((found - P).abs() < 5 * (P * (1 - P) / N).sqrt()).all()  # five standard errors of a share


@pytest.mark.parametrize("temperature", [0.3, 1.0])
def test_relaxed_samples_have_the_moments_of_torchs_own(temperature):
    sample = gumbel_softmax(P.log().expand(N, 4), temperature, generator=torch.Generator().manual_seed(1))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        other = RelaxedOneHotCategorical(torch.tensor(temperature).double(), probs=P).sample((N,))
    for moment in (sample - other).mean(0), (sample**2 - other**2).mean(0):
        assert (moment.abs() < 5 * math.sqrt(2 * 0.25 / N)).all()  # the variance of numbers in [0, 1] is at most 1/4


def test_a_low_temperature_is_near_one_hot():
    # Short of 0.99 where the two largest noisy logits are within 0.001 ln 99, a probability of about 0.002.
    sample = gumbel_softmax(P.log().expand(N, 4), 0.001, generator=torch.Generator().manual_seed(1))
    assert (sample.max(-1).values > 0.99).double().mean() > 0.99


def test_straight_through_is_one_hot_with_the_gradient_of_the_relaxed_sample(log_p):
    weights = torch.randn(6, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    samples, gradients = [], []
    for hard in (False, True):
        logits = log_p.clone().requires_grad_()
        sample = gumbel_softmax(logits, 0.7, hard=hard, generator=torch.Generator().manual_seed(4))
        (weights * sample).sum().backward()
        samples.append(sample.detach())
        gradients.append(logits.grad)
    assert torch.equal(samples[0].argmax(-1), samples[1].argmax(-1))
    torch.testing.assert_close(samples[1].sort(-1).values, torch.tensor([0.0, 0, 0, 0, 1]).double().expand(6, 5))
    torch.testing.assert_close(*gradients)
    assert gradients[0].abs().sum() > 0


def test_a_seed_means_the_same_sample_in_either_precision(log_p):
    exact, rounded = (
        gumbel_softmax(log_p.to(dtype), 0.5, generator=torch.Generator().manual_seed(0))
        for dtype in (torch.float64, torch.float32)
    )
    torch.testing.assert_close(
        exact.float(), rounded, rtol=1e-4, atol=1e-6
    )  # rounding of logits, twice as large at 0.5
