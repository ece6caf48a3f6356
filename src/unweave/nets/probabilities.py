"""Columns of a code that a decoder sees as probabilities of classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

TEMPERATURE = 0.1
"""At log-odds of nine to one nothing is left of the other class, and a share of 0.6 needs log-odds good to a few
hundredths. At 0.5 a model of faces wrote how far a head is turned as shares of two poses, and edits ended between them."""


class Probabilities(nn.Module):
    """A code with the softmax of some groups of its columns in their place.

    Args:
        groups: rising columns of each group, one after the other from column 0 on.
        temperature: what log-odds are divided by.

    Raises:
        ValueError: the groups are not one after the other.
    """

    def __init__(self, groups: Sequence[Sequence[int]], *, temperature: float = TEMPERATURE) -> None:
        super().__init__()
        self._groups, self._temperature = [(group[0], group[-1] + 1) for group in groups], temperature

    def forward(self, code: Tensor) -> Tensor:
        """(batch, D) to the same."""
        parts, end = [], 0
        for start, stop in self._groups:
            if start > end:
                parts.append(code[:, end:start])
            parts.append((code[:, start:stop] / self._temperature).softmax(-1))
            end = stop
        return torch.cat([*parts, code[:, end:]] if end < code.shape[1] else parts, -1)
