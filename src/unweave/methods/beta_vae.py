"""beta-VAE (Higgins et al. 2017, eq. 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import NonNegativeFloat

from unweave.core.binding import NOTHING_BOUND, Binding
from unweave.methods.vae import VAEConfig

if TYPE_CHECKING:
    from unweave.nets.build import Nets
    from unweave.objectives.method import Method


class BetaVAEConfig(VAEConfig):
    """Settings of beta-VAE; `beta` = 1 is the VAE (Kingma & Welling 2014).

    Attributes:
        beta: weight of the KL term, from nats to nats.
    """

    kind: Literal["beta_vae"] = "beta_vae"
    beta: NonNegativeFloat = 4.0

    def build(self, nets: Nets, binding: Binding = NOTHING_BOUND) -> Method:
        """A VAE whose objective is reconstruction + beta KL."""
        from unweave.methods.autoencoder import SingleLossVAE

        return SingleLossVAE(nets, self.objective({"kl": (self.schedule(self.beta), self.kl())}, nets, binding))
