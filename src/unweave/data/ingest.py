"""From a source to a store: decode in parallel, write in bounded memory, appear whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from unweave.core.errors import DataError
from unweave.core.files import atomic_folder
from unweave.data.decode import DIGEST, Part, PartTask, write_part
from unweave.data.file_index import file_digests
from unweave.data.images import ImageOptions
from unweave.data.ingest_report import IngestReport, Skipped, conversions, most_common_sizes
from unweave.data.locking import only_one
from unweave.data.pool import available_cores, run_in_order
from unweave.data.sources.base import Observed, Source
from unweave.data.sources.damage import reading
from unweave.data.store import OBSERVATIONS, ImageStore, StoreCard, content_hash, write_about

Progressing = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""

_FORMAT = "1"
"""Changes when equal sources must give new stores: decoding, or the files of a store, have changed."""

_BATCH = 256
_PAYS_FROM = 4000
"""Observations from which starting processes (a quarter of a second each) is worth it."""

_MOST_PROCESSES = 16


def ingest(
    source: Source,
    options: ImageOptions | None,
    cache: Path,
    *,
    progress: Progressing | None = None,
    processes: int | None = None,
) -> ImageStore:
    """The store of `source`, made now or found in `cache`.

    Two processes that want it at once make it once. What a killed process left half-made is swept away.

    Args:
        source: where observations come from.
        options: how images are made ready; None for vectors.
        cache: folder of all stores.
        progress: is told how far it is.
        processes: how many decode; None takes one per core when there is enough to do.

    Raises:
        DataError: nothing in the source can be used, or its images have different sizes and none is asked for.
        StorageError: the cache cannot be written.
    """
    tell = progress or (lambda doing, done, total: None)
    stores = cache / "stores"
    with only_one(cache / "lock"):
        for leftover in stores.glob(".*.part"):
            shutil.rmtree(leftover, ignore_errors=True)
        folder = stores / _key(source, options, cache, tell)
        if not folder.exists():
            with reading(source.where):
                observed = source.open()
            workers = _processes(processes, len(observed.names))
            with atomic_folder(folder) as half:
                parts = _decode(source, observed, options, half, tell, workers)
                _assemble(source, observed, parts, half)
    return ImageStore.open(folder)


def _key(source: Source, options: ImageOptions | None, cache: Path, tell: Progressing) -> str:
    index = cache / "index" / f"{hashlib.blake2b(os.fsencode(source.where), digest_size=16).hexdigest()}.parquet"
    digests = file_digests(source.files, index, progress=lambda done, total: tell("looking at files", done, total))
    state = hashlib.blake2b(f"{_FORMAT} {source.kind} {options} {source.settings}\n".encode(), digest_size=16)
    for file, digest in zip(source.files, digests, strict=True):
        state.update(os.fsencode(file.name) + b"\0" + digest)
    return state.hexdigest()


def _processes(asked: int | None, count: int) -> int:
    if asked is not None:
        return max(1, min(asked, -(-count // _BATCH)))
    return min(available_cores(), _MOST_PROCESSES) if count >= _PAYS_FROM else 1


def _decode(
    source: Source, observed: Observed, options: ImageOptions | None, half: Path, tell: Progressing, processes: int
) -> list[Part]:
    names = observed.names
    parts = []
    done = 0
    for part in run_in_order(write_part, _tasks(source, names, options, half), processes=processes):
        parts.append(part)
        done += len(part.rows) + len(part.refused)
        tell("reading data", done, len(names))
    return parts


def _tasks(source: Source, names: Sequence[str], options: ImageOptions | None, half: Path) -> Iterator[PartTask]:
    for number, start in enumerate(range(0, len(names), _BATCH)):
        stop = min(start + _BATCH, len(names))
        with reading(source.where):
            batch = source.batch(start, stop)
        yield PartTask(batch, start, tuple(names[start:stop]), options, half / f"{number}.raw")


def _assemble(source: Source, observed: Observed, parts: list[Part], half: Path) -> None:
    """Join the parts into the files of a store, and remove them."""
    names = observed.names
    rows = [row for part in parts for row in part.rows]
    refused = [(row, reason) for part in parts for row, reason in part.refused]
    if not rows:
        raise DataError(_nothing_left(source, [(names[row], reason) for row, reason in refused]))
    shape = _one_shape(source, parts)
    ids = [names[row] for row in rows]
    blob = b"".join(bytes(part.digests) for part in parts)
    digests = [blob[k : k + DIGEST] for k in range(0, len(blob), DIGEST)]
    _write_observations(parts, shape, len(rows), half / OBSERVATIONS)
    sizes: Counter[tuple[int, int]] = sum((part.sizes for part in parts), Counter())
    report = IngestReport(
        read=len(rows),
        skipped=tuple(Skipped(name=names[row], reason=reason) for row, reason in refused),
        converted=conversions((names[row], note) for part in parts for row, note in part.notes),
        sizes=most_common_sizes(sizes),
        different_sizes=len(sizes),
        duplicates=_duplicates(ids, digests),
        other_files=observed.other_files,
        left_out_columns=observed.left_out_columns or {},
    )
    hashed = content_hash(source.kind, shape, ids, digests)
    write_about(
        half,
        card=StoreCard(kind=source.kind, shape=shape, content_hash=hashed, report=report),
        ids=ids,
        source_rows=rows,
        digests=digests,
        columns=pa.table({}) if observed.columns is None else observed.columns.take(pa.array(rows)),
    )


def _one_shape(source: Source, parts: list[Part]) -> tuple[int, ...]:
    """Shape of every observation, with channels: 3 as soon as one image has colour."""
    shapes: Counter[tuple[int, ...]] = sum((part.shapes for part in parts), Counter())
    if len(shapes) > 1:
        shown = ", ".join(f"{w} x {h} ({count})" for (h, w), count in shapes.most_common(6))
        more = ", …" if len(shapes) > 6 else ""
        raise DataError(
            f"{source.where}: the images have {len(shapes)} different sizes (width x height): {shown}{more}. "
            "Write `size: 64` under `data:` to make them all square with a side of 64 pixels; "
            "`fit: crop | pad | stretch` says how."
        )
    (shape,) = shapes
    channels = max(max(part.channels, default=0) for part in parts)
    return (*shape, channels) if channels else shape


def _write_observations(parts: list[Part], shape: tuple[int, ...], count: int, path: Path) -> None:
    # Written as a stream and not through a memory map, whose dirty pages would count as memory of the process.
    dtype = np.dtype(np.uint8 if len(shape) == 3 else np.float32)
    with path.open("wb") as file:
        header = {"descr": npy_format.dtype_to_descr(dtype), "fortran_order": False, "shape": (count, *shape)}
        npy_format.write_array_header_1_0(file, header)
        for part in parts:
            _append(part, shape, file)
            part.path.unlink()


def _append(part: Part, shape: tuple[int, ...], file: IO[bytes]) -> None:
    with part.path.open("rb") as pixels:
        if len(shape) < 3 or all(channels == shape[2] for channels in part.channels):
            shutil.copyfileobj(pixels, file, 1 << 20)
            return
        for channels in part.channels:
            image: NDArray[np.uint8] = np.frombuffer(pixels.read(shape[0] * shape[1] * channels), dtype=np.uint8)
            file.write(image.tobytes() if channels == 3 else np.repeat(image, 3).tobytes())


def _duplicates(ids: Sequence[str], digests: Sequence[bytes]) -> tuple[tuple[str, ...], ...]:
    groups: dict[bytes, list[str]] = {}
    for name, digest in zip(ids, digests, strict=True):
        groups.setdefault(digest, []).append(name)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def _nothing_left(source: Source, refused: list[tuple[str, str]]) -> str:
    shown = "; ".join(f"{name}: {reason}" for name, reason in refused[:5])
    return f"{source.where}: none of the {len(refused)} observations can be used. " + (
        f"The first of them: {shown}. Check that this is the right place." if refused else "It is empty."
    )
