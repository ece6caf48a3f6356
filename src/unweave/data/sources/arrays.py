"""Arrays in .npz files, read in pieces so that memory holds one piece."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from unweave.core.errors import DataError


class ArrayStream:
    """An array in an .npz file, of which consecutive rows can be taken: `stream[start:stop]`.

    Attributes:
        shape: of the whole array.
        dtype: of its elements.
    """

    def __init__(self, path: Path, member: str) -> None:
        self._label = f"{member!r} in {path}"
        try:
            self._file = zipfile.ZipFile(path).open(f"{member}.npy")  # noqa: SIM115 - read later, closed with self
            self.shape, fortran, self.dtype = _header(self._file)
        except (ValueError, zipfile.BadZipFile, EOFError) as error:
            raise DataError(
                f"{self._label} is no array that can be read: {error}. Save it with numpy.savez."
            ) from error
        if fortran and len(self.shape) > 1:
            raise DataError(f"{self._label} is stored in Fortran order. Save numpy.ascontiguousarray(array) instead.")
        if self.dtype.hasobject:
            raise DataError(f"{self._label} holds Python objects. Save it as an array of numbers or text.")
        self._start = self._file.tell()

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        """Consecutive rows; cheap as long as they rise."""
        start, stop, _ = rows.indices(self.shape[0] if self.shape else 1)
        size = self.dtype.itemsize * int(np.prod(self.shape[1:], dtype=np.int64))
        try:
            self._file.seek(self._start + start * size)
            content = self._file.read((stop - start) * size)
        except (zipfile.BadZipFile, EOFError) as error:
            raise DataError(f"{self._label} is damaged: {error}. Save it again.") from error
        if len(content) != (stop - start) * size:
            raise DataError(f"{self._label} is cut off: rows {start} to {stop} are not all there. Save it again.")
        return np.frombuffer(content, dtype=self.dtype).reshape(stop - start, *self.shape[1:])


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy_format.read_magic(file)
    # Version 3 differs from 2 in the encoding of field names, which plain arrays do not have.
    read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
    return read(file)


def members(path: Path) -> dict[str, ArrayStream]:
    """The arrays of an .npz file by name."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    except zipfile.BadZipFile as error:
        raise DataError(f"{path} is no .npz file: {error}. Save it with numpy.savez.") from error
    return {name: ArrayStream(path, name) for name in names}
