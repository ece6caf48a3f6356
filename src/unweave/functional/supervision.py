"""How far a position in code space is from what a label asks for, per row, in nats."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cross_entropy

Rows = Float[Tensor, " batch"]


def squared_error(position: Rows, wanted: Rows) -> Rows:
    """-log N(wanted; position, 1) without its constant: 0 where they meet."""
    return 0.5 * (position - wanted).square()


def circle_error(position: Float[Tensor, "batch 2"], angle: Rows) -> Rows:
    """The same for a point on the circle of radius √2 at an angle in radians.

    Points spread evenly over that circle have variance 1 in both columns, as the prior has. An encoder that cannot know
    the angle does best at the centre.
    """
    wanted = math.sqrt(2) * torch.stack([angle.cos(), angle.sin()], -1)
    return 0.5 * (position - wanted).square().sum(-1)


def class_error(logits: Float[Tensor, "batch class"], label: Rows) -> Rows:
    """Cross-entropy of class codes 0, 1, …."""
    return cross_entropy(logits, label.long(), reduction="none")


def ordered_logits(position: Rows, classes: int) -> Float[Tensor, "batch class"]:
    """Logits of classes whose places lie on a line with equal gaps, mean 0 and variance 1.

    A class is as likely as a normal distribution around its place says, with half of the gap as its standard deviation:
    at its place it has a probability of 0.78 or more. Narrower ones would make a position between places, the only way
    to say "one of these", cost more than a guess.
    """
    places = class_places(classes, position)
    gap = math.sqrt(12 / (classes**2 - 1))
    return -0.5 * ((position[:, None] - places) / (gap / 2)).square()


def class_places(classes: int, like: Tensor) -> Float[Tensor, " class"]:
    """Places of 2 or more classes on a line, (0 … classes - 1) standardised."""
    codes = torch.arange(classes, device=like.device, dtype=like.dtype)
    return (codes - (classes - 1) / 2) / math.sqrt((classes**2 - 1) / 12)
