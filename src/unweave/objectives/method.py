"""What is trained: a method offers players and their losses, and encodes and decodes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unweave.objectives.objective import Losses


@dataclass(frozen=True)
class Batch:
    """What one training step gives to a method.

    Attributes:
        x: observations, images in [0, 1] (batch, C, H, W) or standardised vectors (batch, F).
        iteration: optimiser steps done so far.
        dataset_size: number of training rows.
        generator: the only source of randomness of the step, on the device of `x`.
    """

    x: Float[Tensor, "batch *observation"]
    iteration: int
    dataset_size: int
    generator: torch.Generator | None = None


@dataclass(frozen=True)
class Posterior:
    """q(z|x), a diagonal Gaussian per observation."""

    mean: Float[Tensor, "batch latent"]
    logvar: Float[Tensor, "batch latent"]


class Method(nn.Module, ABC):
    """Nets plus losses. A player owns parameters and one loss."""

    inside: tuple[int, ...]
    latent: int

    @property
    @abstractmethod
    def players(self) -> Mapping[str, nn.Module]:
        """Disjoint owners of all parameters, in update order."""

    @abstractmethod
    def losses(self, batch: Batch) -> Mapping[str, Losses]:
        """One forward pass; one loss per player, in nats per observation."""

    @abstractmethod
    def encode(self, x: Tensor) -> Posterior:
        """Deterministic q(z|x) of observations (batch, …)."""

    @abstractmethod
    def decode(self, z: Tensor) -> Tensor:
        """E[x|z] of codes (batch, latent)."""

    @abstractmethod
    def distortion(self, x: Tensor, z: Tensor) -> Tensor:
        """-log p(x|z) per observation, in nats."""
