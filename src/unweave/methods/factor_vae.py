"""FactorVAE (Kim & Mnih 2018, "Disentangling by factorising", algorithm 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from unweave.core.binding import NOTHING_BOUND, Binding
from unweave.methods.vae import VAEConfig

if TYPE_CHECKING:
    from unweave.nets.build import Nets
    from unweave.objectives.method import Method


class FactorVAEConfig(VAEConfig):
    """Settings of FactorVAE: a critic that tells codes from codes with shuffled dimensions measures their correlation.

    Attributes:
        gamma: weight of the total correlation; `start` and `ramp` move this one.
        critic_layers, critic_width: hidden layers of the critic.
        critic_rate: learning rate of the critic (Adam with betas 0.5 and 0.9).
    """

    kind: Literal["factor_vae"] = "factor_vae"
    gamma: NonNegativeFloat = 10.0
    critic_layers: PositiveInt = 6
    critic_width: PositiveInt = 1000
    critic_rate: PositiveFloat = 1e-4

    def build(self, nets: Nets, binding: Binding = NOTHING_BOUND) -> Method:
        """A VAE and its critic."""
        from unweave.methods.critic import CriticVAE
        from unweave.nets.critic import critic
        from unweave.objectives.objective import constant

        judge = critic(self.latent, layers=self.critic_layers, width=self.critic_width)
        elbo = self.objective({"kl": (constant(1.0), self.kl())}, nets, binding)
        return CriticVAE(nets, elbo, judge, self.schedule(self.gamma), self.partition, rate=self.critic_rate)
