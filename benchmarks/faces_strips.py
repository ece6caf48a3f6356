"""Strips of edited faces: pictures of people, to be looked at and left where they are. Used by `faces_edits.py`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unweave.core.observations import at_rest
from unweave.signatures.edit import Edit, Set
from unweave.signatures.editor import Editor

POSES, EYES = ("left", "straight", "right", "up"), ("open", "sunglasses")
EDITS = (*(Edit({"eyes": Set(label)}) for label in EYES), *(Edit({"pose": Set(label)}) for label in POSES))
STARTS = (("straight", "open"), ("left", "sunglasses"), ("right", "open"))
"""Pose and eyes of the pictures that are edited, one of each for every person."""

ENLARGED = 2


def starts(rows: NDArray[np.int64], pose: NDArray[np.str_], eyes: NDArray[np.str_]) -> NDArray[np.int64]:
    """Of a person's rows, the first of each of `STARTS`; where none has these eyes, the first of that pose."""
    found = []
    for turned, look in STARTS:
        same = rows[pose[rows] == turned]
        found.append(same[np.argsort(eyes[same] != look, kind="stable")][0])
    return np.array(found)


def strip(images: NDArray[np.uint8], editors: Sequence[Editor], *, residual: bool = False) -> list[NDArray[np.uint8]]:
    """Columns of pictures (n, H, W, C): drawn anew, then every one of `EDITS`.

    Args:
        images: the originals.
        editors: one for all, or one for each.
        residual: see `Editor.apply`.
    """
    each = [images] if len(editors) == 1 else [images[k : k + 1] for k in range(len(images))]
    columns = [
        [
            at_rest(e.model.decode(e.model.encode(one).mean)),
            *(e.apply(one, edit, residual=residual).images for edit in EDITS),
        ]
        for e, one in zip(editors, each, strict=True)
    ]
    return [np.concatenate(parts) for parts in zip(*columns, strict=True)]


def write(columns: Sequence[NDArray[np.uint8]], path: Path) -> None:
    """Columns of grey pictures side by side as a PNG, enlarged."""
    picture = np.concatenate([np.concatenate(list(column), 0) for column in columns], 1)[..., 0]
    size = (ENLARGED * picture.shape[1], ENLARGED * picture.shape[0])
    Image.fromarray(picture).resize(size).save(path)
