"""From the `net:` section and the shape of an observation to an encoder, a decoder and a likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from unweave.core.errors import ConfigError
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
        encoder: observations (batch, …) to (batch, 2 * latent): mean and log-variance.
        decoder: (batch, latent) to raw outputs of the observations' shape.
        likelihood: reads the raw outputs.
        latent: number of latent dimensions D.
        inside: shape of one observation inside the nets, (C, H, W) or (F,).
    """

    encoder: nn.Module
    decoder: nn.Module
    likelihood: Likelihood
    latent: int
    inside: tuple[int, ...]


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
) -> Nets:
    """Build the nets with weights drawn from `seed` alone.

    Args:
        config: the `net:` section.
        shape: of one observation at rest: (H, W, C) of an image, (F,) of a vector.
        latent: number of latent dimensions D.
        likelihood: None takes `bernoulli` for images and `gaussian` for vectors.
        seed: of the initial weights.

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
        if kind == "mlp":
            encoder = mlp_encoder(inside, 2 * latent, hidden=config.hidden)
            decoder = mlp_decoder(inside, latent, hidden=config.hidden)
        else:
            make_encoder, make_decoder = (
                (conv_encoder, conv_decoder) if kind == "conv" else (residual_encoder, residual_decoder)
            )
            picture = (shape[0], shape[1], shape[2])
            encoder = make_encoder(picture, 2 * latent, width=config.width)
            decoder = make_decoder(picture, latent, width=config.width)
    return Nets(encoder, decoder, Likelihood(likelihood or ("bernoulli" if images else "gaussian")), latent, inside)
