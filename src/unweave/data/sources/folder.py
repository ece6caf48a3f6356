"""A folder of image files, with its sub-folders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from stat import S_ISREG
from typing import Literal

import pyarrow as pa

from unweave.core.errors import DataError
from unweave.core.files import storage_errors
from unweave.data.file_index import ListedFile
from unweave.data.images import Refusal, image_extensions
from unweave.data.sources.base import Batch, Observed
from unweave.data.sources.batches import Files

_NOT_OURS = frozenset({"__MACOSX"})


class FolderSource:
    """Image files below a folder, by name; hidden files are left alone."""

    kind: Literal["images"] = "images"
    settings = ""

    def __init__(self, folder: Path) -> None:
        self.where, self.folder = str(folder), folder
        self._broken: dict[str, str] = {}
        with storage_errors(folder, "list"):
            listed = sorted(self._walk(folder, "", set()), key=lambda file: file.name)
        extensions = image_extensions()
        self.files: Sequence[ListedFile] = [file for file in listed if _suffix(file.name) in extensions]
        images = {file.name for file in self.files}
        self._others = tuple(printable(file.name) for file in listed if file.name not in images)
        if not self.files:
            raise DataError(_nothing_in(folder, self._others))

    def open(self) -> Observed:
        """File names relative to the folder; labels come from elsewhere."""
        return Observed(_different([printable(file.name) for file in self.files]), other_files=self._others)

    def batch(self, start: int, stop: int) -> Batch:
        """The files themselves, to be read by the decoding process."""
        return Files(tuple(self._path(file) for file in self.files[start:stop]))

    def _path(self, file: ListedFile) -> str | Refusal:
        reason = self._broken.get(file.name)
        return file.path if reason is None else Refusal(reason)

    def _walk(self, folder: Path, prefix: str, above: set[tuple[int, int]]) -> Iterator[ListedFile]:
        """Files below `folder`; `above` are the folders on the way down, so that a circle of links ends."""
        stat = folder.stat()
        here = (stat.st_dev, stat.st_ino)
        if here in above:
            return
        with os.scandir(folder) as entries:
            for entry in entries:
                name = prefix + entry.name
                if entry.name.startswith(".") or entry.name in _NOT_OURS:
                    continue
                if entry.is_dir():
                    yield from self._walk(Path(entry.path), name + "/", above | {here})
                    continue
                yield self._listed(entry, name)

    def _listed(self, entry: os.DirEntry[str], name: str) -> ListedFile:
        try:
            stat = entry.stat()
        except OSError as error:
            self._broken[name] = f"it cannot be opened: {error.strerror or error}"
            return ListedFile(name, "", 0, 0)
        if not S_ISREG(stat.st_mode):
            # To open a pipe would wait for ever for someone to write into it, so there is no path to open.
            self._broken[name] = "it is no regular file"
            return ListedFile(name, "", 0, 0)
        return ListedFile(name, entry.path, stat.st_size, stat.st_mtime_ns)


def class_folders(names: Sequence[str]) -> pa.Table | None:
    """A column `label` with the name of each file's folder, when there are at least two such folders."""
    folders = [name.rpartition("/")[0].rpartition("/")[2] or None for name in names]
    if len({folder for folder in folders if folder is not None}) < 2:
        return None
    return pa.table({"label": pa.array(folders, type=pa.string())})


def _suffix(name: str) -> str:
    # For 100,000 names, a path object each would take a second.
    return name[name.rfind(".") :].lower()


def printable(name: str) -> str:
    """A file name as text; bytes that are no UTF-8 become �."""
    return os.fsencode(name).decode("utf-8", errors="replace")


def _different(names: list[str]) -> list[str]:
    """Names made different, should two unprintable ones have become equal."""
    seen: dict[str, int] = {}
    for place, name in enumerate(names):
        count = seen[name] = seen.get(name, 0) + 1
        if count > 1:
            names[place] = f"{name} ({count})"
    return names


def _nothing_in(folder: Path, others: Sequence[str]) -> str:
    kinds = "PNG, JPEG, GIF, BMP, TIFF, WebP, …"
    if not others:
        return f"data.images: the folder {folder} is empty; expected image files ({kinds}). Put them there."
    shown = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
    return (
        f"data.images: the folder {folder} holds {len(others)} files but no image ({kinds}) by its extension: {shown}. "
        "Give the folder with the images, or rename the files."
    )
