"""A net that judges codes."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

_SLOPE = 0.2


def critic(inputs: int, *, layers: int, width: int) -> nn.Module:
    """(batch, inputs) to one logit each, (batch, 1): leaky ReLUs as in Kim & Mnih (2018), appendix A."""
    sizes = [inputs, *[width] * layers]
    hidden = [module for a, b in pairwise(sizes) for module in (nn.Linear(a, b), nn.LeakyReLU(_SLOPE))]
    return nn.Sequential(*hidden, nn.Linear(sizes[-1], 1))
