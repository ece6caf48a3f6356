"""The `views:` section of the hybrid: which observations are taken to be of one class."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class ViewsConfig(BaseModel):
    """Classes that a row shares with its likes (Hu et al. 2017, "self-augmented training").

    Every step makes a changed copy of one of the nearest rows of each row (Van Gansbeke et al. 2020, whose neighbours
    are those of learnt features); the amounts are drawn anew, each evenly from minus to plus the setting. What the
    copies may do is what classes will not tell apart: give 0 to a change that makes another class of a thing. Images
    are changed in all ways, vectors by noise alone. The encoder is batch-normalised, as theirs is: a new net without
    says nearly the same of all rows, and the first classes to differ take all of them.

    Attributes:
        weight: of the bound on the mutual information of an observation's class and its copy, which training raises.
        balance: of the KL of the classes of a batch together to even use.
        neighbours: how many of the nearest training rows of a row take turns to be copied; 0 copies the row itself.
        turn: degrees.
        zoom: logarithm of the factor of enlargement: 0.2 is 18 % smaller to 22 % larger.
        slant: shear, the tangent of its angle.
        shift: share of the width and of the height.
        noise: standard deviation of Gaussian noise on observations as the nets see them (pixels from 0 to 1,
            standardised vectors).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    weight: PositiveFloat = 30.0
    balance: NonNegativeFloat = 100.0
    neighbours: NonNegativeInt = 10
    turn: float = Field(default=15.0, ge=0, le=180)
    zoom: NonNegativeFloat = 0.2
    slant: NonNegativeFloat = 0.2
    shift: float = Field(default=0.1, ge=0, le=0.5)
    noise: NonNegativeFloat = 0.1

    def copies(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """A changed copy of each observation, images (batch, C, H, W) or vectors (batch, F)."""
        import torch

        from unweave.functional.moves import distortion_matrix, move

        if x.ndim == 4:
            # Drawn in one precision, so that a seed means the same copies in every other.
            drawn = torch.rand(len(x), 5, generator=generator, device=x.device).mul(2).sub(1).to(x.dtype)
            most = (math.radians(self.turn), self.zoom, self.slant, self.shift, self.shift)
            amounts = drawn * drawn.new_tensor(most)
            x = move(x, distortion_matrix(*amounts[:, :3].unbind(-1)), amounts[:, 3:])
        noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
        return x + self.noise * noise
