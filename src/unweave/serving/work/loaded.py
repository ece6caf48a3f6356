"""One version of a model where it computes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unweave.bundles.run import BundleModel, load_bundle
from unweave.serving.images.takes import Takes, takes_of
from unweave.signatures.bundled import editor_of
from unweave.signatures.editor import Editor


@dataclass(frozen=True)
class Loaded:
    """A bundle with its graphs.

    Attributes:
        model: of the bundle.
        editor: the same with its signatures; None where the bundle has none.
        takes: which images.
    """

    model: BundleModel
    editor: Editor | None
    takes: Takes


def load_model(folder: Path, *, threads: int = 1) -> Loaded:
    """Load a bundle, with everything in it checked.

    Args:
        folder: of the bundle.
        threads: within one operator of a graph.

    Raises:
        ConfigError, DataError, StorageError, MissingExtraError: see `load_bundle`, `takes_of` and `editor_of`.
    """
    model = load_bundle(folder, threads=threads)
    return Loaded(model, None if model.signatures is None else editor_of(model), takes_of(model.card))
