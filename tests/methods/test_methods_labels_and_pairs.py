"""Supervision, factorised support and pairs inside a method."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from unweave.core.binding import Binding
from unweave.core.errors import ConfigError
from unweave.core.factors import Factor
from unweave.core.targets import Target
from unweave.functional.pairs import arithmetic_average, gaussian_divergence, product_average, the_other
from unweave.functional.support import hausdorff_support
from unweave.methods import AdaGVAEConfig, AdaMLVAEConfig, BetaVAEConfig
from unweave.methods.paired import PairedAutoencoder
from unweave.methods.supervision import CorrelatedConfig, SupervisionConfig, support_columns
from unweave.nets.build import build_nets
from unweave.nets.config import NetConfig
from unweave.objectives.method import Batch, Posterior
from unweave.objectives.step import LabelledCodes, Step
from unweave.objectives.supervision import Apart, Supervision, label_errors
from unweave.objectives.support import PER_STEP, FactorisedSupport
from unweave.testing.methods import CHECKS, check_method, make_batch, make_model

SHAPE = Target(Factor(name="shape", kind="categorical", values=("a", "b", "c")))
SIZE = Target(Factor(name="size", kind="ordinal", values=("s", "m", "l")), 1.0, 0.8)
TURN = Target(Factor(name="turn", kind="circular", range=(0, 360)), 0.0, 57.3)


def binding(*targets, correlated=(), **settings):
    return Binding(SupervisionConfig(**settings).bind(targets, 10), correlated)


def step(codes, values, known=None, weights=None):
    known = torch.ones_like(values, dtype=torch.bool) if known is None else torch.tensor(known)
    weights = torch.ones(len(values)) if weights is None else torch.tensor(weights)
    x = torch.zeros(2, 1)
    labelled = LabelledCodes(codes, values, known, weights)
    return Step(x, torch.zeros(2), torch.zeros(2, 3), torch.zeros(2, 3), torch.zeros(2, 3), 0, 100, labelled)


def test_the_term_is_the_sum_over_factors_of_the_mean_over_their_labels():
    codes = torch.tensor([[0.5, 9.0], [2.0, 1.0], [0.0, 0.0], [1.0, -1.0]])
    values = torch.tensor([[1.0, 0.0], [0.0, 3.0], [7.0, 7.0], [0.0, 1.0]])
    known = [[True, False], [True, True], [False, False], [True, True]]
    found = Supervision(binding(SIZE, Target(Factor(name="x", kind="continuous"))))(step(codes, values, known))
    want = (0.5 * (0.5**2 + 2**2 + 1**2) / 3) + 0.5 * (2**2 + 2**2) / 2
    assert found.item() == pytest.approx(want)


def test_rows_count_by_their_weight():
    codes, values = torch.tensor([[1.0], [3.0]]), torch.zeros(2, 1)
    found = Supervision(binding(SIZE))(step(codes, values, weights=[0.5, 1.5]))
    assert found.item() == pytest.approx(0.5 * (0.5 * 1 + 1.5 * 9) / 2)


def test_a_factor_without_a_label_in_the_step_adds_nothing_and_no_gradient():
    codes = torch.ones(2, 2, requires_grad=True)
    values = torch.tensor([[float("nan"), 0.0], [0.0, 0.0]]).nan_to_num(0)
    found = Supervision(binding(SIZE, Target(Factor(name="x", kind="continuous"))))(
        step(codes, values, [[False, True], [False, True]])
    )
    found.backward()
    assert found.item() == pytest.approx(0.5)
    assert codes.grad[:, 0].tolist() == [0, 0]


def test_each_kind_reads_its_own_columns():
    bound = binding(SHAPE, TURN, SIZE, classes="logits").bound
    assert [b.columns for b in bound] == [(0, 1, 2), (3, 4), (5,)]
    for b in bound:
        codes = torch.randn(4, 10, generator=torch.Generator().manual_seed(0), requires_grad=True)
        label_errors(b, codes, torch.tensor([0.0, 1, 2, 1])).sum().backward()
        moved = tuple(codes.grad.abs().sum(0).nonzero().flatten().tolist())
        assert moved == b.columns


def test_the_decoder_sees_probabilities_of_classes_where_it_is_asked_to():
    def drawn(classes, shift):
        asked = SupervisionConfig(classes=classes)
        model = make_model(BetaVAEConfig(latent=6, supervision=asked))
        (colour, size) = model.binding.bound
        assert (colour.columns, size.columns) == ((0, 1, 2), (3,))
        code = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
        return model.decode(code), model.decode(code + np.float32(shift))

    one, two = drawn("probabilities", [2, 2, 2, 0, 0, 0])
    np.testing.assert_allclose(one, two, atol=1e-6)
    for classes, shift in (
        ("logits", [2, 2, 2, 0, 0, 0]),
        ("probabilities", [2, 0, 0, 0, 0, 0]),
        ("probabilities", [0, 0, 0, 2, 0, 0]),
        ("probabilities", [0, 0, 0, 0, 2, 2]),
    ):
        one, two = drawn(classes, shift)
        assert np.abs(one - two).max() > 1e-4


@pytest.mark.parametrize("kind", [AdaGVAEConfig, BetaVAEConfig])
def test_the_contract_holds_with_probabilities(kind):
    config = kind(latent=6, supervision=SupervisionConfig(classes="probabilities"))
    assert len(check_method(config)) == len(CHECKS)


@pytest.mark.parametrize("classes", ["line", "logits", "probabilities"])
def test_classes_are_learnt_on_one_column_and_on_one_each(classes):
    bound = binding(SHAPE, classes=classes).bound[0]
    codes = torch.zeros(3, len(bound.columns), requires_grad=True)
    optimizer = torch.optim.Adam([codes], lr=0.1)
    for _ in range(200):
        optimizer.zero_grad()
        label_errors(bound, codes, torch.tensor([2.0, 0, 1])).sum().backward()
        optimizer.step()
    # On a line the class in the middle keeps its neighbours in sight: log(1 + 2 exp(-2)).
    assert label_errors(bound, codes, torch.tensor([2.0, 0, 1])).max() < 0.24
    assert label_errors(bound, codes, torch.tensor([0.0, 1, 2])).min() > 1


def test_without_labels_in_the_step_the_term_is_0():
    bare = Step(torch.zeros(2, 1), torch.zeros(2), *(torch.zeros(2, 3) for _ in range(3)), 0, 100)
    assert Supervision(binding(SIZE))(bare).item() == 0


def test_support_takes_the_columns_of_correlated_factors_or_all():
    both = binding(SHAPE, TURN, SIZE, correlated=(("turn", "size"),))
    assert support_columns(both, 10) == ((1, 3), (2, 3))
    assert support_columns(binding(SHAPE, SIZE), 10) == ()
    assert support_columns(Binding(), 4) == ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))


def test_pairs_of_columns_take_turns():
    columns = tuple((0, k) for k in range(1, 14))
    seen = []

    class Spy(FactorisedSupport):
        def __call__(self, step):
            seen.append([self.columns[(step.iteration * PER_STEP + k) % 13] for k in range(PER_STEP)])
            return super().__call__(step)

    codes = torch.randn(6, 14, generator=torch.Generator().manual_seed(0))
    for iteration in range(13):
        Spy(columns)(Step(codes, codes[:, 0], codes, codes, codes, iteration, 100))
    counts = {pair: sum(pair in chosen for chosen in seen) for pair in columns}
    assert set(counts.values()) == {PER_STEP}


def test_columns_that_are_not_in_use_have_no_support():
    generator = torch.Generator().manual_seed(0)
    mean, logvar = torch.randn(64, 3, generator=generator), torch.zeros(64, 3)
    mean[:, 1] = mean[:, 0]
    mean[:, 2] *= 0.05  # a signal of 0.0025 beside noise of 1: 0.00125 nats
    found = FactorisedSupport(((0, 1), (0, 2), (1, 2)))(codes_step(mean, logvar))
    torch.testing.assert_close(found, hausdorff_support(mean, torch.tensor([[0, 1]]))[0])
    logvar[:, 2] = -8.0  # the same signal through a quiet channel
    found = FactorisedSupport(((0, 1), (0, 2), (1, 2)))(codes_step(mean, logvar))
    torch.testing.assert_close(found, hausdorff_support(mean, torch.tensor([[0, 1], [0, 2], [1, 2]])).mean())
    assert FactorisedSupport(((0, 1),))(codes_step(mean * 1e-3, torch.zeros(64, 3))).item() == 0


def test_the_objective_has_the_terms_that_the_sections_ask_for():
    plain = make_model(BetaVAEConfig(latent=4)).method
    full = make_model(
        BetaVAEConfig(latent=4, supervision=SupervisionConfig(weight=3), correlated=CorrelatedConfig(support=2))
    ).method
    assert set(plain.losses(make_batch())["vae"].parts) == {"reconstruction", "kl"}
    found = full.losses(make_batch())["vae"]
    # Labelled, and nothing correlated among the labelled factors: no pair of columns for the support.
    assert set(found.parts) == {"reconstruction", "kl", "supervision"}
    parts = found.parts
    assert found.total.item() == pytest.approx(
        (parts["reconstruction"] + 4 * parts["kl"] + 3 * parts["supervision"]).item(), rel=1e-5
    )
    free = make_model(BetaVAEConfig(latent=4, correlated=CorrelatedConfig(support=2))).method
    assert set(free.losses(make_batch())["vae"].parts) == {"reconstruction", "kl", "support"}


def codes_step(mean, logvar):
    rows = torch.zeros(len(mean))
    return Step(rows[:, None], rows, mean, logvar, mean, 0, 100)


def test_apart_is_the_information_of_bound_columns_and_the_others_in_samples():
    # Columns 0 and 1 are bound; 2 copies the angle's second column with noise, 3 is on its own.
    mean = torch.randn(20_000, 4, generator=torch.Generator().manual_seed(0))
    mean[:, 2] = mean[:, 1]
    logvar = torch.tensor([-1.0, -2.0, 0.0, 1.0]).repeat(len(mean), 1)
    bound = Binding(SupervisionConfig().bind((TURN,), 4))
    rho = 1 / math.sqrt((1 + math.exp(-2)) * (1 + 1))
    # The estimate is good to about 1 / sqrt(rows) times a small number.
    assert Apart(bound)(codes_step(mean, logvar)).item() == pytest.approx(-0.5 * math.log(1 - rho**2), abs=0.01)
    free = mean.clone()
    free[:, 2] = mean[:, 3]  # the others may know each other
    assert Apart(bound)(codes_step(free, logvar)).item() < 0.01


def test_apart_moves_a_copy_away_and_takes_half_precision():
    x = torch.randn(64, 1, generator=torch.Generator().manual_seed(0))
    bound = Binding(SupervisionConfig().bind((SIZE,), 2))
    share = torch.tensor(1.0, requires_grad=True)
    own = torch.randn(64, 1, generator=torch.Generator().manual_seed(1))
    step = codes_step(torch.cat([x, share * x + own], 1), torch.full((64, 2), -2.0))
    Apart(bound)(step).backward()
    assert share.grad > 0
    half = codes_step(step.mean.detach().bfloat16(), step.logvar.bfloat16())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = Apart(bound)(half)
    assert found.dtype == torch.float32
    # Numbers of 8 bits are off by 0.4 %, and so is the information, about.
    assert found.item() == pytest.approx(Apart(bound)(step).item(), rel=0.02)


def test_apart_is_a_term_where_something_is_left_to_keep_apart():
    asked = SupervisionConfig(apart=1e5)  # a net that has not learnt yet has next to nothing to keep apart
    found = make_model(BetaVAEConfig(latent=4, supervision=asked)).method.losses(make_batch())["vae"]
    parts = found.parts
    assert set(parts) == {"reconstruction", "kl", "supervision", "apart"}
    want = parts["reconstruction"] + 4 * parts["kl"] + asked.weight * parts["supervision"] + 1e5 * parts["apart"]
    assert found.total.item() == pytest.approx(want.item(), rel=1e-5)
    full = make_model(BetaVAEConfig(latent=2, supervision=asked)).method.losses(make_batch())["vae"]
    assert set(full.parts) == {"reconstruction", "kl", "supervision"}


@pytest.mark.parametrize(("step", "weight"), [(0, 8.0), (25, 6.5), (100, 2.0), (1000, 2.0)])
def test_the_weight_of_labels_falls_to_its_final_one(step, weight):
    falling = SupervisionConfig(weight=8, final=2, ramp=100)
    parts = make_model(BetaVAEConfig(latent=4, supervision=falling)).method.losses(make_batch(iteration=step))["vae"]
    plain = parts.parts["reconstruction"] + 4 * parts.parts["kl"]
    # The rest is some 150 nats in single precision, good to 1e-5 of them.
    assert (parts.total - plain).item() == pytest.approx(weight * parts.parts["supervision"].item(), abs=2e-3)


def test_labelled_rows_leave_the_rest_of_the_loss_alone():
    plain = make_model(BetaVAEConfig(latent=4)).method.losses(make_batch())["vae"].parts
    labelled = make_model(BetaVAEConfig(latent=4, supervision=SupervisionConfig()))
    for name, value in plain.items():
        torch.testing.assert_close(labelled.method.losses(make_batch())["vae"].parts[name], value)


@pytest.mark.parametrize("kind", [AdaGVAEConfig, AdaMLVAEConfig, BetaVAEConfig])
def test_the_contract_holds_with_labels(kind):
    config = kind(latent=4, supervision=SupervisionConfig(apart=1.0), correlated=CorrelatedConfig(support=1.0))
    assert len(check_method(config)) == len(CHECKS)


def autoencoder(average=arithmetic_average, last=None):
    nets = build_nets(NetConfig(kind="mlp", hidden=(8,)), shape=(4, 4, 1), latent=3, likelihood=None, seed=0)
    return PairedAutoencoder(nets, average, last)


@pytest.mark.parametrize("average", [arithmetic_average, product_average])
def test_a_pair_has_one_posterior_where_it_shares_and_its_own_elsewhere(average):
    mean = torch.tensor([[0.0, 1.0, -1.0], [0.1, 1.0, 4.0]])
    logvar = torch.tensor([[0.0, -1.0, -2.0], [0.2, -1.0, -1.0]])
    found = autoencoder(average).shared(Posterior(mean, logvar))
    divergence = gaussian_divergence(mean[:1], logvar[:1], mean[1:], logvar[1:])[0]
    assert (divergence < (divergence.max() + divergence.min()) / 2).tolist() == [True, True, False]
    want_mean, want_logvar = average(mean[0], logvar[0], mean[1], logvar[1])
    for row in range(2):
        torch.testing.assert_close(found.mean[row, :2], want_mean[:2])
        torch.testing.assert_close(found.logvar[row, :2], want_logvar[:2])
        assert found.mean[row, 2] == mean[row, 2]
        assert found.logvar[row, 2] == logvar[row, 2]


def test_shared_dimensions_are_found_for_each_pair_alone():
    mean = torch.tensor([[0.0, 0.0, 5.0], [5.0, 0.0, 0.0], [0.0, 0.1, 0.0], [0.0, 0.1, 0.0]])
    found = autoencoder().shared(Posterior(mean, torch.zeros(4, 3))).mean
    # The first pair (rows 0 and 2) differs in the last dimension, the second (1 and 3) in the first.
    torch.testing.assert_close(found[0], torch.tensor([0.0, 0.05, 5.0]))
    torch.testing.assert_close(found[2], torch.tensor([0.0, 0.05, 0.0]))
    torch.testing.assert_close(found[1], torch.tensor([5.0, 0.05, 0.0]))
    torch.testing.assert_close(found[3], torch.tensor([0.0, 0.05, 0.0]))


@pytest.mark.parametrize("average", [arithmetic_average, product_average])
def test_known_shared_dimensions_are_the_last_ones_whatever_the_posteriors_say(average):
    mean = torch.tensor([[0.0, 5.0, -1.0], [0.0, -5.0, 4.0]])  # the first is alike, the others are not
    logvar = torch.tensor([[0.0, -1.0, -2.0], [0.0, 0.5, -1.0]])
    found = autoencoder(average, last=2).shared(Posterior(mean, logvar))
    want_mean, want_logvar = average(mean[0], logvar[0], mean[1], logvar[1])
    for row in range(2):
        torch.testing.assert_close(found.mean[row], torch.cat([mean[row, :1], want_mean[1:]]))
        torch.testing.assert_close(found.logvar[row], torch.cat([logvar[row, :1], want_logvar[1:]]))


def test_each_row_takes_what_the_pair_shares_from_its_partner_alone():
    mean = torch.arange(12.0).reshape(4, 3)  # rows 0 and 2 are a pair, and rows 1 and 3
    logvar = -mean / 7
    found = autoencoder(the_other, last=2).shared(Posterior(mean, logvar))
    for row, partner in ((0, 2), (1, 3), (2, 0), (3, 1)):
        assert torch.equal(found.mean[row], torch.cat([mean[row, :1], mean[partner, 1:]]))
        assert torch.equal(found.logvar[row], torch.cat([logvar[row, :1], logvar[partner, 1:]]))


def test_pairs_that_find_out_what_they_share_exchange_it_too():
    mean = torch.tensor([[0.0, 0.2, 5.0], [5.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.0, 0.3, 0.0]])
    found = autoencoder(the_other).shared(Posterior(mean, torch.zeros(4, 3))).mean
    # The first pair (rows 0 and 2) differs in the last dimension, the second (1 and 3) in the first.
    assert torch.equal(found[0], torch.tensor([0.1, 0.0, 5.0]))
    assert torch.equal(found[2], torch.tensor([0.0, 0.2, 0.0]))
    assert torch.equal(found[1], torch.tensor([5.0, 0.3, 0.0]))
    assert torch.equal(found[3], torch.tensor([0.0, 0.0, 0.0]))


@pytest.mark.parametrize("kind", [AdaGVAEConfig, AdaMLVAEConfig])
def test_what_is_shared_comes_from_where_the_section_says(kind):
    """How a row is drawn depends on its partner's own encoding alone, or on both."""
    x = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(0)).requires_grad_()
    for source, own in (("average", True), ("partner", False)):
        vae = make_model(kind(latent=4, shared=3, shared_from=source)).method.vae
        found = vae.shared(vae.posterior(x))
        (both,) = torch.autograd.grad(found.mean[0, 1:].sum() + found.logvar[0, 1:].sum(), x)
        assert both[1].abs().sum() > 0
        assert bool(both[0].abs().sum() > 0) is own


