"""Precomputed codes as a `LatentModel` of the observations that they belong to."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.binding import NOTHING_BOUND, Binding
from unweave.core.codes import Codes
from unweave.core.errors import ConfigError, DataError, ShapeError, StorageError
from unweave.core.model import Capability, Observations

_DIGEST = 16
Digests = NDArray[np.bytes_]


@dataclass(frozen=True)
class KnownCodes:
    """Codes of known observations, found by their content; implements `RunModel` without `decode`.

    Attributes:
        codes: of N observations.
        digests: of the content of each, (N,); all different.
        shape: of one observation.
    """

    codes: Codes
    digests: Digests
    shape: tuple[int, ...]

    @property
    def latent(self) -> int:
        """Number of latent dimensions D."""
        return int(self.codes.mean.shape[1])

    @property
    def capabilities(self) -> frozenset[Capability]:
        """`encode` alone."""
        return frozenset({"encode"})

    @property
    def binding(self) -> Binding:
        """Nothing is known about it."""
        return NOTHING_BOUND

    def encode(self, observations: Observations) -> Codes:
        """Codes of observations that are among the known ones.

        Raises:
            ShapeError: they have another shape.
            DataError: one has no code.
        """
        if observations.shape[1:] != self.shape:
            raise ShapeError("observations", want=f"(rows, {', '.join(map(str, self.shape))})", got=observations.shape)
        order = np.argsort(self.digests)
        wanted = content_digests(observations)
        place = np.searchsorted(self.digests[order], wanted)
        rows = order[np.minimum(place, len(order) - 1)]
        unknown = np.flatnonzero(self.digests[rows] != wanted)
        if len(unknown):
            raise DataError(
                f"{len(unknown)} of {len(wanted)} observations have no precomputed code, first row {unknown[0]}. "
                "This model knows the codes of the observations that it was imported with: import codes of the data as "
                "they are now, or the encoder itself."
            )
        return self.codes.take(rows)

    def decode(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Raises ConfigError: there is no decoder."""
        raise ConfigError(
            "this model is a table of precomputed codes: it has no decoder, so it cannot draw. Import an encoder and a "
            "decoder for pictures."
        )


def content_digests(observations: Observations) -> Digests:
    """A digest of the content of each row, (N,); equal exactly for rows of equal content."""
    rows = np.ascontiguousarray(observations).reshape(len(observations), -1)
    found = [hashlib.blake2b(row.tobytes(), digest_size=_DIGEST).digest() for row in rows]
    # One byte that is not 0 at the end: NumPy cuts zeros off.
    return np.array([digest + b"." for digest in found], dtype=f"S{_DIGEST + 1}")


def read_codes(path: Path) -> Mapping[str, NDArray[Any]]:
    """Arrays of the user's `.npz`: `codes` (N, D), and if given `logvars` (N, D) and `ids` (N,).

    Raises:
        DataError: the file is absent or no `.npz`, or its arrays cannot be used.
    """
    if not path.is_file():
        raise DataError(f"{path}: there is no such file. Pass an .npz file with `codes` (rows, dimensions).")
    if not zipfile.is_zipfile(path):
        raise DataError(f"{path} is no .npz file. Save one with np.savez(path, codes=…).")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            names = content.files
            arrays = {name: content[name] for name in names if name in ("codes", "logvars", "ids")}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} cannot be read: {str(error).partition(chr(10))[0]} Save it with np.savez(path, codes=…) from "
            "plain arrays of numbers (and ids as text)."
        ) from error
    if "codes" not in arrays:
        raise DataError(f"{path}: expected an .npz file with `codes`, it has {', '.join(names) or 'nothing'}.")
    _check(path, arrays)
    return arrays


def _check(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    codes = arrays["codes"]
    if codes.ndim != 2 or 0 in codes.shape or codes.dtype.kind not in "fiu":
        raise DataError(f"{path}: `codes`: expected numbers (rows, dimensions), got {codes.dtype} {codes.shape}.")
    for name in ("codes", "logvars"):
        if name in arrays and not np.isfinite(arrays[name]).all():
            raise DataError(f"{path}: `{name}` holds NaN or infinite values. Leave those rows out.")
    if "logvars" in arrays and arrays["logvars"].shape != codes.shape:
        raise DataError(f"{path}: `logvars`: expected shape {codes.shape} as `codes`, got {arrays['logvars'].shape}.")
    if "ids" in arrays and (arrays["ids"].shape != (len(codes),) or arrays["ids"].dtype.kind not in "USiu"):
        ids = arrays["ids"]
        raise DataError(f"{path}: `ids`: expected {len(codes)} texts or whole numbers, got {ids.dtype} {ids.shape}.")


def save_codes(model: KnownCodes, folder: Path) -> None:
    """Write `codes.npy`, `digests.npy` and, where there are, `logvars.npy`; equal codes give equal bytes."""
    np.save(folder / "codes.npy", model.codes.mean)
    np.save(folder / "digests.npy", model.digests)
    if model.codes.logvar is not None:
        np.save(folder / "logvars.npy", model.codes.logvar)


def load_codes(folder: Path, shape: tuple[int, ...]) -> KnownCodes:
    """The inverse of `save_codes`, for observations of a shape.

    Raises:
        StorageError: a file is absent or damaged.
    """
    try:
        mean, digests = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("codes", "digests"))
        spread = folder / "logvars.npy"
        logvar = np.load(spread, allow_pickle=False) if spread.exists() else None
    except (OSError, ValueError, EOFError) as error:
        raise StorageError(f"{folder} is damaged: {error}. Import the codes again.") from error
    return KnownCodes(Codes(mean, logvar), digests, shape)
