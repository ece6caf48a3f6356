"""What the images of a source look like, from the first few of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unweave.data.config import DataConfig
from unweave.data.images import Refusal, image_size
from unweave.data.sources.base import Payload
from unweave.data.sources.choose import open_source
from unweave.data.sources.damage import reading

_FIRST = 32


def usual_side(config: DataConfig, root: Path) -> int | None:
    """The median of the shorter sides of the first images, in pixels; None where none of them can be read.

    Raises:
        DataError: there is nothing at the path, or nothing that can be read.
    """
    source = open_source(config, root)
    with reading(source.where):
        count = len(source.open().names)
        sizes = [_size(payload) for payload in source.batch(0, min(_FIRST, count))()]
    sides = [min(size) for size in sizes if size is not None]
    return int(np.median(sides)) if sides else None


def _size(payload: Payload) -> tuple[int, int] | None:
    """Two sides of an image, or None."""
    if isinstance(payload, Refusal):
        return None
    return image_size(payload) if isinstance(payload, bytes) else (payload.shape[0], payload.shape[1])
