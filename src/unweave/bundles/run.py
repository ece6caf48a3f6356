"""A bundle as a model: ONNX Runtime and NumPy, no torch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.bundles.files import CARD, REFERENCE, SIGNATURES, Precision, first_line, graph_name, load_json, read_files
from unweave.bundles.onnx import OnnxNet
from unweave.bundles.reference import Reference
from unweave.bundles.schema import BundleCard, read_card
from unweave.core.binding import Binding
from unweave.core.codes import Codes
from unweave.core.errors import ConfigError, DataError, ShapeError
from unweave.core.model import Capability, Observations

_VALUES = 1 << 22
_MOST_ROWS = 256


@dataclass(frozen=True)
class BundleModel:
    """The model of a bundle; implements `RunModel`. Any number of threads may use it at once.

    Attributes:
        card: what it says of itself.
        encoder, decoder: the graphs.
        digest: tells this bundle from all others, 64 hexadecimal digits.
        signatures: content of `signatures.json`, which `signatures.Signatures.from_json` reads, or None.
        reference: what reference rows look like.
    """

    card: BundleCard
    encoder: OnnxNet
    decoder: OnnxNet
    digest: str
    signatures: Mapping[str, Any] | None
    reference: Reference

    @property
    def latent(self) -> int:
        """Number of latent dimensions D."""
        return self.card.latent

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one observation: (H, W, C) for images, (F,) for vectors."""
        return self.card.shape

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Both."""
        return frozenset({"encode", "decode"})

    @property
    def binding(self) -> Binding:
        """Labelled factors and the columns that training bound them to."""
        return Binding.from_json(self.card.binding)

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
        if self.card.images and observations.dtype != np.uint8:
            raise DataError(f"observations: expected pixels in bytes (uint8), got {observations.dtype}.")
        given: NDArray[Any] = observations if self.card.images else observations.astype(np.float32, copy=False)
        mean, logvar = (np.zeros((len(given), self.latent), np.float32) for _ in range(2))
        for rows in self._parts(len(given)):
            found = self.encoder(given[rows])
            mean[rows], logvar[rows] = _like(found, "mean", mean[rows]), _like(found, "logvar", logvar[rows])
        return Codes(mean, logvar, self.card.groups, self.card.categorical)

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


def load_bundle(
    folder: Path, *, precision: Precision = "float32", providers: Sequence[str] | None = None, threads: int = 1
) -> BundleModel:
    """The model of a bundle, which may come from anybody: everything is checked before it is used.

    Args:
        folder: of the bundle.
        precision: which of its graphs.
        providers: names of ONNX Runtime's, the first one first; the best that are present otherwise.
        threads: within one operator. With one, a call computes in the caller's thread alone.

    Raises:
        ConfigError: it is no bundle, or has no graphs of this precision.
        DataError: it is damaged or hostile; see `read_files`, `read_card`, `read_arrays`, `check_plain`.
        StorageError: it cannot be read.
        MissingExtraError: ONNX Runtime is not installed.
    """
    files, digest = read_files(folder)
    card = read_card(files[CARD], str(folder / CARD))
    if precision not in card.precisions:
        raise ConfigError(
            f"the bundle {folder} has graphs of precision {', '.join(card.precisions)}, not of {precision}. Choose one "
            "of them, or export it with --int8 or --fp16."
        )
    halves = []
    for half in ("encoder", "decoder"):
        name = graph_name(half, precision)
        if name not in files:
            raise DataError(f"the bundle {folder} has no {name}, and its card says so. Export it again.")
        halves.append(OnnxNet(folder / name, content=files[name], providers=providers, threads=threads))
    model = BundleModel(
        card,
        *halves,
        digest=digest,
        signatures=_signatures(files, folder),
        reference=Reference.from_bytes(files[REFERENCE], folder / REFERENCE, latent=card.latent),
    )
    _try(model, folder)
    return model


def _signatures(files: Mapping[str, bytes], folder: Path) -> Mapping[str, Any] | None:
    if SIGNATURES not in files:
        return None
    try:
        content = load_json(files[SIGNATURES])
    except ValueError as error:
        raise DataError(f"{folder / SIGNATURES} is damaged: {first_line(error)}. Export the bundle again.") from error
    if not isinstance(content, dict):
        raise DataError(f"{folder / SIGNATURES} is damaged: expected keys and values. Export the bundle again.")
    return content


def _try(model: BundleModel, folder: Path) -> None:
    """One row there and back: graphs that do not do what the card says are refused now, not at the first request."""
    kind = np.uint8 if model.card.images else np.float32
    try:
        codes = model.encode(np.zeros((1, *model.shape), kind)).mean
        made = model.decode(codes)
    except (ConfigError, ShapeError) as error:
        raise DataError(f"the graphs of the bundle {folder} do not do what its card says: {error}") from error
    if not (np.isfinite(codes).all() and np.isfinite(made).all()):
        raise DataError(f"the graphs of the bundle {folder} give NaN or infinity for a black image.")


def _like(found: Mapping[str, NDArray[Any]], name: str, wanted: NDArray[np.float32]) -> NDArray[np.float32]:
    array = found.get(name)
    if array is None:
        raise DataError(f"a graph of the bundle has no output {name!r}; it has {', '.join(found) or 'none'}.")
    if array.shape != wanted.shape or array.dtype != np.float32:
        raise DataError(
            f"a graph of the bundle gives {name!r} as {array.dtype} {array.shape}; expected float32 {wanted.shape}."
        )
    return array
