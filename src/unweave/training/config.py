"""The `training:` section of the project file."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt

from unweave.nets.augment import AugmentConfig


class TrainingConfig(BaseModel):
    """How a method is trained.

    Attributes:
        steps: number of optimiser steps.
        batch: observations per step, over all devices together.
        learning_rate: of Adam, at the start and for `schedule: constant` throughout.
        schedule: `constant`, or `cosine` down to zero over `steps`.
        seed: of weights, batches and noise: everything random in training.
        precision: `32`, or a mixed precision for GPUs that have it.
        monitor_every: steps between looks at the validation sample; a look is skipped where it would
            cost more than 5 % of the time.
        checkpoint_every: steps between checkpoints.
        fast: allocator settings, channels-last memory and the fused optimiser: the same result
            to within rounding, sooner.
            Switch it off where another library in the process minds.
        augment: how images are moved and relit, anew in every step; None leaves them as they are. Where a picture
            was taken from then is something that the code has to say too: it helps with hundreds of images, and costs
            with many thousands. Pairs are changed alike. Labelled rows beside the batch have settings of their own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: PositiveInt = 20_000
    batch: PositiveInt = 64
    learning_rate: PositiveFloat = 5e-4
    schedule: Literal["constant", "cosine"] = "constant"
    seed: NonNegativeInt = 0
    precision: Literal["32", "16-mixed", "bf16-mixed"] = "32"
    monitor_every: PositiveInt = 1000
    checkpoint_every: PositiveInt = 1000
    gradient_norm: PositiveFloat | None = Field(default=None, description="clip each player's gradient to this norm")
    fast: bool = True
    augment: AugmentConfig | None = None
