"""Feature maps of our own encoders, as a distance."""

import pytest
import torch

from unweave.core.errors import ConfigError
from unweave.nets.conv import conv_encoder
from unweave.nets.encoder_features import EncoderFeatures
from unweave.nets.mlp import mlp_encoder
from unweave.nets.residual import residual_encoder


def images(side=32, seed=0, channels=1):
    return torch.rand(3, channels, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("side", "make", "sides"),
    [
        (64, conv_encoder, [32, 16, 8, 4]),
        (32, conv_encoder, [16, 8, 4]),
        (30, conv_encoder, [16, 8, 4]),  # padded to 32
        (16, residual_encoder, [8, 4]),
        (64, residual_encoder, [32, 16, 8, 4]),
    ],
)
def test_one_map_per_resolution(side, make, sides):
    torch.manual_seed(0)
    encoder = make((side, side, 1), 8)
    features = EncoderFeatures(encoder, (1, side, side))
    assert [m.shape[-1] for m in features.maps(images(side))] == sides


def test_maps_are_the_encoders_own_activations():
    torch.manual_seed(0)
    encoder = conv_encoder((32, 32, 1), 8)
    x, want, h = images(), [], images()
    for layer in encoder:
        h = layer(h)
        if isinstance(layer, torch.nn.ReLU) and h.ndim == 4:
            want.append(h.clone())
    for found, expected in zip(EncoderFeatures(encoder, (1, 32, 32)).maps(x), want, strict=True):
        torch.testing.assert_close(found, expected)


def test_distance_is_one_minus_the_cosine_averaged_over_places_and_layers():
    torch.manual_seed(0)
    features = EncoderFeatures(conv_encoder((32, 32, 1), 8), (1, 32, 32)).double()
    x, y = images().double(), images(seed=1).double()
    cosines = [
        torch.nn.functional.cosine_similarity(a, b, dim=1).mean((1, 2))
        for a, b in zip(features.maps(x), features.maps(y), strict=True)
    ]
    # Features that fire at no place of either image have the cosine 0 in torch and the distance 0 here: there are none.
    torch.testing.assert_close(features(x, y), 1 - torch.stack(cosines).mean(0), rtol=1e-6, atol=1e-8)
    assert features(x, x).abs().max() < 1e-12


def test_it_is_frozen_and_gradients_pass_through_it():
    torch.manual_seed(0)
    features = EncoderFeatures(conv_encoder((32, 32, 1), 8), (1, 32, 32))
    assert not list(features.parameters())
    assert not features.state_dict()
    y = images(seed=1).requires_grad_()
    features(images(), y).sum().backward()
    assert y.grad.isfinite().all()
    assert y.grad.abs().sum() > 0


def test_an_encoder_without_feature_maps_is_refused():
    with pytest.raises(ConfigError, match=r"no feature maps.*'conv' or 'residual'"):
        EncoderFeatures(mlp_encoder((1, 16, 16), 8, hidden=(8,)), (1, 16, 16))
