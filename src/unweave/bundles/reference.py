"""What codes, reconstructions and probes looked like on reference rows: `reference.npz`, for the monitoring of drift.

Arrays of the file, Q quantiles of each column over the reference rows:

* `format`: 1;
* `rows`: number of reference rows;
* `probabilities` (Q,): from 0, the smallest value, to 1, the largest;
* `codes` (Q, D): of every column of the code;
* `reconstruction_error` (Q,): of the mean squared error per pixel of an image in [0, 1], or per component of a vector;
* `factors` (K,): names, and for the factor k of them `probe_k` (Q, m): of the outputs of its probe (see
  `signatures.Reader`): the normalised label, the point (cos, sin) of an angle, or the log-odds of the classes that had
  labels, in the order of `probe_k_outputs` (m,).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unweave.bundles.arrays import read_arrays
from unweave.bundles.files import MOST_BYTES, REFERENCE
from unweave.core.errors import DataError

Floats = NDArray[np.float64]

PROBABILITIES = np.linspace(0, 1, 257)
"""Steps of 1/256: a distribution is known to within 0.4 %, which is less than 2,000 rows can tell."""

_FORMAT = 1


@dataclass(frozen=True)
class ProbeSketch:
    """Quantiles of what a factor's probe says.

    Attributes:
        outputs: numbers (m,) of the probe's outputs that are finite; a class without labels has none.
        quantiles: (Q, m).
    """

    outputs: NDArray[np.int64]
    quantiles: NDArray[np.float32]


@dataclass(frozen=True)
class Reference:
    """Quantile sketches of reference rows; see the module for the file.

    Attributes:
        rows: their number.
        probabilities: (Q,).
        codes: (Q, D).
        reconstruction_error: (Q,).
        probes: by factor.
    """

    rows: int
    probabilities: Floats
    codes: NDArray[np.float32]
    reconstruction_error: NDArray[np.float32]
    probes: Mapping[str, ProbeSketch]

    @classmethod
    def of(cls, codes: NDArray[Any], errors: NDArray[Any], probes: Mapping[str, NDArray[Any]]) -> Self:
        """Sketches of N rows: codes (N, D), reconstruction errors (N,), outputs (N, m) of the probes by factor."""
        found = {}
        for name, values in probes.items():
            outputs = np.flatnonzero(np.isfinite(values).all(axis=0))
            found[name] = ProbeSketch(outputs.astype(np.int64), _quantiles(values[:, outputs]))
        return cls(len(codes), PROBABILITIES.copy(), _quantiles(codes), _quantiles(errors), found)

    def to_bytes(self) -> bytes:
        """Content of `reference.npz`; equal sketches give equal bytes."""
        arrays: dict[str, NDArray[Any]] = {
            "format": np.array(_FORMAT),
            "rows": np.array(self.rows),
            "probabilities": self.probabilities,
            "codes": self.codes,
            "reconstruction_error": self.reconstruction_error,
            "factors": np.array(list(self.probes), dtype=np.str_),
        }
        for k, sketch in enumerate(self.probes.values()):
            arrays |= {f"probe_{k}": sketch.quantiles, f"probe_{k}_outputs": sketch.outputs}
        return _npz(arrays)

    @classmethod
    def from_bytes(cls, content: bytes, path: Path, *, latent: int) -> Self:
        """The inverse of `to_bytes`, for codes of `latent` columns.

        Raises:
            DataError: see `read_arrays`; or arrays are absent or do not fit together.
        """
        arrays = read_arrays(content, path, most_bytes=MOST_BYTES[REFERENCE])
        try:
            return cls._made(arrays, latent)
        except (KeyError, ValueError, TypeError) as error:
            raise DataError(f"{path} is damaged or of another version: {error}. Export the bundle again.") from error

    @classmethod
    def _made(cls, arrays: Mapping[str, NDArray[Any]], latent: int) -> Self:
        if arrays["format"].shape != () or int(arrays["format"]) != _FORMAT:
            raise ValueError(f"expected format {_FORMAT}")
        probabilities = np.asarray(arrays["probabilities"], dtype=np.float64)
        q = len(probabilities)
        if probabilities.ndim != 1 or not (np.diff(probabilities) > 0).all():
            raise ValueError("`probabilities` must rise")
        names = [str(name) for name in arrays["factors"]]
        if len(set(names)) != len(names):
            raise ValueError("`factors` names one twice")
        probes = {}
        for k, name in enumerate(names):
            outputs = arrays[f"probe_{k}_outputs"].astype(np.int64)
            if outputs.ndim != 1:
                raise ValueError(f"`probe_{k}_outputs` must be a row")
            probes[name] = ProbeSketch(outputs, _sketch(arrays, f"probe_{k}", (q, len(outputs))))
        codes, errors = _sketch(arrays, "codes", (q, latent)), _sketch(arrays, "reconstruction_error", (q,))
        return cls(int(arrays["rows"]), probabilities, codes, errors, probes)


def _sketch(arrays: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    array = np.asarray(arrays[name], dtype=np.float32)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"`{name}` must be finite and of shape {shape}, got {array.shape}")
    return array


def _quantiles(values: NDArray[Any]) -> NDArray[np.float32]:
    """(Q, …) of values (N, …)."""
    found = np.quantile(np.asarray(values, dtype=np.float64), PROBABILITIES, axis=0)
    return np.asarray(found, dtype=np.float32)


def _npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """As np.savez_compressed, without the time of writing."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asarray(array), allow_pickle=False)
            about = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            archive.writestr(about, content.getvalue(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
