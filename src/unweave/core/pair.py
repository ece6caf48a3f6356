"""Somebody else's encoder and decoder as a `LatentModel`, whatever runs them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from unweave.core.binding import NOTHING_BOUND, Binding
from unweave.core.codes import Codes
from unweave.core.conventions import Conventions
from unweave.core.errors import ConfigError, ShapeError
from unweave.core.model import Capability, Observations

BATCH = 256

Spread = Literal["none", "logvar", "variance", "std", "logstd", "halves"]
_LEAST_VARIANCE = 1e-20


class Net(Protocol):
    """One half of a foreign model: an array in, named arrays out."""

    @property
    def input_shape(self) -> tuple[int | None, ...] | None:
        """Shape that it takes, rows first, None for axes of any size; None as a whole where it does not say."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the numbers that it takes."""

    def __call__(self, x: NDArray[np.float32]) -> Mapping[str, NDArray[Any]]:
        """Its outputs by name, in their order, each with the rows of `x` first."""


class Reading(BaseModel):
    """How the outputs of an encoder are read.

    Attributes:
        mean: name of the output that holds the code.
        spread: what says how sure the encoder is: `none`; the output `spread_output` holds it as log-variance,
            variance, standard deviation or its logarithm; or `halves`: the second half of the columns of `mean` is the
            log-variance.
        spread_output: name of that output, empty for `none` and `halves`.
        code_shape: shape of one code as the nets see it; codes are its values in one row.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mean: str
    spread: Spread = "none"
    spread_output: str = ""
    code_shape: tuple[int, ...]

    def codes(self, outputs: Mapping[str, NDArray[Any]]) -> Codes:
        """Codes of one batch of outputs."""
        mean = _rows(outputs[self.mean])
        if self.spread == "halves":
            mean, logvar = np.hsplit(mean, 2)
            return Codes(np.ascontiguousarray(mean), np.ascontiguousarray(logvar))
        if self.spread == "none":
            return Codes(mean)
        return Codes(mean, as_logvar(_rows(outputs[self.spread_output]), self.spread))


@dataclass(frozen=True)
class Pair:
    """An encoder and, where there is one, a decoder in their own conventions; implements `RunModel`.

    Attributes:
        encoder, decoder: what runs them.
        conventions: what they take and give.
        reading: how the encoder's outputs are read.
    """

    encoder: Net
    decoder: Net | None
    conventions: Conventions
    reading: Reading

    @property
    def latent(self) -> int:
        """Number of latent dimensions D."""
        return math.prod(self.reading.code_shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one observation: (H, W, C) for images, (F,) for vectors."""
        return self.conventions.shape

    @property
    def capabilities(self) -> frozenset[Capability]:
        """`encode`, and `decode` where there is a decoder."""
        return frozenset({"encode"} if self.decoder is None else {"encode", "decode"})

    @property
    def binding(self) -> Binding:
        """Nothing is known about it."""
        return NOTHING_BOUND

    def encode(self, observations: Observations) -> Codes:
        """Codes of images uint8 (N, H, W, C) or vectors float32 (N, F)."""
        parts = [
            self.reading.codes(run_net(self.encoder, self.conventions.inside(observations[rows])))
            for rows in _chunks(len(observations))
        ]
        mean = np.concatenate([part.mean for part in parts]) if parts else np.zeros((0, self.latent), np.float32)
        variances = [part.logvar for part in parts if part.logvar is not None]
        return Codes(mean, np.concatenate(variances) if variances else None)

    def decode(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Images float32 (N, H, W, C) in [0, 1], or vectors float32 (N, F), of codes (N, D).

        Raises:
            ConfigError: there is no decoder.
            ShapeError: the codes have another number of columns.
        """
        if codes.ndim != 2 or codes.shape[1] != self.latent:
            raise ShapeError("codes", want=f"(rows, {self.latent})", got=codes.shape)
        parts = [self.conventions.outside(self.decoded(codes[rows])) for rows in _chunks(len(codes))]
        return np.concatenate(parts) if parts else np.zeros((0, *self.shape), np.float32)

    def decoded(self, codes: NDArray[np.float32]) -> NDArray[Any]:
        """What the decoder itself gives for some codes (N, D)."""
        if self.decoder is None:
            raise ConfigError(
                "this model was imported without a decoder, so it cannot draw. Import it again with its decoder."
            )
        z = np.ascontiguousarray(codes, dtype=np.float32).reshape(-1, *self.reading.code_shape)
        return next(iter(run_net(self.decoder, z).values()))


def run_net(net: Net, x: NDArray[np.float32]) -> Mapping[str, NDArray[Any]]:
    """Outputs of all rows, also where the net takes only so many at once: then the last are filled up."""
    fixed = net.input_shape[0] if net.input_shape else None
    size = fixed or max(len(x), 1)
    parts: list[Mapping[str, NDArray[Any]]] = []
    for start in range(0, len(x), size):
        rows = x[start : start + size]
        missing = size - len(rows)
        given = np.concatenate([rows, np.repeat(rows[-1:], missing, axis=0)]) if missing else rows
        outputs = net(given.astype(net.dtype, copy=False))
        for name, array in outputs.items():
            if array.ndim == 0 or len(array) != size:
                raise ShapeError(f"output {name!r}", want=f"({size}, …), one row for each row given", got=array.shape)
        parts.append({name: array[: len(rows)] for name, array in outputs.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def as_logvar(spread: NDArray[np.float32], kind: Spread) -> NDArray[np.float32]:
    """Log-variance in nats of what an encoder says of its spread."""
    if kind == "logvar":
        return spread
    if kind == "logstd":
        return 2 * spread
    variance = spread.astype(np.float64) ** (2 if kind == "std" else 1)
    return np.log(np.maximum(variance, _LEAST_VARIANCE)).astype(np.float32)


def _rows(array: NDArray[Any]) -> NDArray[np.float32]:
    return np.ascontiguousarray(array, dtype=np.float32).reshape(len(array), -1)


def _chunks(rows: int) -> Iterator[slice]:
    return (slice(start, start + BATCH) for start in range(0, rows, BATCH))
