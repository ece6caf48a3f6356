"""From the `net:` section and the shape of an observation to an encoder, a decoder and a likelihood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from unweave.core.errors import ConfigError
from unweave.nets.categorical import CategoricalConfig
from unweave.nets.config import NetConfig
from unweave.nets.conv import conv_decoder, conv_encoder
from unweave.nets.likelihood import Likelihood, LikelihoodKind
from unweave.nets.mlp import mlp_decoder, mlp_encoder
from unweave.nets.residual import residual_decoder, residual_encoder

_SMALLEST = 8


@dataclass(frozen=True)
class Nets:
    """What a method is built from.

    Attributes:
        encoder: observations (batch, …) to (batch, 2 * latent + classes): mean, log-variance, and logits of the classes
            of all categorical codes.
        decoder: (batch, latent + classes) to raw outputs of the observations' shape.
        likelihood: reads the raw outputs.
        latent: number of Gaussian dimensions.
        inside: shape of one observation inside the nets, (C, H, W) or (F,).
        like_encoder: makes another net with the body of the encoder and the given number of outputs.
        categorical: codes beside the Gaussian ones, or None.
        distance: between images, per image, for a term on how reconstructions look; frozen, and for training only.
    """

    encoder: nn.Module
    decoder: nn.Module
    likelihood: Likelihood
    latent: int
    inside: tuple[int, ...]
    like_encoder: Callable[[int], nn.Module]
    categorical: CategoricalConfig | None = None
    distance: Callable[[Tensor, Tensor], Tensor] | None = None

    @property
    def classes(self) -> int:
        """Columns of all categorical codes together."""
        return sum(self.categorical.sizes) if self.categorical else 0


def resolve_kind(config: NetConfig, shape: tuple[int, ...]) -> Literal["conv", "residual", "mlp"]:
    """What `auto` means for observations of `shape`, (H, W, C) or (F,)."""
    if config.kind != "auto":
        return config.kind
    if len(shape) == 1 or min(shape[:2]) < _SMALLEST:
        return "mlp"
    return "conv" if max(shape[:2]) <= 64 else "residual"


def build_nets(
    config: NetConfig,
    *,
    shape: tuple[int, ...],
    latent: int,
    likelihood: LikelihoodKind | None,
    seed: int,
    categorical: CategoricalConfig | None = None,
) -> Nets:
    """Build the nets with weights drawn from `seed` alone.

    Args:
        config: the `net:` section.
        shape: of one observation at rest: (H, W, C) of an image, (F,) of a vector.
        latent: number of Gaussian dimensions.
        likelihood: None takes `bernoulli` for images and `gaussian` for vectors.
        seed: of the initial weights.
        categorical: codes beside the Gaussian ones.

    Raises:
        ConfigError: a convolutional net is asked for vectors or for images too small, or `bernoulli` for vectors.
    """
    images = len(shape) == 3
    kind = resolve_kind(config, shape)
    if kind != "mlp" and not images:
        raise ConfigError(f"net.kind: {kind!r} needs images, the data are vectors of {shape[0]} components. Use 'mlp'.")
    if kind != "mlp" and min(shape[:2]) < _SMALLEST:
        raise ConfigError(
            f"net.kind: {kind!r} needs at least {_SMALLEST} pixels a side, the images have {shape[0]} x {shape[1]}. "
            "Use 'mlp', or a larger data.size."
        )
    if likelihood == "bernoulli" and not images:
        raise ConfigError(
            "method.likelihood: 'bernoulli' needs pixels in [0, 1], these data are vectors. Use 'gaussian'."
        )
    inside = (shape[2], shape[0], shape[1]) if images else shape
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        make_encoder: Callable[[int], nn.Module]
        make_decoder: Callable[[int], nn.Module]
        if kind == "mlp":
            make_encoder = partial(mlp_encoder, inside, hidden=config.hidden)
            make_decoder = partial(mlp_decoder, inside, hidden=config.hidden)
        else:
            pair = (conv_encoder, conv_decoder) if kind == "conv" else (residual_encoder, residual_decoder)
            picture = (shape[0], shape[1], shape[2])
            make_encoder, make_decoder = (partial(make, picture, width=config.width) for make in pair)
        classes = sum(categorical.sizes) if categorical else 0
        encoder = make_encoder(2 * latent + classes)
        decoder = make_decoder(latent + classes)
    reading = Likelihood(likelihood or ("bernoulli" if images else "gaussian"))
    return Nets(encoder, decoder, reading, latent, inside, make_encoder, categorical)
