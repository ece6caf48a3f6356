"""The transposed convolution that doubles a map's sides (kernel 4, stride 2, padding 1), made quick on a CPU."""

from __future__ import annotations

from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv_transpose2d

_FEW = 4
"""Output channels up to which a matrix product and shifted sums are quicker than the library's transposed convolution,
which blocks over 16 of them: measured 2 to 3 times for one channel, about even for three."""

# Row 2i + a of the output sees input row i through kernel row a + 1 and, for a = 0, row i - 1 through kernel row 3 or,
# for a = 1, row i + 1 through kernel row 0. Per phase a: that far kernel row, and which rows are added to which.
_FAR = ((3, slice(1, None), slice(None, -1)), (0, slice(None, -1), slice(1, None)))


class DoublingConv(nn.ConvTranspose2d):
    """`ConvTranspose2d(inputs, outputs, 4, 2, 1)` with the same weights and, to within rounding, the same values."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, kernel_size=4, stride=2, padding=1)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """(batch, inputs, h, w) to (batch, outputs, 2h, 2w)."""
        # A graph that is exported holds the library's operator: whatever runs it has its own quick way.
        if x.device.type != "cpu" or torch.is_autocast_enabled("cpu") or torch.compiler.is_compiling():
            return super().forward(x, output_size)
        y: Tensor = _OnCPU.apply(x, self.weight, self.bias)  # type: ignore[no-untyped-call]
        return y


class _OnCPU(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        if weight.shape[1] <= _FEW:
            return _product(x, weight, bias)
        return conv_transpose2d(x, weight, bias, stride=2, padding=1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:  # noqa: ANN401
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # noqa: ANN401
        x, weight = ctx.saved_tensors
        needed = (*ctx.needs_input_grad[:2], False)
        to_x, to_weight, _ = torch.ops.aten.convolution_backward(
            gradient, x, weight, None, (2, 2), (1, 1), (1, 1), True, (0, 0), 1, needed
        )
        # The library's own sum for the bias of a transposed convolution is its slow reference.
        return to_x, to_weight, gradient.sum((0, 2, 3))


def _product(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    (n, inputs, height, width), outputs = x.shape, weight.shape[1]
    pixels = x.permute(0, 2, 3, 1).reshape(-1, inputs)
    taps = (weight.flatten(1).T @ pixels.T).view(outputs, 4, 4, n, height, width)
    size = (n, outputs, 2 * height, 2 * width)
    y = x.new_empty_strided(size, (4 * height * width * outputs, 1, 2 * width * outputs, outputs))  # channels last
    phases = y.permute(0, 2, 3, 1).view(n, height, 2, width, 2, outputs)
    for a, b in product((0, 1), repeat=2):
        (row, to_rows, from_rows), (column, to_columns, from_columns) = _FAR[a], _FAR[b]
        phase = taps[:, a + 1, b + 1] + bias.view(-1, 1, 1, 1)
        phase[..., to_rows, :] += taps[:, row, b + 1][..., from_rows, :]
        phase[..., to_columns] += taps[:, a + 1, column][..., from_columns]
        phase[..., to_rows, to_columns] += taps[:, row, column][..., from_rows, from_columns]
        phases[:, :, a, :, b] = phase.permute(1, 2, 3, 0)
    return y
