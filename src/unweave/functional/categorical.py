"""Identities of categorical distributions, and samples of them through which gradients flow."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

LogProbabilities = Float[Tensor, "batch classes"]


def categorical_kl(log_p: LogProbabilities) -> LogProbabilities:
    """KL(Categorical(p) || uniform) per sample in a share per class, in nats: the sum over classes is the KL, ≤ log K.

    A class's share is p log(K p) - p + 1/K. The last two parts cancel in the sum and make every share at least 0, so
    that it says how far this one class is from its prior (the KL of positive numbers, Csiszár 1991).
    """
    classes = log_p.shape[-1]
    p = log_p.exp()
    return p * (log_p + math.log(classes)) - p + 1 / classes


def gumbel_softmax(
    log_p: LogProbabilities, temperature: float, *, hard: bool = False, generator: torch.Generator | None = None
) -> LogProbabilities:
    """A sample of Categorical(p), relaxed to the simplex so that gradients flow (Jang et al. 2017, eq. 2).

    It tends to a one-hot sample as the temperature tends to 0, and its largest entry is a sample of the class at every
    temperature (Maddison et al. 2017, proposition 1). `hard` gives the one-hot sample itself with the gradient of the
    relaxed one (straight-through, Jang et al. 2017, section 2.2).
    """
    # Noise in one precision, so that a seed means the same sample in every other.
    waiting = torch.empty(log_p.shape, device=log_p.device).exponential_(generator=generator)
    soft = ((log_p - waiting.log().to(log_p.dtype)) / temperature).softmax(-1)
    if not hard:
        return soft
    one_hot = torch.zeros_like(soft).scatter_(-1, soft.argmax(-1, keepdim=True), 1.0)
    return one_hot - soft.detach() + soft
