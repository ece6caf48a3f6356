"""The `net:` section of the project file."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, PositiveInt


class NetConfig(BaseModel):
    """Which encoder and decoder to build.

    Attributes:
        kind: `conv` is the pair of Locatello et al. 2019, table 1; `residual` suits 16 to 256 pixels and richer
            pictures; `mlp` takes vectors, and images flattened; `auto` takes `mlp` for vectors, `conv` up to 64 pixels
            and `residual` above.
        width: channels of the first layer of `conv` and `residual`.
        hidden: sizes of the hidden layers of `mlp`, from the observation to the code; the decoder mirrors them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["auto", "conv", "residual", "mlp"] = "auto"
    width: PositiveInt = 32
    hidden: tuple[PositiveInt, ...] = (512, 256)
