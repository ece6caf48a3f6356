"""The built-in sets, drawn by our own code."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from unweave.core.factors import Factor
from unweave.data.builtin.base import GeneratedSet
from unweave.data.builtin.registry import builtin_set, draw_rows
from unweave.data.columns import with_factor
from unweave.data.config import DataConfig
from unweave.data.file_index import ListedFile
from unweave.data.sources.base import Batch, Observed, Payload


@dataclass(frozen=True)
class Rendering:
    """Images of a built-in set, drawn in the process that wants them."""

    name: str
    size: int | None
    index: NDArray[np.int64]

    def __call__(self) -> Iterator[Payload]:
        """Image by image."""
        return iter(_generated(self.name, self.size).render(self.index))


class BuiltinSource:
    """The rows of a built-in set that the configuration asks for."""

    kind: Literal["images"] = "images"
    folder = None
    files: Sequence[ListedFile] = ()

    def __init__(self, config: DataConfig) -> None:
        assert config.builtin is not None, "the caller looks for `builtin:` first"
        self._name, self._size = config.builtin, config.size
        self._generated = _generated(self._name, self._size)
        self._index = draw_rows(self._generated, config)
        self.where = f"builtin:{self._name}"

    @property
    def settings(self) -> str:
        """The rows, and a sample of their images: a change of the code that draws them makes a new store."""
        some = self._index[:: max(1, len(self._index) // 16)][:16]
        state = hashlib.blake2b(self.where.encode())
        for array in (self._index, self._generated.render(some), self._generated.labels(some)):
            state.update(array.tobytes())
        return state.hexdigest()

    def open(self) -> Observed:
        """Row numbers, and a column per factor that carries the factor itself."""
        labels = self._generated.labels(self._index)
        made = [_column(factor, labels[:, k]) for k, factor in enumerate(self._generated.factors)]
        table = pa.table([column for _, column in made], schema=pa.schema([field for field, _ in made]))
        return Observed([str(row) for row in range(len(self._index))], table)

    def batch(self, start: int, stop: int) -> Batch:
        """Some rows, to be drawn by the decoding process."""
        return Rendering(self._name, self._size, self._index[start:stop])


@functools.lru_cache(maxsize=4)
def _generated(name: str, size: int | None) -> GeneratedSet:
    return builtin_set(name, size=size)


def _column(factor: Factor, labels: NDArray[np.float64]) -> tuple[pa.Field, pa.Array]:
    if factor.is_discrete and factor.values is not None:
        column = pa.array(np.array(factor.values, dtype=object)[labels.astype(np.int64)], type=pa.string())
    else:
        column = pa.array(labels)
    return with_factor(pa.field(factor.name, column.type), factor), column
