"""Content hashes of files, remembered by (path, size, modification time) so that unchanged files are not read again."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from unweave.core.files import atomic_file

UNREADABLE = b""
"""In place of the hash of a file that cannot be read."""

_SETTLED_NS = 2_000_000_000
_BLOCK = 1 << 20
_DIGEST = 16


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file as a listing of its folder shows it.

    Attributes:
        name: relative to the folder of the source, with forward slashes.
        path: where to open it.
        size: bytes.
        mtime_ns: time of the last modification.
    """

    name: str
    path: str
    size: int
    mtime_ns: int

    @classmethod
    def at(cls, path: Path) -> Self:
        """A single file, called by its own name."""
        stat = path.stat()
        return cls(path.name, os.fspath(path), stat.st_size, stat.st_mtime_ns)


def file_digests(
    files: Sequence[ListedFile], index: Path, *, progress: Callable[[int, int], None] | None = None
) -> list[bytes]:
    """BLAKE2 hash of each file's content, 16 bytes, or `UNREADABLE`.

    `index` is where the hashes are remembered. A file that was changed within the last two seconds is not, because
    the next change might leave its time and size as they are.
    """
    remembered = _read(index)
    now = time.time_ns()
    found: list[bytes] = []
    entries: dict[str, tuple[int, int, bytes]] = {}
    for place, file in enumerate(files):
        entry = remembered.get(file.path)
        if entry is None or entry[:2] != (file.size, file.mtime_ns):
            entry = (file.size, file.mtime_ns, _digest(file.path))
        found.append(entry[2])
        if entry[2] != UNREADABLE and file.mtime_ns < now - _SETTLED_NS:
            entries[file.path] = entry
        if progress is not None and place % 1000 == 0:
            progress(place, len(files))
    if entries != remembered:
        _write(index, entries)
    return found


def _digest(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - twice as fast as Path.open for 100,000 small files
            state = hashlib.blake2b(digest_size=_DIGEST)
            while block := file.read(_BLOCK):
                state.update(block)
            return state.digest()
    except OSError:
        return UNREADABLE


def _read(index: Path) -> dict[str, tuple[int, int, bytes]]:
    try:
        table = pq.read_table(index)
        columns = [table.column(name).to_pylist() for name in ("path", "size", "mtime_ns", "digest")]
    except (OSError, pa.ArrowException, KeyError):
        # It is only a memory: without it the files are read again.
        return {}
    paths, sizes, times, digests = columns
    return {
        os.fsdecode(path): (size, time_ns, digest)
        for path, size, time_ns, digest in zip(paths, sizes, times, digests, strict=True)
    }


def _write(index: Path, entries: dict[str, tuple[int, int, bytes]]) -> None:
    # File names need not be valid text, hence bytes.
    table = pa.table(
        {
            "path": pa.array([os.fsencode(path) for path in entries], type=pa.binary()),
            "size": pa.array([size for size, _, _ in entries.values()], type=pa.int64()),
            "mtime_ns": pa.array([time_ns for _, time_ns, _ in entries.values()], type=pa.int64()),
            "digest": pa.array([digest for _, _, digest in entries.values()], type=pa.binary()),
        }
    )
    with atomic_file(index) as part:
        pq.write_table(table, part, compression="zstd")
