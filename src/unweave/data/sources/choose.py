"""From the `data:` section to the source that it means."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from pathlib import Path

from unweave.core.errors import DataError
from unweave.data.config import DataConfig
from unweave.data.images import image_extensions
from unweave.data.sources.base import Source
from unweave.data.sources.damage import reading


def open_source(config: DataConfig, root: Path, *, label_names: Collection[str] = ()) -> Source:
    """The source that `config` names; its paths are relative to `root`.

    Args:
        config: the `data:` section.
        root: the project folder.
        label_names: columns of a table of vectors that are labels although they hold numbers.

    Raises:
        DataError: there is nothing at the path, or nothing that can be read.
        StorageError: the operating system does not let it be read.
    """
    # Each source is imported when it is wanted: the built-in sets alone need numba.
    if config.builtin is not None:
        from unweave.data.sources.builtin import BuiltinSource

        return BuiltinSource(config)
    key, given = ("images", config.images) if config.images is not None else ("vectors", config.vectors)
    assert given is not None, "the configuration has exactly one of the two"
    path = root / given
    if not path.exists():
        raise DataError(_missing(key, given, path))
    with reading(str(path)):
        return _images(path) if key == "images" else _vectors(path, label_names)


def _images(path: Path) -> Source:
    from unweave.data.sources.folder import FolderSource
    from unweave.data.sources.hugging_face import HuggingFaceSource, is_saved_dataset
    from unweave.data.sources.npz import NpzSource
    from unweave.data.sources.parquet import ParquetSource

    if path.is_dir():
        if is_saved_dataset(path):
            return HuggingFaceSource(path)
        shards = sorted(path.glob("*.parquet"))
        if shards and not any(entry.suffix.lower() in image_extensions() for entry in path.iterdir()):
            return ParquetSource(shards, str(path))
        return FolderSource(path)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return NpzSource(path)
    if suffix == ".parquet":
        return ParquetSource([path], str(path))
    raise DataError(
        f"data.images: {path} is a {suffix or 'plain'} file; expected a folder of images, an .npz or a .parquet "
        "file, or a Hugging Face dataset saved on disk. Unpack an archive first; of a single image, give its folder."
    )


def _vectors(path: Path, label_names: Collection[str]) -> Source:
    from unweave.data.sources.vectors import ArrayVectors, TableVectors

    suffix = path.suffix.lower()
    if suffix in (".npy", ".npz") and path.is_file():
        return ArrayVectors(path)
    if suffix == ".parquet" and path.is_file():
        return TableVectors(path, label_names)
    raise DataError(f"data.vectors: {path} is no .npy, .npz or .parquet file. Save the vectors as one of these.")


def _missing(key: str, given: str, path: Path) -> str:
    beside = sorted(entry.name for entry in path.parent.iterdir()) if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, beside, n=1)
    return f"data.{key}: there is no {given!r} (looked for {path.absolute()}). " + (
        f"Did you mean {near[0]!r}?" if near else "Paths are relative to the folder of the project file."
    )
