"""Plain arrays from a `.npz` file that may be hostile: no pickle, and no more bytes than the file says and may say."""

from __future__ import annotations

import io
import math
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from unweave.bundles.files import first_line
from unweave.core.errors import DataError

_KINDS = "fiuU"
_MOST_ENTRIES = 10_000
_HEADER_BYTES = 16_384
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGED = (
    *(ValueError, OSError, EOFError, SyntaxError, NotImplementedError, RuntimeError, MemoryError),
    *(zlib.error, tokenize.TokenError),
)
"""What NumPy and zipfile raise on bytes that are no such file."""


def read_arrays(content: bytes, path: Path, *, most_bytes: int) -> Mapping[str, NDArray[Any]]:
    """Arrays of numbers and of text, by name.

    The header of every array is read before its content: a file of a few bytes can promise any shape, and compressed
    zeros become a thousand times as many.

    Args:
        content: of the file.
        path: of the file, for messages.
        most_bytes: of all arrays together.

    Raises:
        DataError: it is no such file, holds objects (a pickle, which can run code), or more than is allowed.
    """
    found: dict[str, NDArray[Any]] = {}
    left = most_bytes
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > _MOST_ENTRIES:
                raise ValueError(f"it holds {len(entries):,} arrays")
            for entry in entries:
                if not entry.filename.endswith(".npy") or entry.compress_type not in _COMPRESSIONS:
                    raise ValueError(f"it holds {entry.filename[:80]!r}, which is no array")
                if entry.file_size > left + _HEADER_BYTES:
                    raise ValueError(f"its arrays take more than {most_bytes:,} bytes")
                with archive.open(entry) as file:
                    array = _array(file, entry)
                left -= array.nbytes
                found[entry.filename.removesuffix(".npy")] = array
    except (*_DAMAGED, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be used: {first_line(error)}. Export the bundle again.") from error
    return found


def _array(file: Any, entry: zipfile.ZipInfo) -> NDArray[Any]:  # noqa: ANN401 - zipfile's own kind of stream
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"{entry.filename} is of version {version}")
    header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = header(file, max_header_size=_HEADER_BYTES)
    if dtype.hasobject or dtype.kind not in _KINDS or dtype.fields is not None:
        raise ValueError(f"{entry.filename} holds {dtype}; plain numbers and text alone are read")
    size = math.prod(shape) * dtype.itemsize
    if size > entry.file_size or min(shape, default=0) < 0:
        raise ValueError(f"{entry.filename} says that its shape is {shape}, and is too short for that")
    data = file.read(size)
    if len(data) != size or file.read(1):
        raise ValueError(f"{entry.filename} has not the length that its shape {shape} says")
    array = np.frombuffer(data, dtype=dtype).reshape(shape, order="F" if fortran else "C")
    return array
