"""Logits of classes on a common footing."""

from __future__ import annotations

import torch
from torch import Tensor, nn

class StandardLogits(nn.Module):
    """Batch normalisation (Ioffe & Szegedy 2015) of the last columns, which are logits; the others pass.

    A new net says nearly the same of all rows, and the first classes to differ take all of them. With every logit as
    high as any other on average, and as spread, every class begins with rows of its own. A spread of 1 at the start
    leaves rows unsure of their class until they have agreed on it.

    Args:
        others: columns before the logits.
        classes: logits.
    """

    def __init__(self, others: int, classes: int) -> None:
        super().__init__()
        self.others = others
        self.norm = nn.BatchNorm1d(classes)

    def forward(self, columns: Tensor) -> Tensor:
        """(batch, others + classes) to the same."""
        return torch.cat([columns[:, : self.others], self.norm(columns[:, self.others :])], -1)
