"""What a loss term may read about one training step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jaxtyping import Bool, Float
from torch import Tensor

Latents = Float[Tensor, "batch latent"]


@dataclass(frozen=True)
class LabelledCodes:
    """Codes of the labelled rows beside the batch.

    Attributes:
        mean: of q(z|x).
        values, known, weights: as in `Labelled`.
    """

    mean: Float[Tensor, "labelled latent"]
    values: Float[Tensor, "labelled factor"]
    known: Bool[Tensor, "labelled factor"]
    weights: Float[Tensor, " labelled"]


@dataclass(frozen=True)
class Step:
    """One forward pass of a VAE.

    Attributes:
        x: observations, images in [0, 1] or standardised vectors, (batch, …).
        nll: -log p(x|z) per sample, summed over pixels or components, in nats.
        mean, logvar: parameters of q(z|x).
        z: a sample of q(z|x).
        iteration: optimiser steps done so far.
        dataset_size: number of training rows, for estimators that need it.
        labelled: codes of labelled rows, where the method learns from labels.
        classes: log-probabilities of q(c|x) of each categorical code.
        copies: log-probabilities of the classes of a changed copy of each row, where the method makes copies.
        expected: gives E[x|z], of the shape of `x`; a function, because most objectives do not ask.
        memo: work that several terms of the step share, by a name of their own.
    """

    x: Float[Tensor, "batch *observation"]
    nll: Float[Tensor, " batch"]
    mean: Latents
    logvar: Latents
    z: Latents
    iteration: int
    dataset_size: int
    labelled: LabelledCodes | None = None
    classes: tuple[Float[Tensor, "batch classes"], ...] = ()
    copies: tuple[Float[Tensor, "batch classes"], ...] = ()
    expected: Callable[[], Tensor] | None = None
    memo: dict[str, Any] = field(default_factory=dict)
