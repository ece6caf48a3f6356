"""The `categorical:` settings of a VAE: codes that say which, beside those that say how much."""

from __future__ import annotations

from itertools import accumulate
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt


class CategoricalConfig(BaseModel):
    """Categorical codes of q(c|x), each a row of class probabilities; the prior of the classes is uniform.

    In training a code is drawn as a Gumbel-softmax (Jang et al. 2017; Maddison et al. 2017). What a model says of an
    observation are the probabilities themselves.

    Attributes:
        sizes: number of classes of each code.
        sample: `relaxed` gives the decoder a point between the classes, the nearer to one the lower the temperature;
            `straight_through` gives it one class, with the gradient of the relaxed point.
        temperature: of the first step.
        final_temperature: from where on the temperature stays.
        anneal: number of steps between the two, by equal factors.
        weight: of the KL of the categorical codes to their prior; the method's own weights are for the Gaussian ones.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sizes: tuple[Annotated[int, Field(ge=2)], ...] = Field(min_length=1)
    sample: Literal["relaxed", "straight_through"] = "relaxed"
    temperature: PositiveFloat = 1.0
    final_temperature: PositiveFloat = 0.5
    anneal: PositiveInt = 10_000
    weight: NonNegativeFloat = 1.0

    def temperature_at(self, iteration: int) -> float:
        """The temperature at an iteration."""
        done: float = min(iteration / self.anneal, 1.0)
        return float(self.temperature * (self.final_temperature / self.temperature) ** done)

    def columns(self, first: int) -> tuple[tuple[int, ...], ...]:
        """Columns of each code, the first of which is `first`."""
        ends = accumulate(self.sizes, initial=first)
        return tuple(tuple(range(start, start + size)) for start, size in zip(ends, self.sizes, strict=False))
