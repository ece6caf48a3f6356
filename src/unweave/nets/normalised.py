"""Batch normalisation for a net that was built without."""

from __future__ import annotations

from itertools import zip_longest

from torch import nn


def batch_normalised(net: nn.Sequential) -> nn.Sequential:
    """The same net with batch normalisation (Ioffe & Szegedy 2015) before every activation, in place of the biases.

    Layers are those of `net`, not copies. What has a normalisation of its own, such as residual blocks, stays as it is,
    and so do the outputs.
    """
    layers: list[nn.Module] = []
    for layer, following in zip_longest(net, list(net)[1:]):
        layers.append(layer)
        if isinstance(following, nn.ReLU | nn.SiLU) and isinstance(layer, nn.Linear | nn.Conv2d):
            norm = nn.BatchNorm1d if isinstance(layer, nn.Linear) else nn.BatchNorm2d
            layers.append(norm(layer.weight.shape[0]))
            layer.register_parameter("bias", None)  # the normalisation takes it off again
    return nn.Sequential(*layers)
