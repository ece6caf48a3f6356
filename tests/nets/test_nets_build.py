"""Nets of any size: shapes, published size, the quick transposed convolution, seeds and refusals."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from unweave.core.errors import ConfigError
from unweave.nets.build import build_nets, resolve_kind
from unweave.nets.config import NetConfig
from unweave.nets.doubling import DoublingConv


def nets(shape, *, kind="auto", latent=5, likelihood=None, seed=0, width=8):
    config = NetConfig(kind=kind, width=width, hidden=(16,))
    return build_nets(config, shape=shape, latent=latent, likelihood=likelihood, seed=seed)


@given(
    height=st.integers(8, 80), width=st.integers(8, 80), channels=st.sampled_from([1, 3]),
    kind=st.sampled_from(["conv", "residual", "mlp"]), latent=st.integers(1, 12),
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_any_image_goes_in_and_comes_out(height, width, channels, kind, latent):
    made = nets((height, width, channels), kind=kind, latent=latent, width=4)
    x = torch.rand(2, channels, height, width)
    assert made.encoder(x).shape == (2, 2 * latent)
    assert made.decoder(torch.zeros(2, latent)).shape == x.shape


@pytest.mark.parametrize("size", [16, 128, 256])
def test_residual_net_takes_its_range_of_sizes(size):
    made = nets((size, size, 3), kind="residual", width=4)
    assert made.decoder(made.encoder(torch.rand(1, 3, size, size))[:, :5]).shape == (1, 3, size, size)


def test_vectors_get_an_mlp_and_a_gaussian():
    made = nets((7,))
    assert made.decoder(made.encoder(torch.rand(3, 7))[:, :5]).shape == (3, 7)
    assert made.likelihood.kind == "gaussian"


def test_conv_pair_is_the_published_one():
    """Locatello et al. 2019, table 1, at 64 x 64 x 1 with 10 latents: weights counted by hand from the table."""
    made = build_nets(NetConfig(kind="conv"), shape=(64, 64, 1), latent=10, likelihood=None, seed=0)
    convolutions = (16 * 1 + 1) * 32 - 31 * 1 + 31  # 4 x 4 x 1 to 32, with 32 biases
    assert convolutions == 16 * 32 + 32
    encoder = convolutions + (16 * 32 * 32 + 32) + (16 * 32 * 64 + 64) + (16 * 64 * 64 + 64) + (1024 * 256 + 256)
    encoder += 256 * 20 + 20
    decoder = (10 * 256 + 256) + (256 * 1024 + 1024) + (16 * 64 * 64 + 64) + (16 * 64 * 32 + 32) + (16 * 32 * 32 + 32)
    decoder += 16 * 32 * 1 + 1
    assert sum(p.numel() for p in made.encoder.parameters()) == encoder
    assert sum(p.numel() for p in made.decoder.parameters()) == decoder


@pytest.mark.parametrize("outputs", [1, 3, 8])
def test_doubling_convolution_is_the_transposed_one(outputs, device):
    layer = DoublingConv(5, outputs).double().to(device)
    x = torch.rand(2, 5, 6, 7, dtype=torch.float64, device=device, requires_grad=True)
    want = nn.ConvTranspose2d.forward(layer, x)
    torch.testing.assert_close(layer(x), want)
    inputs = [x, *layer.parameters()]
    upstream = torch.rand_like(want)
    got_gradients = torch.autograd.grad(layer(x), inputs, upstream)
    for got, ref in zip(got_gradients, torch.autograd.grad(want, inputs, upstream), strict=True):
        torch.testing.assert_close(got, ref)


@pytest.mark.parametrize("outputs", [1, 8])
def test_doubling_convolution_has_second_derivatives_and_jacobians(outputs):
    layer = DoublingConv(2, outputs).double()
    x = torch.rand(1, 2, 3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, x)
    assert torch.autograd.gradgradcheck(layer, x)
    got = torch.func.vmap(torch.func.jacrev(layer))(x[None])[0]
    torch.testing.assert_close(got, torch.autograd.functional.jacobian(layer, x))


def test_weights_depend_on_the_seed_alone():
    torch.manual_seed(1)
    first = nets((16, 16, 1), kind="conv", seed=4)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    second, other = nets((16, 16, 1), kind="conv", seed=4), nets((16, 16, 1), kind="conv", seed=5)
    assert torch.equal(state, torch.get_rng_state()), "building nets moved the global generator"
    pairs = list(zip(first.encoder.parameters(), second.encoder.parameters(), other.encoder.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b, _ in pairs)
    assert not all(torch.equal(a, c) for a, _, c in pairs)


@pytest.mark.parametrize(
    ("shape", "kind"), [((64, 64, 1), "conv"), ((128, 128, 3), "residual"), ((9,), "mlp"), ((4, 4, 1), "mlp")]
)
def test_auto_chooses_by_the_data(shape, kind):
    assert resolve_kind(NetConfig(), shape) == kind


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((7,), {"kind": "conv"}, "needs images.*Use 'mlp'"),
        ((4, 4, 1), {"kind": "residual"}, "at least 8 pixels"),
        ((7,), {"likelihood": "bernoulli"}, "Use 'gaussian'"),
    ],
)
def test_what_cannot_be_built_is_explained(shape, options, message):
    with pytest.raises(ConfigError, match=message):
        nets(shape, **options)