def test_the_contract_holds_with_exchanged_dimensions():
    assert len(check_method(AdaGVAEConfig(latent=4, shared=2, shared_from="partner"))) == len(CHECKS)


def test_what_differs_within_a_pair_does_not_pass_through_exchanged_dimensions():
    """Rows are (a, a, b, c) with a common to a pair, and one dimension for b and c: averages let them through."""
    random = torch.Generator().manual_seed(0)

    def rows(common):
        return torch.cat([common, common, torch.rand(len(common), 2, generator=random)], 1).reshape(-1, 1, 2, 2)

    through = {}
    for combine in (arithmetic_average, the_other):
        nets = build_nets(NetConfig(kind="mlp", hidden=(32,)), shape=(2, 2, 1), latent=3, likelihood="gaussian", seed=0)
        vae = PairedAutoencoder(nets, combine, last=2)
        optimizer = torch.optim.Adam(vae.parameters(), lr=0.01)
        for step in range(400):
            common = torch.rand(64, 1, generator=random)
            found = vae.step(Batch(rows(common), step, 1000, random, partner=rows(common)))
            kl = 0.5 * (found.mean**2 + found.logvar.exp() - found.logvar - 1).sum(1)
            loss = (found.nll + 0.1 * kl).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        common = torch.rand(200, 1, generator=random)
        x, *others = (vae.posterior(rows(common)).mean for _ in range(3))
        one, two = (vae.likelihood.mean(vae.decoder(torch.cat([x[:, :1], o[:, 1:]], 1))) for o in others)
        through[combine] = (one - two)[:, :, 1].square().mean().item()
        found = (one[:, 0, 0, 0] - common[:, 0]).square().mean()
        assert found < 0.01  # what is common is known: else its error were 1/12
    # Two numbers from 0 to 1 that have nothing to do with each other differ by 1/6 in the square.
    assert through[the_other] < 0.001
    assert through[arithmetic_average] > 0.03


