"""How different a reconstruction looks, beside how different its pixels are."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from unweave.objectives.step import Step

Distance = Callable[[Tensor, Tensor], Tensor]
"""Two image tensors (batch, C, H, W) to a dimensionless distance per image, (batch,): 0 for equal ones."""


class Perceptual:
    """A distance between x and E[x|z], times the number of components of x, averaged over the batch.

    So it stands beside -log p(x|z), which is a sum over components: with weight w, a distance of 1 costs w nats a
    component at any image size. It is no log-likelihood, and the total is no bound.
    """

    def __init__(self, distance: Distance) -> None:
        self.distance = distance

    def __call__(self, step: Step) -> Tensor:
        """The term of one training step."""
        x = step.x
        assert step.expected is not None, "a step of images carries what was decoded"
        if isinstance(self.distance, nn.Module):
            self.distance.to(x)  # where the batch is; nothing happens when it is there
        with torch.autocast(x.device.type, enabled=False):  # variances are small differences of large numbers
            return math.prod(x.shape[1:]) * self.distance(x, step.expected().to(x.dtype)).mean()
