"""Batch normalisation before activations: where it goes, what it does, and that the outputs keep their biases."""

import pytest
import torch
from torch import nn

from unweave.nets.conv import conv_encoder
from unweave.nets.mlp import mlp_encoder
from unweave.nets.normalised import batch_normalised
from unweave.nets.residual import residual_encoder

X = 0.8 + 0.01 * torch.rand(64, 1, 16, 16, generator=torch.Generator().manual_seed(0))  # rows that are nearly the same


@pytest.mark.parametrize(
    ("net", "hidden"),
    [
        (mlp_encoder((1, 16, 16), 3, hidden=(16, 8)), 2),
        (conv_encoder((16, 16, 1), 3, width=4), 3),
        (residual_encoder((16, 16, 1), 3, width=4), 1),  # its blocks have a normalisation of their own
    ],
    ids=["mlp", "conv", "residual"],
)
def test_it_stands_between_layer_and_activation_and_spreads_the_rows(net, hidden):
    before, outputs = net(X).std(0), net[-1]
    made = batch_normalised(net)
    kinds = [type(layer) for layer in made]
    places = [i for i, kind in enumerate(kinds) if kind in {nn.BatchNorm1d, nn.BatchNorm2d}]
    assert len(places) == hidden
    for place in places:
        assert kinds[place - 1] in {nn.Linear, nn.Conv2d}
        assert kinds[place + 1] in {nn.ReLU, nn.SiLU}
        assert made[place - 1].bias is None
    assert made[-1] is outputs
    assert outputs.bias is not None
    assert (made(X).std(0) > 3 * before).all()


def test_of_layers_that_were_centred_it_is_the_layers_divided_by_their_spread():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    made = batch_normalised(net).double()
    inner = x @ net[0].weight.T
    want = net[2](((inner - inner.mean(0)) / (inner.var(0, correction=0) + 1e-5).sqrt()).relu())
    torch.testing.assert_close(made(x), want)


def test_once_trained_a_row_does_not_depend_on_the_others():
    made = batch_normalised(mlp_encoder((1, 16, 16), 3, hidden=(16, 8)))
    made(X)
    made.eval()
    torch.testing.assert_close(made(X[:1]), made(X)[:1])
