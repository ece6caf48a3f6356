"""What images a model takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from unweave.bundles.schema import BundleCard
from unweave.core.errors import DataError
from unweave.data.images import ImageOptions

Fit = Literal["crop", "pad", "stretch"]


@dataclass(frozen=True)
class Takes:
    """Images that a model takes.

    Attributes:
        shape: of one, (H, W, C).
        options: how files are made ready: as those that it was trained on, and always of its size if it is square.
    """

    shape: tuple[int, int, int]
    options: ImageOptions

    @property
    def pixels(self) -> int:
        """Of one image."""
        return self.shape[0] * self.shape[1]

    def blank(self) -> NDArray[np.uint8]:
        """A black image (H, W, C)."""
        return np.zeros(self.shape, np.uint8)


def takes_of(card: BundleCard) -> Takes:
    """What images the model of a card takes.

    Raises:
        DataError: none: it takes vectors, or images of two channels.
    """
    if len(card.shape) != 3 or card.shape[2] not in (1, 3):
        raise DataError(
            f"the bundle takes {card.shape}; the server takes images of one or three channels. Use it from Python with "
            "`load_editor`."
        )
    height, width, channels = card.shape
    settings: dict[str, Any] = card.training.settings.get("data") or {}
    fit = settings.get("fit")
    options = ImageOptions(
        height if height == width else None,
        1 if channels == 1 else 3,
        cast(Fit, fit) if fit in ("crop", "pad", "stretch") else "crop",
    )
    return Takes((height, width, channels), options)
