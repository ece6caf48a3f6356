"""Strips of edited faces: pictures of people, to be looked at and left where they are. Used by `faces_edits.py`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unweave.core.factors import FactorTable
from unweave.core.observations import at_rest
from unweave.signatures.edit import Edit, Set
from unweave.signatures.editor import Editor

POSES, EYES = ("left", "straight", "right", "up"), ("open", "sunglasses")
EDITS = (*(Edit({"eyes": Set(label)}) for label in EYES), *(Edit({"pose": Set(label)}) for label in POSES))
STARTS = (("straight", "open"), ("left", "sunglasses"), ("right", "open"))
"""Pose and eyes of the pictures that are edited, one of each for every person."""

ENLARGED = 2


def starts(table: FactorTable, person: NDArray[np.str_]) -> list[int]:
    """Of each person's rows, the first of each of `STARTS`; where none has these eyes, the first of that pose."""
    pose, eyes = (table.values[:, table.index(name)].astype(int) for name in ("pose", "eyes"))
    found = []
    for name in np.unique(person):
        for turned, look in STARTS:
            rows = np.flatnonzero((person == name) & (pose == POSES.index(turned)))
            found.append(int(rows[np.argmax(eyes[rows] == EYES.index(look))]))
    return found


def strip(images: NDArray[np.uint8], editors: Sequence[Editor]) -> list[NDArray[np.uint8]]:
    """Columns of pictures (n, H, W, C): drawn by its own editor each, then every one of `EDITS`."""
    rows = []
    for image, editor in zip(images, editors, strict=True):
        drawn = at_rest(editor.model.decode(editor.model.encode(image[None]).mean))
        rows.append([drawn, *(editor.apply(image[None], edit).images for edit in EDITS)])
    return [np.concatenate(column) for column in zip(*rows, strict=True)]


def write(columns: Sequence[NDArray[np.uint8]], path: Path) -> None:
    """Columns of grey pictures side by side as a PNG, enlarged."""
    picture = np.concatenate([np.concatenate(list(column), 0) for column in columns], 1)[..., 0]
    size = (ENLARGED * picture.shape[1], ENLARGED * picture.shape[0])
    Image.fromarray(picture).resize(size).save(path)
