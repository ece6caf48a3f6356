"""One version of a model as it is served: ready to compute, with what it says of itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from unweave.bundles.files import SIGNATURES, graph_name, read_files
from unweave.bundles.run import BundleModel, load_bundle
from unweave.core.errors import DataError
from unweave.data.images import ImageOptions
from unweave.signatures.bundled import editor_of
from unweave.signatures.editor import Editor

_SHORT = 12
Fit = Literal["crop", "pad", "stretch"]


@dataclass(frozen=True)
class Served:
    """A bundle that answers requests. It stays as it is: a new version is another object.

    Attributes:
        name: by which requests ask for it.
        model: of the bundle.
        editor: the same with its signatures; None where the bundle has none.
        signatures: content of `signatures.json`, or None.
        decoder: content of `decoder.onnx` where browsers may have it, or None.
    """

    name: str
    model: BundleModel
    editor: Editor | None
    signatures: bytes | None
    decoder: bytes | None

    @property
    def digest(self) -> str:
        """Tells this bundle from all others."""
        return self.model.digest

    @property
    def label(self) -> str:
        """Name and the first digits of the digest."""
        return f"{self.name}@{self.digest[:_SHORT]}"

    @property
    def decoder_tag(self) -> str:
        """Strong ETag of the decoder's content."""
        return '"' + hashlib.blake2b(self.decoder or b"", digest_size=16).hexdigest() + '"'

    @property
    def options(self) -> ImageOptions:
        """How images are made ready for it: as those that it was trained on, and always of its size if it is square."""
        height, width, channels = self.model.shape
        settings: dict[str, Any] = self.model.card.training.settings.get("data") or {}
        fit = settings.get("fit")
        return ImageOptions(
            height if height == width else None,
            1 if channels == 1 else 3,
            cast(Fit, fit) if fit in ("crop", "pad", "stretch") else "crop",
        )

    def blank(self) -> NDArray[np.uint8]:
        """A black image (H, W, C)."""
        return np.zeros(self.model.shape, np.uint8)


def load_served(name: str, folder: Path, *, threads: int, share_decoder: bool) -> Served:
    """Load a bundle, with everything in it checked.

    Raises:
        ConfigError, DataError, StorageError, MissingExtraError: see `load_bundle` and `editor_of`; a model of vectors
            is refused, and so is one of two channels.
    """
    model = load_bundle(folder, threads=threads)
    if not model.images or model.shape[2] not in (1, 3):
        raise DataError(
            f"the bundle {folder} takes {model.shape}; the server takes images of one or three channels. Use it from "
            "Python with `load_editor`."
        )
    files, digest = read_files(folder)
    if digest != model.digest:
        raise DataError(f"the bundle {folder} changed while it was loaded. It is tried again.")
    decoder = files[graph_name("decoder")] if share_decoder else None
    editor = None if model.signatures is None else editor_of(model)
    return Served(name, model, editor, files.get(SIGNATURES), decoder)
