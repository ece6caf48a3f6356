"""Negative log-likelihoods of pixels or components, elementwise, in nats."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def bernoulli_nll(logits: Tensor, x: Tensor) -> Tensor:
    """-log Bernoulli(x; sigmoid(logits)) for x in [0, 1]; for grey values it is the cross-entropy."""
    return binary_cross_entropy_with_logits(logits, x, reduction="none")


def gaussian_nll(mean: Tensor, log_scale: Tensor, x: Tensor) -> Tensor:
    """-log N(x; mean, exp(log_scale)²), a density: it may be negative."""
    return 0.5 * ((x - mean) * (-log_scale).exp()).square() + log_scale + 0.5 * math.log(2 * math.pi)


def laplace_nll(mean: Tensor, log_scale: Tensor, x: Tensor) -> Tensor:
    """-log Laplace(x; mean, exp(log_scale)), a density: it may be negative."""
    return (x - mean).abs() * (-log_scale).exp() + log_scale + math.log(2)
