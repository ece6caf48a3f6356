"""The `augment:` settings: changes of an image that leave its labels as they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat

if TYPE_CHECKING:
    from torch import Tensor


class AugmentConfig(BaseModel):
    """How far images may be moved and relit, each by its own amount, drawn evenly from the range of each setting.

    Attributes:
        shift: to each side, as a share of width and height.
        zoom: larger or smaller by a factor of up to 1 + zoom.
        turn: to each side, in degrees.
        gain: brighter or darker by a factor of up to 1 + gain.
        contrast: deviations from the mean of the image, larger or smaller by a factor of up to 1 + contrast.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    shift: Annotated[float, Field(ge=0, le=0.5)] = 0.08
    zoom: NonNegativeFloat = 0.1
    turn: Annotated[float, Field(ge=0, le=180)] = 0.0
    gain: NonNegativeFloat = 0.3
    contrast: NonNegativeFloat = 0.3

    def __call__(self, images: Tensor, random: np.random.Generator) -> Tensor:
        """Images (batch, C, H, W) in [0, 1], changed by amounts that `random` alone decides."""
        import torch

        from unweave.functional.augment import moved, relit

        shares = random.uniform(-1, 1, (len(images), 6)).astype(np.float32)
        x, y, zoom, turn, gain, contrast = torch.from_numpy(shares).to(images.device).unbind(1)
        shift = self.shift * torch.stack([x, y], 1)
        found = images
        if self.shift or self.zoom or self.turn:
            found = moved(found, shift, (1 + self.zoom) ** zoom, math.radians(self.turn) * turn)
        return relit(found, (1 + self.gain) ** gain, (1 + self.contrast) ** contrast)
