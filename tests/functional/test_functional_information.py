"""The bound of InfoGAN on a world small enough to add up: 3 classes, 4 observations."""

import itertools
import math

import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from unweave.functional.aggregate import aggregate_covariance
from unweave.functional.information import gaussian_information, information_bound, shared_information

PRIOR = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64)
SHOWN = torch.tensor(  # p(x|c)
    [[0.7, 0.1, 0.1, 0.1], [0.0, 0.6, 0.4, 0.0], [0.25, 0.25, 0.25, 0.25]], dtype=torch.float64
)
JOINT = PRIOR[:, None] * SHOWN
POSTERIOR = (JOINT / JOINT.sum(0)).T  # p(c|x), one row per x
ENTROPY = -(PRIOR * PRIOR.log()).sum()
INFORMATION = float(torch.xlogy(JOINT, JOINT / (PRIOR[:, None] * JOINT.sum(0))).sum())


def expected_bound(q):
    """Mean of the bound over the whole world; q(c|x) has a row per observation."""
    classes, observations = torch.meshgrid(torch.arange(3), torch.arange(4), indexing="ij")
    possible = JOINT.flatten() > 0
    bound = information_bound(q.log()[observations.flatten()[possible]], classes.flatten()[possible], ENTROPY)
    return float((JOINT.flatten()[possible] * bound).sum())


def test_with_the_posterior_the_bound_is_the_mutual_information():
    assert expected_bound(POSTERIOR) == pytest.approx(INFORMATION, abs=1e-12)
    assert 0.1 < INFORMATION < float(ENTROPY)


def test_any_other_reader_stays_below_by_its_divergence_from_the_posterior():
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        q = torch.randn(4, 3, generator=generator, dtype=torch.float64).softmax(-1)
        gap = (JOINT.sum(0) * torch.xlogy(POSTERIOR, POSTERIOR / q).sum(-1)).sum()
        assert expected_bound(q) == pytest.approx(INFORMATION - float(gap), abs=1e-12)
        assert expected_bound(q) < INFORMATION


def test_a_reader_that_climbs_the_bound_finds_the_posterior():
    logits = torch.zeros(4, 3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=200, tolerance_grad=1e-10, tolerance_change=1e-14)
    draws = torch.arange(12)
    classes, observations = draws // 4, draws % 4

    def loss():
        optimizer.zero_grad()
        bound = information_bound(logits.log_softmax(-1)[observations], classes, ENTROPY)
        total = -(JOINT.flatten() * bound).sum()
        total.backward()
        return total

    optimizer.step(loss)
    assert -loss().item() == pytest.approx(INFORMATION, abs=1e-5)
    assert (logits.detach().softmax(-1) - POSTERIOR).abs().max() < 0.01  # flat where p(c|x) is 0


def test_a_perfect_reader_of_uniform_classes_reaches_log_k():
    classes = torch.arange(7)
    q = torch.eye(7).clamp_min(1e-30)
    assert information_bound(q.log(), classes, math.log(7)).mean().item() == pytest.approx(math.log(7))


def test_information_of_two_normal_columns_is_that_of_their_correlation():
    covariance = torch.tensor([[4.0, 0.6 * 2 * 3], [0.6 * 2 * 3, 9.0]], dtype=torch.float64)
    found = gaussian_information(covariance, [1])
    assert found.item() == pytest.approx(-0.5 * math.log(1 - 0.6**2))


