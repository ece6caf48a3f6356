"""The picture of a strip: one row per object, the unedited one framed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unweave.projects.report.pictures import labelled_grid
from unweave.signatures.strips import Strip


def strip_picture(strip: Strip, names: Sequence[str]) -> NDArray[np.uint8]:
    """A picture uint8 (height, width, 3) with a title over each column and a name before each row.

    Args:
        strip: of one factor.
        names: of the objects, one per row.
    """
    framed = [(row, int(column)) for row, column in enumerate(strip.unedited)]
    return labelled_grid(strip.images, names, titles=strip.titles, framed=framed)
