"""Where an imported model comes from, opened so that it can be tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.bundles.codes import KnownCodes, content_digests, read_codes
from unweave.bundles.fit import image_shape
from unweave.bundles.imported import Kind
from unweave.bundles.onnx import OnnxNet
from unweave.core.codes import Codes
from unweave.core.errors import ConfigError, DataError
from unweave.core.findings import Finding
from unweave.core.pair import Net
from unweave.data.dataset import Dataset


@dataclass(frozen=True)
class Source:
    """What the user gives: ONNX files, `module:function`, or a table of codes; exactly one of the three."""

    encoder: Path | None = None
    decoder: Path | None = None
    function: str | None = None
    codes: Path | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("encoder", "function", "codes") if getattr(self, name) is not None]
        if self.decoder is not None and self.encoder is None:
            raise ConfigError("--decoder alone is no model: codes come from an encoder. Pass --encoder too.")
        if len(given) != 1:
            raise ConfigError(
                "expected one model: --encoder FILE.onnx with --decoder FILE.onnx, --torch MODULE:FUNCTION, or --codes "
                f"FILE.npz; got {len(given)} of them."
            )

    @property
    def kind(self) -> Kind:
        """Of the three."""
        return "onnx" if self.encoder is not None else "python" if self.function is not None else "codes"


@dataclass(frozen=True)
class Opened:
    """A model that can be tried.

    Attributes:
        source: where it came from.
        encoder, decoder: nets; None for codes.
        arrays: of the table of codes.
    """

    source: Source
    encoder: Net | None = None
    decoder: Net | None = None
    arrays: Mapping[str, NDArray[Any]] | None = None

    def image_settings(self) -> dict[str, int]:
        """`size` and `channels` of the data, where the encoder says what it takes."""
        dims = self.encoder.input_shape if self.encoder is not None else None
        found = image_shape(dims) if dims is not None else None
        if found is None:
            return {}
        height, width, channels = found
        if height is not None and width is not None and height != width:
            raise ConfigError(
                f"the encoder takes images of {height} x {width}, and images of data are made square. Export it for "
                "square images."
            )
        named = {"size": height or width, "channels": channels if channels in (1, 3) else None}
        return {name: value for name, value in named.items() if value is not None}


def open_foreign(source: Source, root: Path, *, device: str = "cpu") -> Opened:
    """Read the files, or run the function; `root` is where the module is looked for beside Python's own places.

    Raises:
        DataError, ConfigError, MissingExtraError: see `OnnxNet`, `torch_nets`, `read_codes`.
    """
    if source.encoder is not None:
        decoder = None if source.decoder is None else OnnxNet(source.decoder, device=device)
        return Opened(source, OnnxNet(source.encoder, device=device), decoder)
    if source.function is not None:
        from unweave.methods.torch_net import torch_nets

        return Opened(source, *torch_nets(source.function, folder=root, device=device))
    assert source.codes is not None
    return Opened(source, arrays=read_codes(source.codes))


def codes_of(opened: Opened, dataset: Dataset) -> tuple[KnownCodes, list[Finding]]:
    """The codes of a data set from a table: matched by id, or row by row.

    Raises:
        DataError: an observation has no code, or the lengths differ.
    """
    assert opened.arrays is not None
    rows = _rows(opened.arrays, dataset)
    mean, logvar = (
        opened.arrays[n][rows].astype(np.float32) if n in opened.arrays else None for n in ("codes", "logvars")
    )
    assert mean is not None
    observations = dataset.store.observations
    digests = np.concatenate([content_digests(observations[i : i + 1024]) for i in range(0, len(observations), 1024)])
    _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    apart = np.abs(mean - mean[first][inverse]).max(1) > 1e-4 * max(float(mean.std()), 1e-12)
    first = np.sort(first)
    codes = Codes(mean[first], None if logvar is None else logvar[first])
    findings = []
    if apart.any():
        findings.append(
            Finding(
                "warning",
                "Equal observations have different codes",
                f"{apart.sum():,} of {len(mean):,} observations repeat another exactly and have another code than it. "
                "An encoder would give them the same; the first code is kept.",
                "Check that the rows of the codes are in the order of the data, or give `ids`.",
            )
        )
    return KnownCodes(codes, digests[first], dataset.store.shape), findings


def _rows(arrays: Mapping[str, NDArray[Any]], dataset: Dataset) -> NDArray[np.int64]:
    """Row of the table of each observation."""
    count, store = len(arrays["codes"]), dataset.store
    if "ids" in arrays:
        names = arrays["ids"].astype(np.str_).tolist()
        places = {name: row for row, name in enumerate(names)}
        if len(places) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f"`ids`: {twice!r} is there twice. Give one code for each observation.")
        missing = [name for name in store.ids.tolist() if name not in places]
        if missing:
            raise DataError(
                f"{len(missing):,} of {len(store):,} observations have no code, the first is {missing[0]!r}; `ids` "
                f"begins with {names[0]!r}. Ids are those of the data: names of files relative to their folder."
            )
        return np.array([places[name] for name in store.ids.tolist()], dtype=np.int64)
    if count == len(store):
        return np.arange(count)
    if count == len(store) + len(store.report.skipped):
        return store.source_rows.astype(np.int64)
    skipped = f" ({len(store.report.skipped):,} more were left out)" if store.report.skipped else ""
    raise DataError(
        f"there are codes of {count:,} rows and {len(store):,} observations{skipped}. Without `ids` the rows of both "
        f"must agree, in the order of the data: {store.ids[0]!r}, {store.ids[min(1, len(store) - 1)]!r}, …. Give codes "
        "of these, or add `ids` to the .npz."
    )
