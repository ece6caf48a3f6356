"""What a decoding process does: one batch of raw observations to one part file of pixels or vectors."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unweave.data.images import Decoded, ImageOptions, Refusal, decode_image, fit_array
from unweave.data.sources.base import Batch, Payload

DIGEST = 16
"""Bytes of the digest of one row."""


@dataclass(frozen=True)
class PartTask:
    """One batch to decode.

    Attributes:
        batch: gives the raw observations.
        start: row of the first of them in the source.
        names: their names.
        options: how images are made ready; None for vectors.
        path: the part file to write.
    """

    batch: Batch
    start: int
    names: tuple[str, ...]
    options: ImageOptions | None
    path: Path


@dataclass
class Part:
    """What one batch became; the pixels are in the file at `path`, one usable row after another.

    Attributes:
        rows: rows of the source that are usable.
        channels: 1 or 3 for each of them, 0 for vectors.
        digests: digest of each of them.
        shapes: how many have which (H, W), or (F,).
        sizes: how many images came in which (width, height).
        refused: (row, reason) of the others.
        notes: (row, note) of conversions.
    """

    path: Path
    rows: list[int] = field(default_factory=list)
    channels: bytearray = field(default_factory=bytearray)
    digests: bytearray = field(default_factory=bytearray)
    shapes: Counter[tuple[int, ...]] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    refused: list[tuple[int, str]] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)


def write_part(task: PartTask) -> Part:
    """Decode one batch, an observation at a time, so that memory holds one image and not a batch."""
    part = Part(task.path)
    with task.path.open("wb") as file:
        for place, payload in enumerate(task.batch()):
            row = task.start + place
            made = _vector(payload) if task.options is None else _image(payload, task.options, task.names[place])
            if isinstance(made, Refusal):
                part.refused.append((row, made.reason))
                continue
            if isinstance(made, Decoded):
                part.sizes[made.size] += 1
                part.notes.extend((row, note) for note in made.notes)
                array: NDArray[np.uint8] | NDArray[np.float32] = made.pixels
            else:
                array = made
            part.rows.append(row)
            part.channels.append(array.shape[2] if array.ndim == 3 else 0)
            part.shapes[array.shape[:2]] += 1
            content = array.tobytes()
            part.digests += hashlib.blake2b(content, digest_size=DIGEST).digest()
            file.write(content)
    return part


def _image(payload: Payload, options: ImageOptions, name: str) -> Decoded | Refusal:
    if isinstance(payload, Refusal):
        return payload
    if isinstance(payload, bytes):
        return decode_image(payload, options, name=name)
    return fit_array(payload, options)


def _vector(payload: Payload) -> NDArray[np.float32] | Refusal:
    assert not isinstance(payload, bytes), "sources of vectors give arrays"
    if isinstance(payload, Refusal):
        return payload
    with np.errstate(over="ignore"):
        vector = np.ascontiguousarray(payload, dtype=np.float32)
    if not np.isfinite(vector).all():
        return Refusal("it holds NaN, infinity, or a number too large for 32 bits")
    return vector
