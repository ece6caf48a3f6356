"""beta-TCVAE (Chen et al. 2018, "Isolating sources of disentanglement in VAEs", eq. 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import NonNegativeFloat

from unweave.core.binding import NOTHING_BOUND, Binding
from unweave.methods.vae import VAEConfig

if TYPE_CHECKING:
    from unweave.nets.build import Nets
    from unweave.objectives.method import Method
    from unweave.objectives.objective import Schedule, Term


class TCVAEConfig(VAEConfig):
    """Settings of beta-TCVAE: the KL in three parts, of which the total correlation weighs most.

    Attributes:
        alpha: weight of the mutual information of image and code.
        beta: weight of the total correlation of the code; `start` and `ramp` move this one.
        gamma: weight of the KL of each dimension to its prior.
        estimator: of q(z) from a batch: `weighted` (biased, as published results) or `stratified` (unbiased).
    """

    kind: Literal["tc_vae"] = "tc_vae"
    alpha: NonNegativeFloat = 1.0
    beta: NonNegativeFloat = 6.0
    gamma: NonNegativeFloat = 1.0
    estimator: Literal["weighted", "stratified"] = "weighted"

    def build(self, nets: Nets, binding: Binding = NOTHING_BOUND) -> Method:
        """A VAE whose objective is reconstruction + alpha I + beta TC + gamma sum of KLs."""
        from unweave.methods.autoencoder import SingleLossVAE
        from unweave.objectives.aggregate import Information, KLPart
        from unweave.objectives.objective import constant

        groups, estimator = self.partition, self.estimator
        terms: dict[str, tuple[Schedule, Term]] = {
            "information": (constant(self.alpha), Information(self.kl(), estimator, groups)),
            "total_correlation": (self.schedule(self.beta), KLPart("total_correlation", estimator, groups)),
            "dimension_kl": (constant(self.gamma), KLPart("dimension_kl", estimator, groups)),
        }
        return SingleLossVAE(nets, self.objective(terms, nets, binding))
