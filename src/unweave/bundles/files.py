"""The files of a bundle: their names, the most that is read of each, and their checksums."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from unweave.core.errors import ConfigError, DataError
from unweave.core.files import storage_errors

CHECKSUMS, CARD, SIGNATURES, REFERENCE = "checksums.json", "card.json", "signatures.json", "reference.npz"

Precision = Literal["float32", "fp16", "int8"]
Half = Literal["encoder", "decoder"]
HALVES: tuple[Half, ...] = ("encoder", "decoder")

_MIB = 1 << 20
_GRAPH_BYTES = 1 << 30
_REQUIRED: Mapping[str, int] = {
    CARD: 8 * _MIB,
    REFERENCE: 64 * _MIB,
    "encoder.onnx": _GRAPH_BYTES,
    "decoder.onnx": _GRAPH_BYTES,
}
_OPTIONAL: Mapping[str, int] = {
    SIGNATURES: 64 * _MIB,
    **{f"{half}.{kind}.onnx": _GRAPH_BYTES for half in ("encoder", "decoder") for kind in ("fp16", "int8")},
}
MOST_BYTES: Mapping[str, int] = {CHECKSUMS: _MIB, **_REQUIRED, **_OPTIONAL}
"""What a bundle may hold, and the most bytes of each that are read."""

_DIGEST = 32


class _Checksums(BaseModel):
    """Content of `checksums.json`: BLAKE2b of 32 bytes of every other file, in hexadecimal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    blake2b: dict[str, str]


def graph_name(half: Half, precision: Precision = "float32") -> str:
    """Name of a graph's file."""
    return f"{half}.onnx" if precision == "float32" else f"{half}.{precision}.onnx"


def seal(folder: Path) -> str:
    """Write `checksums.json` for the files in a folder, and return what tells this bundle from all others.

    The last step of making a bundle: 64 hexadecimal digits that change with any byte of it.
    """
    names = sorted(path.name for path in folder.iterdir())
    assert set(_REQUIRED) <= set(names) <= set(_REQUIRED) | set(_OPTIONAL), names
    content = _Checksums(blake2b={name: _digest((folder / name).read_bytes()) for name in names})
    data = json.dumps(content.model_dump(), indent=1).encode()
    (folder / CHECKSUMS).write_bytes(data)
    return _digest(data)


def read_files(folder: Path) -> tuple[Mapping[str, bytes], str]:
    """Content of all files of a bundle, each read once and found to be what was sealed; and the bundle's digest.

    What is checked here is what is used later: nothing is opened twice. Checksums tell damage and a mixture of bundles;
    they do not tell who made it.

    Raises:
        ConfigError: there is no such folder, or it is no bundle.
        DataError: a file is missing, changed, too large, no regular file, or does not belong to a bundle.
        StorageError: a file cannot be read.
    """
    if not (folder / CHECKSUMS).exists():
        raise ConfigError(f"{folder} is no bundle: there is no {CHECKSUMS}. Make one with `unweave export`.")
    sealed = _read(folder, CHECKSUMS)
    try:
        wanted = _Checksums.model_validate(load_json(sealed)).blake2b
    except (ValidationError, ValueError) as error:
        raise DataError(f"{folder / CHECKSUMS} is damaged or of another version: {first_line(error)}.") from error
    odd = sorted(name for name in wanted if name not in MOST_BYTES or name == CHECKSUMS)
    if odd:
        raise DataError(f"{folder / CHECKSUMS} names {odd[0]!r}, which is no file of a bundle. Do not use it.")
    with storage_errors(folder, "read"):
        there = {path.name for path in folder.iterdir()} - {CHECKSUMS}
    if there != set(wanted):
        missing, more = sorted(set(wanted) - there), sorted(there - set(wanted))
        what = f"{missing[0]} is missing" if missing else f"{more[0]!r} is there and has no checksum"
        raise DataError(f"the bundle {folder} is not as it was made: {what}. Copy it again, as a whole.")
    absent = sorted(set(_REQUIRED) - set(wanted))
    if absent:
        raise DataError(f"the bundle {folder} has no {absent[0]}. Make one with `unweave export`.")
    found = {name: _read(folder, name) for name in sorted(wanted)}
    for name, content in found.items():
        if _digest(content) != wanted[name]:
            raise DataError(
                f"{folder / name} is not as it was made: its checksum is another. Copy the bundle again, as a whole."
            )
    return found, _digest(sealed)


def load_json(content: bytes) -> Any:  # noqa: ANN401 - whatever the file holds
    """JSON of a file that may be hostile.

    Raises:
        ValueError: it is no JSON, or nested too deeply.
    """
    try:
        return json.loads(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def first_line(error: Exception) -> str:
    """The first line of what an error says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:300]


def _read(folder: Path, name: str) -> bytes:
    """A regular file of the folder itself: neither a link nor a pipe, and no larger than allowed."""
    path, most = folder / name, MOST_BYTES[name]
    if path.is_symlink():
        raise DataError(f"{path} is a link. A bundle holds its files itself: copy it with the content of its links.")
    with storage_errors(path, "read"):
        # Without blocking: to open a pipe would wait for somebody who writes.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            os.close(handle)
            raise DataError(f"{path} is no regular file. Copy the bundle again, as a whole.")
        with os.fdopen(handle, "rb") as file:
            if about.st_size > most:
                raise DataError(f"{path} takes {about.st_size:,} bytes, and at most {most:,} are read.")
            return file.read(most)


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=_DIGEST).hexdigest()
