"""The objectives of the VAE family: what each adds, and when."""

import math

import pytest
import torch
from pydantic import ValidationError

from unweave.core.errors import ConfigError
from unweave.core.seeds import derive
from unweave.functional.gaussian import gaussian_kl
from unweave.methods import METHODS
from unweave.methods.critic import critic_loss
from unweave.nets.critic import critic
from unweave.nets.likelihood import Likelihood
from unweave.objectives.aggregate import Capacity, Covariance, Information, KLPart
from unweave.objectives.method import Batch
from unweave.objectives.objective import linear
from unweave.objectives.step import Step
from unweave.objectives.terms import KL
from unweave.testing.methods import make_batch, make_model


def step_of(mean, logvar, iteration=0, z=None, size=1000):
    z = mean if z is None else z
    return Step(mean, mean.sum(-1), mean, logvar, z, iteration, size)


def codes(rows=64, latent=4, seed=0):
    noise = torch.Generator().manual_seed(seed)
    mean, logvar, e = (torch.randn(rows, latent, generator=noise, dtype=torch.float64) for _ in range(3))
    logvar = 0.3 * logvar - 1
    return mean, logvar, mean + (0.5 * logvar).exp() * e


def test_capacity_grows_to_its_end_and_holds_the_kl_from_both_sides():
    mean, logvar, _ = codes()
    kl = gaussian_kl(mean, logvar).sum(1).mean()
    term = Capacity(KL(), linear(0.0, 2 * float(kl), over=100))
    at = [term(step_of(mean, logvar, iteration)) for iteration in (0, 25, 50, 100, 1000)]
    torch.testing.assert_close(torch.stack(at), torch.stack([kl, kl / 2, 0 * kl, kl, kl]))


def test_free_bits_are_per_group_and_stop_the_gradient():
    mean, logvar, _ = codes()
    per_dimension = gaussian_kl(mean, logvar).mean(0)
    mean.requires_grad_()
    between = float(per_dimension.sort().values[1:3].mean())  # two dimensions below, two above
    term = KL(free_bits=between)
    torch.testing.assert_close(term(step_of(mean, logvar)), per_dimension.clamp_min(between).sum())
    term(step_of(mean, logvar)).backward()
    assert torch.equal(mean.grad.abs().sum(0) > 0, per_dimension > between)
    pairs = KL(free_bits=between, groups=((0, 1), (2, 3)))(step_of(mean, logvar))
    torch.testing.assert_close(pairs, per_dimension.reshape(2, 2).sum(1).clamp_min(between).sum())


def test_parts_of_the_kl_are_computed_once_per_step():
    mean, logvar, z = codes()
    step = step_of(mean, logvar, z=z)
    total = Information(KL(), "weighted")(step)
    total += sum(KLPart(part, "weighted")(step) for part in ("total_correlation", "dimension_kl"))
    assert len(step.memo) == 1
    torch.testing.assert_close(total, gaussian_kl(mean, logvar).sum(1).mean())


@pytest.mark.parametrize("estimator", ["weighted", "stratified"])
def test_the_information_has_the_mean_of_its_density_ratio(estimator):
    mean, logvar, _ = codes(rows=32)
    noise = torch.Generator().manual_seed(0)
    ours, ratios = [], []
    for _ in range(400):
        z = mean + (0.5 * logvar).exp() * torch.randn(32, 4, generator=noise, dtype=torch.float64)
        step = step_of(mean, logvar, z=z)
        ours.append(Information(KL(), estimator)(step))
        ratios.append(step.memo[estimator].information.mean())
    ours, ratios = torch.stack(ours), torch.stack(ratios)
    assert abs((ours - ratios).mean()) < 5 * (ours - ratios).std() / 20


@pytest.mark.parametrize(("estimator", "own", "other"), [("weighted", 1 / 64e3, 1 / 64e3), ("stratified", 1e-3, None)])
def test_parts_take_the_size_of_the_data_set_and_not_of_the_batch(estimator, own, other):
    """q(z) of 64 rows out of 1,000, written out; a peer takes the batch for the data set."""
    mean, logvar, z = codes()
    other = 999 / (1000 * 63) if other is None else other
    weights = torch.full((64, 64), other, dtype=torch.float64).fill_diagonal_(own)
    density = torch.distributions.Normal(mean, (0.5 * logvar).exp()).log_prob(z[:, None]).exp()
    joint = (weights * density.prod(-1)).sum(1).log()
    marginals = (weights[..., None] * density).sum(1).log().sum(1)
    found = KLPart("total_correlation", estimator)(step_of(mean, logvar, z=z, size=1000))
    torch.testing.assert_close(found, (joint - marginals).mean())


