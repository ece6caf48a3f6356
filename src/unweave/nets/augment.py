"""The `augment:` settings: changes of an image that leave its labels as they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat

if TYPE_CHECKING:
    from torch import Tensor


class AugmentConfig(BaseModel):
    """How far images may be moved and relit; each gets its own amounts, drawn evenly from minus to plus the setting.

    Attributes:
        turn: degrees.
        zoom: logarithm of the factor of enlargement: 0.1 is 10 % smaller to 10 % larger.
        slant: shear, the tangent of its angle.
        shift: share of the width and of the height.
        gain: logarithm of the factor of brightness.
        contrast: logarithm of the factor by which pixels deviate from the mean of their image.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    turn: float = Field(default=0.0, ge=0, le=180)
    zoom: NonNegativeFloat = 0.1
    slant: NonNegativeFloat = 0.0
    shift: float = Field(default=0.08, ge=0, le=0.5)
    gain: NonNegativeFloat = 0.3
    contrast: NonNegativeFloat = 0.3

    def __call__(self, images: Tensor, random: np.random.Generator) -> Tensor:
        """Images (batch, C, H, W) in [0, 1], changed by amounts that `random` alone decides."""
        import torch

        from unweave.functional.light import relit
        from unweave.functional.moves import distortion_matrix, move

        most = [math.radians(self.turn), self.zoom, self.slant, self.gain, self.contrast, self.shift, self.shift]
        drawn = (random.uniform(-1, 1, (len(images), len(most))) * np.array(most)).astype(np.float32)
        amounts = torch.from_numpy(drawn).to(images.device)
        turn, zoom, slant, gain, contrast = amounts[:, :5].unbind(1)
        moved = move(images, distortion_matrix(turn, zoom, slant), amounts[:, 5:])
        return relit(moved, gain.exp(), contrast.exp())
