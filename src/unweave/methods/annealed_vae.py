"""AnnealedVAE (Burgess et al. 2018, "Understanding disentangling in beta-VAE", eq. 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import NonNegativeFloat, PositiveInt

from unweave.core.binding import NOTHING_BOUND, Binding
from unweave.methods.vae import VAEConfig

if TYPE_CHECKING:
    from unweave.nets.build import Nets
    from unweave.objectives.method import Method


class AnnealedVAEConfig(VAEConfig):
    """Settings of AnnealedVAE: the KL is held at a capacity that grows linearly from 0.

    Attributes:
        capacity: nats that the code may carry at the end.
        gamma: weight of the distance between the KL and the capacity.
        over: number of steps until the capacity is reached.
    """

    kind: Literal["annealed_vae"] = "annealed_vae"
    capacity: NonNegativeFloat = 25.0
    gamma: NonNegativeFloat = 1000.0
    over: PositiveInt = 100_000

    def build(self, nets: Nets, binding: Binding = NOTHING_BOUND) -> Method:
        """A VAE whose objective is reconstruction + gamma |KL - capacity|."""
        from unweave.methods.autoencoder import SingleLossVAE
        from unweave.objectives.aggregate import Capacity
        from unweave.objectives.objective import linear

        term = Capacity(self.kl(), linear(0.0, self.capacity, over=self.over))
        return SingleLossVAE(nets, self.objective({"capacity": (self.schedule(self.gamma), term)}, nets, binding))
