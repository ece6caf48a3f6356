"""Columns of a code that a decoder sees as probabilities of classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

RELAXED, SHARP = 0.5, 0.1
"""What log-odds are divided by in training and in use."""


class Probabilities(nn.Module):
    """A code with the softmax of some groups of its columns in their place.

    In training it is soft, so that the encoder learns which class fits. A net then writes what lies between classes as
    a mixture of them, such as a head turned halfway, and an edit that ends at odds of nine to one would end in between.
    In use it is sharp, as relaxed classes are discrete once they are learnt (Maddison et al. 2017; Jang et al. 2017):
    at these odds nothing is left of the other class.

    Args:
        groups: rising columns of each group, one after the other from column 0 on.
    """

    def __init__(self, groups: Sequence[Sequence[int]]) -> None:
        super().__init__()
        self._groups = [(group[0], group[-1] + 1) for group in groups]

    def forward(self, code: Tensor) -> Tensor:
        """(batch, D) to the same."""
        temperature = RELAXED if self.training else SHARP
        parts, end = [], 0
        for start, stop in self._groups:
            if start > end:
                parts.append(code[:, end:start])
            parts.append((code[:, start:stop] / temperature).softmax(-1))
            end = stop
        return torch.cat([*parts, code[:, end:]] if end < code.shape[1] else parts, -1)