@pytest.mark.parametrize("beta", [0.5, 1.0, 6.0])
def test_total_correlation_is_punished_whatever_its_weight(beta):
    """A peer weighs it by beta - 1 and takes beta below 1, and so rewards entanglement."""
    method = make_model(METHODS["tc_vae"](latent=4, beta=beta)).method
    mean, logvar, z = codes()
    angle = torch.eye(4, dtype=torch.float64)
    angle[0, 1] = 0.9  # entangles two dimensions
    weights = {name: weight(0) for name, (weight, _) in method.objective.terms.items()}
    assert weights["total_correlation"] == beta
    correlation = method.objective.terms["total_correlation"][1]
    assert correlation(step_of(mean @ angle, logvar, z=z @ angle)) > correlation(step_of(mean, logvar, z=z)) + 0.05


def test_tc_vae_with_unit_weights_is_the_vae():
    batch = make_batch(dtype=torch.float64)
    ours, plain = (
        make_model(METHODS[kind](latent=4, **weights), dtype=torch.float64).method
        for kind, weights in (("tc_vae", {"beta": 1.0}), ("beta_vae", {"beta": 1.0}))
    )
    mine = ours.losses(batch)["vae"].total
    batch.generator.manual_seed(1)
    torch.testing.assert_close(mine, plain.losses(batch)["vae"].total)


def test_free_bits_of_tc_vae_are_those_of_the_kl():
    method = make_model(METHODS["tc_vae"](latent=4, beta=1.0, free_bits=2.0), dtype=torch.float64).method
    parts = method.losses(make_batch(dtype=torch.float64))["vae"].parts
    rate = parts["information"] + parts["total_correlation"] + parts["dimension_kl"]
    assert rate.item() == pytest.approx(8.0)  # an untrained encoder says less than 2 nats in each of 4 dimensions


@pytest.mark.parametrize("form", ["i", "ii"])
def test_covariance_term(form):
    mean, logvar, _ = codes()
    centred = mean - mean.mean(0)
    cov = centred.T @ centred / len(mean)
    if form == "ii":
        cov = cov + torch.diag(logvar.exp().mean(0))
    off = sum(cov[i, j] ** 2 for i in range(4) for j in range(4) if i != j)
    on = sum((cov[i, i] - 1) ** 2 for i in range(4))
    torch.testing.assert_close(Covariance(3.0, 2.0, form)(step_of(mean, logvar)), 3 * off + 2 * on)
    grouped = off - 2 * cov[0, 2] ** 2
    term = Covariance(3.0, 2.0, form, groups=((0, 2), (1,), (3,)))
    torch.testing.assert_close(term(step_of(mean, logvar)), 3 * grouped + 2 * on)


def test_the_critic_learns_the_total_correlation_of_gaussians():
    """At the optimum its logit is log q(z) / prod q(z_j), so its mean over codes is -1/2 log(1 - rho²)."""
    rho, rows = 0.8, 4000
    noise = torch.Generator().manual_seed(0)

    def draw():
        a, b = torch.randn(2, rows, generator=noise)
        return torch.stack([a, rho * a + math.sqrt(1 - rho**2) * b], 1)

    torch.manual_seed(0)
    judge = critic(2, layers=2, width=64)
    adam = torch.optim.Adam(judge.parameters(), lr=3e-3)
    for _ in range(300):
        z = draw()
        adam.zero_grad()
        critic_loss(judge, z, torch.stack([draw()[:, 0], z[:, 1]], 1)).backward()
        adam.step()
    with torch.no_grad():
        assert abs(judge(draw()).mean() + 0.5 * math.log(1 - rho**2)) < 0.06  # truth 0.51; 4,000 rows: sd 0.012


def test_a_critic_that_knows_nothing_loses_log_two():
    z = torch.randn(100, 3)
    assert critic_loss(torch.nn.Linear(3, 1).requires_grad_(False).apply(zero), z, z) == pytest.approx(math.log(2))


def zero(module):
    torch.nn.init.zeros_(module.weight)
    torch.nn.init.zeros_(module.bias)


def test_the_critics_loss_does_not_reach_the_encoder():
    method = make_model(METHODS["factor_vae"](latent=4)).method
    losses = method.losses(make_batch())
    reached = torch.autograd.grad(
        losses["critic"].total, list(method.vae.parameters()), allow_unused=True, retain_graph=True
    )
    assert all(gradient is None for gradient in reached)
    (gradient,) = torch.autograd.grad(losses["vae"].parts["total_correlation"], [method.vae.encoder[1].weight])
    assert gradient.abs().sum() > 0


