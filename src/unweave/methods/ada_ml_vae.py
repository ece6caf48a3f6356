"""Ada-ML-VAE (Locatello et al. 2020, "Weakly-supervised disentanglement without compromises", section 4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import NonNegativeFloat

from unweave.core.binding import NOTHING_BOUND, Binding
from unweave.methods.vae import VAEConfig

if TYPE_CHECKING:
    from unweave.nets.build import Nets
    from unweave.objectives.method import Method


class AdaMLVAEConfig(VAEConfig):
    """Settings of Ada-ML-VAE: pairs that share all but a few unknown factors have one posterior there (`data.pairs`).

    Attributes:
        beta: weight of the KL term, from nats to nats.
    """

    kind: Literal["ada_ml_vae"] = "ada_ml_vae"
    beta: NonNegativeFloat = 1.0
    wants_pairs: ClassVar[bool] = True

    def build(self, nets: Nets, binding: Binding = NOTHING_BOUND) -> Method:
        """A VAE over pairs that averages by the product of the posteriors."""
        from unweave.functional.pairs import product_average
        from unweave.methods.paired import PairedVAE

        return PairedVAE(
            nets, self.objective({"kl": (self.schedule(self.beta), self.kl())}, nets, binding), product_average
        )