def test_information_between_blocks_is_the_divergence_of_the_joint_from_the_product():
    root = torch.randn(5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    covariance = root @ root.T + 0.1 * torch.eye(5, dtype=torch.float64)
    apart = covariance.clone()
    for i, j in itertools.product((1, 3), (0, 2, 4)):
        apart[i, j] = apart[j, i] = 0
    zero = torch.zeros(5, dtype=torch.float64)
    joint, product = MultivariateNormal(zero, covariance), MultivariateNormal(zero, apart)
    found = gaussian_information(covariance, [3, 1])
    assert found.item() == pytest.approx(kl_divergence(joint, product).item(), rel=1e-9)
    assert gaussian_information(covariance, [0, 2, 4]).item() == pytest.approx(found.item(), rel=1e-9)
    # Linear maps within a block, such as other units, change nothing.
    units = torch.diag(torch.tensor([1.0, 7.0, 1.0, 0.2, 3.0], dtype=torch.float64))
    assert gaussian_information(units @ covariance @ units, [1, 3]).item() == pytest.approx(found.item(), rel=1e-9)
    assert gaussian_information(apart, [1, 3]).item() == pytest.approx(0, abs=1e-12)


def test_noise_of_the_encoder_takes_information_away():
    mean = torch.randn(500, 1, generator=torch.Generator().manual_seed(0)).repeat(1, 2)
    found = [
        gaussian_information(aggregate_covariance(mean, torch.tensor([[-6.0, level]]).repeat(500, 1)), [0]).item()
        for level in (-6.0, 0.0, 6.0)
    ]
    assert found == sorted(found, reverse=True)
    # The channel's capacity: a copy through noise of variance exp(6) carries at most 1/2 log(1 + exp(-6) Var) nats.
    assert 0 < found[2] < 0.5 * math.log1p(math.exp(-6.0) * mean.var().item() * 1.01)


# A class is drawn from p(c|x) of four equally likely observations, and read off what each of them turns into.
CLASSES = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.0, 0.6, 0.4]], dtype=torch.float64)
BECOMES = torch.tensor(  # p(y|x), over two things
    [[0.8, 0.2], [0.4, 0.6], [0.3, 0.7], [0.0, 1.0]], dtype=torch.float64
)


def shared(q):
    """Mean of the bound over all pairs (x, y); the batch holds each as often as it is likely, in tenths."""
    x, y = (10 * BECOMES).round().long().nonzero(as_tuple=True)
    times = (10 * BECOMES).round().long()[x, y]
    rows, read = x.repeat_interleave(times), y.repeat_interleave(times)
    return shared_information(CLASSES.clamp_min(1e-300).log()[rows], q.log()[read])


def test_shared_information_reaches_that_of_class_and_copy_with_the_posterior_and_is_below_with_any_other():
    joint = CLASSES.T @ BECOMES / 4  # p(c, y)
    information = float(torch.xlogy(joint, joint / (joint.sum(1, keepdim=True) * joint.sum(0))).sum())
    posterior = (joint / joint.sum(0)).T
    assert shared(posterior).mean().item() == pytest.approx(information, abs=1e-12)
    assert information > 0.05
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        q = torch.randn(2, 3, generator=generator, dtype=torch.float64).softmax(-1)
        gap = float((joint.sum(0) * (posterior * (posterior / q).log()).sum(-1)).sum())
        assert shared(q).mean().item() == pytest.approx(information - gap, abs=1e-12)


def test_shared_information_is_the_bound_of_infogan_summed_over_the_classes():
    generator = torch.Generator().manual_seed(1)
    log_p, log_q = torch.randn(2, 7, 4, generator=generator, dtype=torch.float64).log_softmax(-1)
    entropy = torch.special.entr(log_p.exp().mean(0)).sum()
    each = [information_bound(log_q, torch.full((7,), k), entropy) for k in range(4)]
    want = sum(log_p[:, k].exp() * each[k] for k in range(4))
    torch.testing.assert_close(shared_information(log_p, log_q), want)


def test_shared_information_of_sure_even_classes_is_log_k_and_that_of_one_class_or_no_opinion_is_nothing():
    sure = (100 * torch.eye(5, dtype=torch.float64)).log_softmax(-1)
    assert shared_information(sure, sure).mean().item() == pytest.approx(math.log(5), abs=1e-9)
    for useless in (sure[:1].expand(5, 5), torch.zeros_like(sure).log_softmax(-1)):
        assert shared_information(useless, useless).mean().item() == pytest.approx(0.0, abs=1e-9)


def test_shared_information_moves_both_and_stays_finite_where_a_class_is_never_used():
    logits = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: shared_information(*x.log_softmax(-1)).mean(), (logits,))
    sharp = torch.tensor([[300.0, 0, 0], [0.0, 300, 0]], requires_grad=True)
    shared_information(sharp.log_softmax(-1), sharp.log_softmax(-1)).mean().backward()
    assert sharp.grad.isfinite().all()