def test_the_critic_sees_codes_of_one_half_and_shuffled_codes_of_the_other():
    method, seen = make_model(METHODS["factor_vae"](latent=4, critic_width=8)).method, []
    method.critic.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    method.losses(make_batch())
    whole, codes_, shuffled = seen
    assert torch.equal(codes_, whole[:8])
    assert torch.equal(shuffled.sort(0).values, whole[8:].sort(0).values)
    assert not torch.equal(shuffled, whole[8:])


def test_one_row_is_too_few_for_the_critic():
    method, batch = make_model(METHODS["factor_vae"](latent=4, critic_width=8)).method, make_batch()
    with pytest.raises(ConfigError, match=r"two rows.*training\.batch"):
        method.losses(Batch(batch.x[:1], 0, 100, batch.generator))


def test_the_critic_has_a_rate_of_its_own_and_weights_from_the_seed():
    first, again, other = (make_model(METHODS["factor_vae"](latent=4), seed=seed).method for seed in (1, 1, 2))
    assert (first.optimiser("critic").rate, first.optimiser("critic").betas) == (1e-4, (0.5, 0.9))
    assert first.optimiser("vae").rate is None
    states = [method.critic.state_dict()["0.weight"] for method in (first, again, other)]
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])
    assert derive(1, "method") != derive(2, "method")


@pytest.mark.parametrize("kind", ["beta_vae", "tc_vae", "dip_vae", "ada_gvae", "annealed_vae"])
def test_warm_up_moves_the_regulariser_only(kind):
    config = METHODS[kind](latent=4, start=0.0, ramp=10)
    terms = make_model(config).method.objective.terms
    moving = {name for name, (weight, _) in terms.items() if weight(0) != weight(10)}
    assert len(moving) == 1
    (name,) = moving
    assert terms[name][0](0) == 0
    assert terms[name][0](5) == terms[name][0](10) / 2 > 0
    assert terms["reconstruction"][0](0) == 1


def test_sigma_is_the_best_scale_of_the_batch():
    output, x = torch.rand(8, 3, 5, 5, dtype=torch.float64), torch.rand(8, 3, 5, 5, dtype=torch.float64)
    sigma = Likelihood("sigma").double().train()
    ours = sigma.nll(output, x).mean()
    scales = torch.linspace(0.05, 1.0, 2000, dtype=torch.float64)
    tried = torch.stack([-torch.distributions.Normal(output, s).log_prob(x).sum() / 8 for s in scales])
    assert ours <= tried.min()
    torch.testing.assert_close(ours, tried.min(), rtol=1e-5, atol=0)
    output.requires_grad_()
    sigma.nll(output, x).mean().backward()
    mse = (output - x).square().mean()
    # d/d output of (n/2) log mse: the gradient that makes the learned scale unnecessary.
    torch.testing.assert_close(output.grad, (output - x).detach() / mse.detach() / 8)


def test_in_evaluation_sigma_is_remembered_and_rows_do_not_influence_each_other():
    sigma = Likelihood("sigma").train()
    x = torch.zeros(16, 10)
    for _ in range(1500):
        sigma.nll(x + 0.1, x)
    sigma.eval()
    assert sigma.variance == pytest.approx(0.01, rel=1e-3)  # 0.99^1500 of the first value is left
    both = sigma.nll(torch.cat([x[:1] + 0.1, x[:1] + 0.5]), x[:2])
    torch.testing.assert_close(both[:1], sigma.nll(x[:1] + 0.1, x[:1]))


@pytest.mark.parametrize(
    ("kind", "settings", "part"),
    [
        ("beta_vae", {"groups": [[0, 1], [1]]}, "different columns"),
        ("beta_vae", {"groups": [[9]], "latent": 4}, "from 0 to 3"),
        ("beta_vae", {"groups": [[]]}, "empty"),
        ("dip_vae", {"form": "iii"}, "'i' or 'ii'"),
    ],
)
def test_settings_that_cannot_be_meant(kind, settings, part):
    with pytest.raises(ValidationError, match=part):
        METHODS[kind](**settings)


def test_dimensions_that_are_not_named_stand_alone():
    assert METHODS["beta_vae"](latent=4, groups=[[2, 0]]).partition == ((2, 0), (1,), (3,))
    assert METHODS["beta_vae"](latent=4).partition is None
