"""A distance of images in the feature maps of an encoder that was trained before."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unweave.core.errors import ConfigError
from unweave.functional.features import feature_distance
from unweave.nets.frozen import freeze

Images = Float[Tensor, "batch channel height width"]


class EncoderFeatures(nn.Module):
    """One minus the cosine of features, averaged over places and over layers, in [0, 2].

    The layers are the last feature map of every resolution below that of the image.

    Args:
        encoder: a sequence of layers from images to a code, frozen here.

    Raises:
        ConfigError: it has no feature maps: fully connected encoders see no places.
    """

    def __init__(self, encoder: nn.Module, inside: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(encoder.children())
        with torch.no_grad():
            taps = _taps(self.layers, torch.zeros(1, *inside))
        if not taps:
            raise ConfigError(
                "method.perceptual.run: the encoder of this run has no feature maps. Give a run whose net.kind is "
                "'conv' or 'residual'."
            )
        del self.layers[max(taps) + 1 :]
        self.taps = taps
        freeze(self)

    def forward(self, x: Images, y: Images) -> Float[Tensor, " batch"]:
        """Distance of each image of `x` from its partner in `y`."""
        with torch.no_grad():
            wanted = self.maps(x)
        found = [feature_distance(a, b) for a, b in zip(wanted, self.maps(y), strict=True)]
        return torch.stack(found).mean(0) / 2

    def maps(self, x: Images) -> list[Tensor]:
        """The feature maps, from the finest to the coarsest."""
        maps = []
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index in self.taps:
                maps.append(x)
        return maps


def _taps(layers: nn.ModuleList, x: Tensor) -> frozenset[int]:
    """Indices of the last layer of every resolution, but for that of the image itself."""
    last: dict[tuple[int, ...], int] = {}
    finest = x.shape[-2] * x.shape[-1]
    for index, layer in enumerate(layers):
        x = layer(x)
        if x.ndim != 4:
            break
        if x.shape[-2] * x.shape[-1] < finest:
            last[tuple(x.shape[-2:])] = index
    return frozenset(last.values())
