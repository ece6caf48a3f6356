"""A transposed convolution (kernel 4, stride 2, padding 1) computed as a convolution and depth-to-space."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pixel_shuffle


class SubpixelConvTranspose(nn.ConvTranspose2d):
    """`ConvTranspose2d(inputs, outputs, 4, 2, 1)` with the same weights and, to within rounding, the same values.

    Each of the four phases of the output sees a 2 x 2 part of the kernel. For few output channels, one 3 x 3
    convolution to four times the channels is quicker on a CPU, although 5 of its 9 taps are zero in each phase.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, kernel_size=4, stride=2, padding=1)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """(batch, inputs, h, w) to (batch, outputs, 2h, 2w)."""
        # Output row 2i + a sees input row i + t - 1 through kernel row a + 3 - 2t, for t = 0, 1, 2 where it exists.
        padded = nn.functional.pad(self.weight, (1, 1, 1, 1))  # (inputs, outputs, 6, 6): rows -1 … 4 of the kernel
        flat = padded.flip(2, 3)
        phases = torch.stack([flat[:, :, 1 - a : 7 - a : 2, 1 - b : 7 - b : 2] for a in (0, 1) for b in (0, 1)], dim=2)
        kernel = phases.flatten(1, 2).transpose(0, 1)  # (outputs * 4, inputs, 3, 3)
        bias = None if self.bias is None else self.bias.repeat_interleave(4)
        return pixel_shuffle(conv2d(x, kernel, bias, padding=1), 2)
