"""Images whose sides are no multiple of the net's stride: pad on the way in, crop on the way out."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import pad


class PadTo(nn.Module):
    """Repeat the edge at the right and lower side up to a multiple of `multiple` pixels."""

    def __init__(self, height: int, width: int, multiple: int) -> None:
        super().__init__()
        self.height = -(-height // multiple) * multiple
        self.width = -(-width // multiple) * multiple
        self.rows, self.columns = self.height - height, self.width - width
        self.padded = bool(self.rows or self.columns)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, C, H, W) to (batch, C, self.height, self.width)."""
        return pad(x, (0, self.columns, 0, self.rows), mode="replicate")


class Crop(nn.Module):
    """Keep the upper left part: the inverse of `PadTo`."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, x: Tensor) -> Tensor:
        """(batch, C, H', W') to (batch, C, height, width)."""
        return x[..., : self.height, : self.width]
