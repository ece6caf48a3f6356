"""Edits through a bundle: its graphs with its signatures, without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unweave.bundles.files import SIGNATURES, Precision
from unweave.bundles.run import BundleModel, load_bundle
from unweave.core.errors import ConfigError, DataError, UnweaveError
from unweave.signatures.editor import Editor
from unweave.signatures.signatures import Signatures


def load_editor(
    folder: Path, *, precision: Precision = "float32", providers: Sequence[str] | None = None, threads: int = 1
) -> Editor:
    """The model of a bundle that edits by factor: `load_editor(folder).edit(images, smile=+1)`.

    Args:
        folder, precision, providers, threads: see `load_bundle`.

    Raises:
        ConfigError: the bundle has no signatures; and see `load_bundle`.
        DataError: its signatures are damaged, or of another model; and see `load_bundle`.
    """
    return editor_of(load_bundle(folder, precision=precision, providers=providers, threads=threads))


def editor_of(model: BundleModel) -> Editor:
    """A bundle that is loaded with its signatures.

    Raises:
        ConfigError: it has no signatures.
        DataError: they are damaged, or of another model.
    """
    if model.signatures is None:
        raise ConfigError(
            f"the bundle of run {model.card.run} has no signatures, so no factor can be moved by name. Find them with "
            "`unweave probe`, and export again."
        )
    signatures = checked_signatures(model.signatures)
    try:
        return Editor(model, signatures, model.card.model_hash)
    except UnweaveError as error:
        raise _damaged(error) from error


def checked_signatures(content: Mapping[str, Any]) -> Signatures:
    """The signatures of a bundle, which may come from anybody: they are tried on one code.

    Args:
        content: of `signatures.json`.

    Raises:
        DataError: they are damaged.
    """
    try:
        signatures = Signatures.from_json(content)
        middle = signatures.density.mean[None]
        for signature in signatures.signatures:
            label = signature.reader.read(middle)
            if signature.offset(label, label).shape != middle.shape:
                raise DataError(f"{signature.name} moves codes of another width")
        if not np.isfinite(signatures.density.reach(middle, np.ones_like(middle))).all():
            raise DataError("their density is none")
    except (UnweaveError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(error) from error
    return signatures


def _damaged(error: Exception) -> DataError:
    return DataError(f"{SIGNATURES} of the bundle is damaged: {error}. Export it again.")
