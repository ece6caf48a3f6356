"""Writing so that nothing half-written stays: a file or folder appears whole, or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from unweave.core.errors import StorageError


@contextlib.contextmanager
def storage_errors(path: Path, doing: str) -> Iterator[None]:
    """Turn an operating system's refusal into an error that names the path and what to do."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(
            f"cannot {doing} {path}: {error.strerror or error}. "
            "Check that the folder exists, is writable and has free space; what was there before is untouched."
        ) from error


def _sync_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it replaces `path` durably, on failure it vanishes."""
    with storage_errors(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        part = Path(name)
        try:
            yield part
            _sync_file(part)
            part.chmod(0o644)
            part.replace(path)
            _sync_folder(path.parent)
        finally:
            part.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole, or not at all."""
    with atomic_file(path) as part:
        part.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write a UTF-8 text file so that it is there whole, or not at all."""
    write_bytes(path, content.encode())


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside `path`; on success it becomes `path`, on failure it vanishes.

    If another process made `path` meanwhile, theirs stays and ours vanishes: both hold the same content.
    """
    with storage_errors(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
        try:
            yield part
            part.chmod(0o755)
            for written in part.rglob("*"):
                if written.is_file():
                    _sync_file(written)
            if not path.exists():
                part.replace(path)
                _sync_folder(path.parent)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def folder_hash(folder: Path) -> str:
    """Hash of the names and the content of all files in a folder, 32 hexadecimal digits.

    Raises:
        StorageError: a file cannot be read.
    """
    state = hashlib.blake2b(digest_size=16)
    with storage_errors(folder, "read"):
        files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        for name in sorted(files):
            with files[name].open("rb") as file:
                content = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
            state.update(f"{name}\n{content.hexdigest()}\n".encode())
    return state.hexdigest()