def test_labelled_factors_need_dimensions_that_are_not_shared():
    with pytest.raises(ValidationError, match="fewer than all 4 dimensions, got 4"):
        AdaGVAEConfig(latent=4, shared=4)
    supervised = AdaGVAEConfig(latent=4, shared=3, supervision=SupervisionConfig())
    assert check_method(supervised.model_copy(update={"shared": 2}))
    with pytest.raises(ConfigError, match=r"method\.shared: 3 of 4 dimensions.*need 2"):
        make_model(supervised)


def test_gradients_flow_through_the_average_to_both_rows():
    mean = torch.tensor([[0.0, 1.0], [0.1, 9.0]], requires_grad=True)
    logvar = torch.zeros(2, 2, requires_grad=True)
    found = autoencoder().shared(Posterior(mean, logvar))
    found.mean[0, 0].backward()
    assert mean.grad.tolist() == [[0.5, 0.0], [0.5, 0.0]]


def test_both_rows_are_reconstructed():
    vae, x = autoencoder(), torch.rand(5, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    batch = Batch(x[:2], 0, 100, torch.Generator().manual_seed(1), partner=x[2:4])
    found = vae.step(batch)
    assert torch.equal(found.x, x[:4])
    assert found.nll.shape == (4,)
    assert found.mean.shape == (4, 3)


def test_a_pair_of_equal_rows_is_an_ordinary_step():
    vae, x = autoencoder(), torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    found = vae.step(Batch(x, 0, 100, torch.Generator().manual_seed(1), partner=x))
    own = vae.posterior(x)
    torch.testing.assert_close(found.mean, torch.cat([own.mean, own.mean]))
    torch.testing.assert_close(found.logvar, torch.cat([own.logvar, own.logvar]))


def test_a_batch_without_partners_is_explained():
    with pytest.raises(ConfigError, match=r"data\.pairs"):
        autoencoder().step(Batch(torch.rand(2, 1, 4, 4), 0, 100))
