"""What somebody else's encoder takes and their decoder gives: layout of the axes, range of the values."""

from __future__ import annotations

import math
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator

from unweave.core.errors import ShapeError
from unweave.core.model import Observations

Layout = Literal["nchw", "nhwc", "nhw", "flat", "flat_hwc", "vector"]
Range = Literal["unit", "signed", "byte", "standard"]
Output = Literal["image", "logits", "tanh", "same"]


class Conventions(BaseModel):
    """Between observations at rest and a foreign pair of nets.

    Attributes:
        shape: of one observation at rest, (H, W, C) or (F,).
        layout: axes of what the encoder takes: `nchw`, `nhwc`, `nhw` (grey, no channel axis), `flat` (all pixels in
            one row, in the order of C, H, W), `flat_hwc` (in that of H, W, C), or `vector` for data that are no images.
        decoder_layout: the same of what the decoder gives.
        range: values of pixels that the encoder takes: `unit` [0, 1], `signed` [-1, 1], `byte` [0, 255], or `standard`,
            (x - mean) / std with x in [0, 1]. For vectors only `unit` (as they are) and `standard`.
        mean, std: for `standard`: one number, one a channel, or one a component.
        output: values that the decoder gives: `image` in [0, 1], `logits` of it, `tanh` in [-1, 1], or `same`, those
            that the encoder takes. Vectors only have `same`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    shape: tuple[int, ...]
    layout: Layout
    decoder_layout: Layout
    range: Range = "unit"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    output: Output = "image"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.range == "standard") != bool(self.mean and self.std):
            raise ValueError("`standard` needs `mean` and `std`, and only it has them")
        if any(not s > 0 for s in self.std):
            raise ValueError("`std` must be above 0")
        for values in (self.mean, self.std):
            if len(values) not in (0, 1, self.shape[-1]):
                raise ValueError(f"give one number or {self.shape[-1]} for `mean` and `std`, not {len(values)}")
        return self

    @property
    def images(self) -> bool:
        """Whether observations are images."""
        return len(self.shape) == 3

    def inside(self, observations: Observations) -> NDArray[np.float32]:
        """What the encoder takes: float32 in its layout and range, of images uint8 (N, H, W, C) or vectors (N, F).

        Raises:
            ShapeError: the observations have another shape.
        """
        if observations.shape[1:] != self.shape or observations.ndim != len(self.shape) + 1:
            want = f"(rows, {', '.join(map(str, self.shape))})"
            hint = "Add a row axis with x[None]." if observations.shape == self.shape else ""
            raise ShapeError("observations", want=want, got=observations.shape, hint=hint)
        x: NDArray[np.float32] = observations.astype(np.float32)
        if self.images and self.range != "byte":
            x /= np.float32(255)
        if self.range == "signed":
            x = x * 2 - 1
        elif self.range == "standard":
            x = (x - _numbers(self.mean)) / _numbers(self.std)
        return arranged(x, self.layout)

    def outside(self, decoded: NDArray[Any]) -> NDArray[np.float32]:
        """Images float32 (N, H, W, C), cut to [0, 1], or vectors (N, F), of what the decoder gives.

        Raises:
            ShapeError: see `uncut`.
        """
        x = self.uncut(decoded)
        return np.clip(x, 0, 1) if self.images else x

    def uncut(self, decoded: NDArray[Any]) -> NDArray[np.float32]:
        """The same with values outside [0, 1] as they come: many of them mean that another convention holds.

        Raises:
            ShapeError: it gives another number of values.
        """
        expected = math.prod(self.shape)
        if decoded.ndim < 2 or math.prod(decoded.shape[1:]) != expected:
            raise ShapeError("decoder", want=f"(rows, …) of {expected} values each", got=decoded.shape)
        x: NDArray[Any] = at_rest(np.asarray(decoded, dtype=np.float32), self.decoder_layout, self.shape)
        if self.output == "logits":
            x = _sigmoid(x)
        elif self.output == "tanh" or (self.output == "same" and self.range == "signed"):
            x = (x + 1) / 2
        elif self.output == "same" and self.range == "byte":
            x = x / np.float32(255)
        elif self.output == "same" and self.range == "standard":
            x = x * _numbers(self.std) + _numbers(self.mean)
        return x


def arranged(x: NDArray[np.float32], layout: Layout) -> NDArray[np.float32]:
    """Images (N, H, W, C) with their axes as a net takes them; vectors stay as they are."""
    if layout in ("vector", "nhwc"):
        return x
    if layout == "flat_hwc":
        return x.reshape(len(x), -1)
    if layout == "nhw":
        return x[..., 0]
    channels_first = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    return channels_first if layout == "nchw" else channels_first.reshape(len(x), -1)


def at_rest(x: NDArray[np.float32], layout: Layout, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The inverse of `arranged`, for observations of `shape`."""
    if layout in ("vector", "nhwc", "nhw", "flat_hwc"):
        return x.reshape(-1, *shape)
    height, width, channels = shape
    return x.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)


def layouts_of(dims: tuple[int | None, ...], shape: tuple[int, ...]) -> tuple[Layout, ...]:
    """Layouts in which an array of these dims (without rows; None is any size) can hold observations of `shape`.

    The usual one comes first: channels first where both fit.
    """
    if len(shape) == 1:
        return ("vector",) if _fits(dims, shape) else ()
    height, width, channels = shape
    candidates: list[tuple[Layout, tuple[int, ...]]] = [
        ("nchw", (channels, height, width)),
        ("nhwc", (height, width, channels)),
        ("flat", (height * width * channels,)),
    ]
    if channels == 1:
        candidates.append(("nhw", (height, width)))
    else:
        candidates.append(("flat_hwc", (height * width * channels,)))
    return tuple(layout for layout, wanted in candidates if _fits(dims, wanted))


def _fits(dims: tuple[int | None, ...], wanted: tuple[int, ...]) -> bool:
    return len(dims) == len(wanted) and all(d in (None, w) for d, w in zip(dims, wanted, strict=True))


def _numbers(values: tuple[float, ...]) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32)


def _sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 / (1 + exp(-x)) without overflow."""
    small = np.exp(-np.abs(x))
    result: NDArray[np.float32] = np.where(x >= 0, 1, small) / (1 + small)
    return result
