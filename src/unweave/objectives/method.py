"""What is trained: a method offers players and their losses, and encodes and decodes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from unweave.objectives.objective import Losses


@dataclass(frozen=True)
class Labelled:
    """Some labelled observations, beside those of the step.

    Attributes:
        x: observations, as those of a `Batch`.
        values: one number per label and factor (see `core.targets`); 0 where the label is missing.
        known: False where the label is missing.
        weights: how much each row counts, of mean 1 over the labelled rows.
    """

    x: Float[Tensor, "labelled *observation"]
    values: Float[Tensor, "labelled factor"]
    known: Bool[Tensor, "labelled factor"]
    weights: Float[Tensor, " labelled"]


@dataclass(frozen=True)
class Batch:
    """What one training step gives to a method.

    Attributes:
        x: observations, images in [0, 1] (batch, C, H, W) or standardised vectors (batch, F).
        iteration: optimiser steps done so far.
        dataset_size: number of training rows.
        generator: the only source of randomness of the step, on the device of `x`.
        labelled: some labelled observations, for methods that ask for them.
        partner: a second observation per row, for methods that ask for pairs or neighbours.
    """

    x: Float[Tensor, "batch *observation"]
    iteration: int
    dataset_size: int
    generator: torch.Generator | None = None
    labelled: Labelled | None = None
    partner: Float[Tensor, "batch *observation"] | None = None


@dataclass(frozen=True)
class Posterior:
    """q(z|x), a diagonal Gaussian per observation, and beside it categorical codes where the method has them.

    Attributes:
        mean, logvar: of the Gaussian.
        classes: log-probabilities of the classes of each categorical code.
    """

    mean: Float[Tensor, "batch latent"]
    logvar: Float[Tensor, "batch latent"]
    classes: tuple[Float[Tensor, "batch classes"], ...] = ()

    @property
    def code(self) -> Float[Tensor, "batch columns"]:
        """The point code: means, then the probabilities of all classes."""
        return torch.cat([self.mean, *(log_p.exp() for log_p in self.classes)], -1)

    @property
    def code_logvar(self) -> Float[Tensor, "batch columns"]:
        """Log-variances of the columns of `code`: a class's is that of its indicator, p (1 - p)."""
        certain = torch.finfo(self.logvar.dtype).tiny
        spread = [(p * _of_others(p)).clamp_min(certain).log() for p in (log_p.exp() for log_p in self.classes)]
        return torch.cat([self.logvar, *spread], -1)


def _of_others(p: Float[Tensor, "batch classes"]) -> Float[Tensor, "batch classes"]:
    """1 - p as the sum of the other classes' probabilities: exact where p is near 1, also in an exported graph."""
    return p @ (1 - torch.eye(p.shape[-1], dtype=p.dtype, device=p.device))


@dataclass(frozen=True)
class Adam:
    """How a player learns.

    Attributes:
        rate: learning rate, or None for that of the training section.
        betas: decay of the first and the second moment.
    """

    rate: float | None = None
    betas: tuple[float, float] = (0.9, 0.999)


class Method(nn.Module, ABC):
    """Nets plus losses. A player owns parameters and one loss.

    Attributes:
        inside: shape of one observation inside the nets.
        latent: columns D of a code.
        stages: steps at which training changes what it does. A player may rest in a stage: it has no loss there.
    """

    inside: tuple[int, ...]
    latent: int
    stages: tuple[int, ...] = (0,)

    @property
    @abstractmethod
    def players(self) -> Mapping[str, nn.Module]:
        """Disjoint owners of all parameters, in update order."""

    def optimiser(self, player: str) -> Adam:
        """How a player learns, by its name in `players`."""
        return Adam()

    @abstractmethod
    def losses(self, batch: Batch) -> Mapping[str, Losses]:
        """One forward pass; one loss per player that plays at this step, in nats per observation."""

    @abstractmethod
    def encode(self, x: Tensor) -> Posterior:
        """Deterministic q(z|x) of observations (batch, …)."""

    @abstractmethod
    def decode(self, z: Tensor) -> Tensor:
        """E[x|z] of codes (batch, columns)."""

    @abstractmethod
    def distortion(self, x: Tensor, z: Tensor) -> Tensor:
        """-log p(x|z) per observation, in nats."""
