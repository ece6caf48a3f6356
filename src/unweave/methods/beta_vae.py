"""beta-VAE (Higgins et al. 2017, eq. 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import NonNegativeFloat, PositiveInt

from unweave.core.binding import NOTHING_BOUND, Binding
from unweave.methods.labelled import LabelledConfig

if TYPE_CHECKING:
    from unweave.nets.build import Nets
    from unweave.objectives.method import Method


class BetaVAEConfig(LabelledConfig):
    """Settings of beta-VAE; `beta` = 1 is the VAE (Kingma & Welling 2014).

    Attributes:
        beta: weight of the KL term, from nats to nats.
        start: weight at the first step, from where it moves linearly to `beta` over `ramp` steps; None keeps it at
            `beta`. 0 is the usual warm-up (Bowman et al. 2016). A start above `beta` lets the factors that matter most
            find their own dimensions first, and the details come in as the weight falls.
        ramp: number of steps from `start` to `beta`.
    """

    kind: Literal["beta_vae"] = "beta_vae"
    beta: NonNegativeFloat = 4.0
    start: NonNegativeFloat | None = None
    ramp: PositiveInt = 5000

    def build(self, nets: Nets, binding: Binding = NOTHING_BOUND) -> Method:
        """A VAE whose objective is reconstruction + beta KL."""
        from unweave.methods.autoencoder import SingleLossVAE
        from unweave.objectives.objective import constant, linear

        weight = constant(self.beta) if self.start is None else linear(self.start, self.beta, over=self.ramp)
        return SingleLossVAE(nets, self.objective(weight, binding))
