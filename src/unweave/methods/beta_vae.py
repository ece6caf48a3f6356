"""beta-VAE (Higgins et al. 2017, eq. 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import NonNegativeFloat, NonNegativeInt

from unweave.methods.config import MethodConfig

if TYPE_CHECKING:
    from unweave.methods.base import Method
    from unweave.nets.build import Nets


class BetaVAEConfig(MethodConfig):
    """Settings of beta-VAE; `beta` = 1 is the VAE (Kingma & Welling 2014).

    Attributes:
        beta: weight of the KL term, from nats to nats.
        warmup: number of steps over which the weight rises linearly from 0 to `beta`; 0 starts at `beta`.
    """

    kind: Literal["beta_vae"] = "beta_vae"
    beta: NonNegativeFloat = 4.0
    warmup: NonNegativeInt = 0

    def build(self, nets: Nets) -> Method:
        """A VAE whose objective is reconstruction + beta KL."""
        from unweave.methods.base import SingleLossVAE
        from unweave.objectives.objective import Objective, constant, linear
        from unweave.objectives.terms import KL, Reconstruction

        weight = linear(0.0, self.beta, over=self.warmup) if self.warmup else constant(self.beta)
        return SingleLossVAE(
            nets, Objective({"reconstruction": (constant(1.0), Reconstruction()), "kl": (weight, KL())})
        )
