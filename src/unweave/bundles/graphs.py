"""An encoder and a decoder that take and give observations at rest, as `unweave export` writes them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.bundles.onnx import OnnxNet
from unweave.core.codes import Codes, Columns
from unweave.core.errors import DataError, ShapeError
from unweave.core.model import Capability, Observations

_VALUES = 1 << 22
_MOST_ROWS = 256


@dataclass(frozen=True)
class GraphModel:
    """Two graphs as a `LatentModel`. Any number of threads may use it at once.

    Attributes:
        encoder: observations to `mean` and `logvar` (N, D).
        decoder: codes (N, D) to `observations`.
        shape: of one observation: (H, W, C) for images, (F,) for vectors.
        latent: number of latent dimensions D.
        groups, categorical: see `Codes`.
    """

    encoder: OnnxNet
    decoder: OnnxNet
    shape: tuple[int, ...]
    latent: int
    groups: Columns
    categorical: Columns

    @property
    def images(self) -> bool:
        """Whether observations are images."""
        return len(self.shape) == 3

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Both."""
        return frozenset({"encode", "decode"})

    @property
    def providers(self) -> tuple[str, ...]:
        """Of ONNX Runtime, the first one first, that both graphs run on."""
        return tuple(name for name in self.encoder.providers if name in self.decoder.providers)

    def encode(self, observations: Observations) -> Codes:
        """Codes of images uint8 (N, H, W, C) or vectors float32 (N, F).

        Raises:
            ShapeError: the observations have another shape.
            DataError: they are of another type.
        """
        if observations.shape[1:] != self.shape or observations.ndim != len(self.shape) + 1:
            want = f"(rows, {', '.join(map(str, self.shape))})"
            hint = "Add a row axis with x[None]." if observations.shape == self.shape else ""
            raise ShapeError("observations", want=want, got=observations.shape, hint=hint)
        if self.images and observations.dtype != np.uint8:
            raise DataError(f"observations: expected pixels in bytes (uint8), got {observations.dtype}.")
        given: NDArray[Any] = observations if self.images else observations.astype(np.float32, copy=False)
        mean, logvar = (np.zeros((len(given), self.latent), np.float32) for _ in range(2))
        for rows in self._parts(len(given)):
            found = self.encoder(given[rows])
            mean[rows], logvar[rows] = _like(found, "mean", mean[rows]), _like(found, "logvar", logvar[rows])
        return Codes(mean, logvar, self.groups, self.categorical)

    def decode(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Images float32 (N, H, W, C) in [0, 1], or vectors float32 (N, F), of codes (N, D).

        Raises:
            ShapeError: the codes have another number of columns.
        """
        if codes.ndim != 2 or codes.shape[1] != self.latent:
            raise ShapeError("codes", want=f"(rows, {self.latent})", got=codes.shape)
        given = codes.astype(np.float32, copy=False)
        made = np.zeros((len(given), *self.shape), np.float32)
        for rows in self._parts(len(given)):
            made[rows] = _like(self.decoder(given[rows]), "observations", made[rows])
        return made

    def _parts(self, rows: int) -> Iterator[slice]:
        """As many rows at once as fit the memory that nets need: it grows with the pixels."""
        most = min(_MOST_ROWS, max(1, _VALUES // math.prod(self.shape)))
        return (slice(start, start + most) for start in range(0, rows, most))


def _like(found: Mapping[str, NDArray[Any]], name: str, wanted: NDArray[np.float32]) -> NDArray[np.float32]:
    array = found.get(name)
    if array is None:
        raise DataError(f"a graph of the bundle has no output {name!r}; it has {', '.join(found) or 'none'}.")
    if array.shape != wanted.shape or array.dtype != np.float32:
        raise DataError(
            f"a graph of the bundle gives {name!r} as {array.dtype} {array.shape}; expected float32 {wanted.shape}."
        )
    return array
