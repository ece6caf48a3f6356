"""A bundle as a model: ONNX Runtime and NumPy, no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unweave.bundles.files import (
    CARD,
    HALVES,
    REFERENCE,
    SIGNATURES,
    Precision,
    first_line,
    graph_name,
    load_json,
    read_files,
)
from unweave.bundles.graphs import GraphModel
from unweave.bundles.onnx import OnnxNet
from unweave.bundles.reference import Reference
from unweave.bundles.schema import BundleCard, read_card
from unweave.core.binding import Binding
from unweave.core.errors import ConfigError, DataError, ShapeError


@dataclass(frozen=True)
class BundleModel(GraphModel):
    """The model of a bundle; implements `RunModel`.

    Attributes:
        card: what it says of itself.
        digest: tells this bundle from all others, 64 hexadecimal digits.
        signatures: content of `signatures.json`, which `signatures.Signatures.from_json` reads, or None.
        reference: what reference rows look like.
    """

    card: BundleCard
    digest: str
    signatures: Mapping[str, Any] | None
    reference: Reference

    @property
    def binding(self) -> Binding:
        """Labelled factors and the columns that training bound them to."""
        return Binding.from_json(self.card.binding)


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
    halves: dict[str, OnnxNet] = {}
    for half in HALVES:
        name = graph_name(half, precision)
        if name not in files:
            raise DataError(f"the bundle {folder} has no {name}, and its card says so. Export it again.")
        halves[half] = OnnxNet(folder / name, content=files[name], providers=providers, threads=threads)
    model = BundleModel(
        halves["encoder"],
        halves["decoder"],
        shape=card.shape,
        latent=card.latent,
        groups=card.groups,
        categorical=card.categorical,
        card=card,
        digest=digest,
        signatures=signatures_in(files, folder),
        reference=Reference.from_bytes(files[REFERENCE], folder / REFERENCE, latent=card.latent),
    )
    _try(model, folder)
    return model


def signatures_in(files: Mapping[str, bytes], folder: Path) -> Mapping[str, Any] | None:
    """Content of `signatures.json` of a bundle, or None where it has none.

    Raises:
        DataError: it is damaged.
    """
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
    row = np.zeros((1, *model.shape))
    try:
        codes = model.encode(row.astype(np.uint8) if model.images else row.astype(np.float32)).mean
        made = model.decode(codes)
    except (ConfigError, ShapeError) as error:
        raise DataError(f"the graphs of the bundle {folder} do not do what its card says: {error}") from error
    if not (np.isfinite(codes).all() and np.isfinite(made).all()):
        raise DataError(f"the graphs of the bundle {folder} give NaN or infinity for a black image.")
