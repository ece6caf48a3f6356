"""DIP-VAE (Kumar et al. 2018, "Variational inference of disentangled latent concepts", eq. 6 and 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import NonNegativeFloat

from unweave.core.binding import NOTHING_BOUND, Binding
from unweave.methods.vae import VAEConfig

if TYPE_CHECKING:
    from unweave.nets.build import Nets
    from unweave.objectives.method import Method


class DIPVAEConfig(VAEConfig):
    """Settings of DIP-VAE: the covariance of q(z) is pulled towards the unit matrix.

    Attributes:
        form: `i` looks at the covariance of the means, `ii` at that of samples.
        off_diagonal: weight of the squared covariances.
        diagonal: weight of the squared distances of the variances from 1; the usual choice is ten times `off_diagonal`
            for form i, and the same for form ii (Locatello et al. 2019).
    """

    kind: Literal["dip_vae"] = "dip_vae"
    form: Literal["i", "ii"] = "ii"
    off_diagonal: NonNegativeFloat = 10.0
    diagonal: NonNegativeFloat = 10.0

    def build(self, nets: Nets, binding: Binding = NOTHING_BOUND) -> Method:
        """A VAE whose objective is reconstruction + KL + distance of the covariance."""
        from unweave.methods.autoencoder import SingleLossVAE
        from unweave.objectives.aggregate import Covariance
        from unweave.objectives.objective import constant

        term = Covariance(self.off_diagonal, self.diagonal, self.form, self.partition)
        terms = {"kl": (self.schedule(1.0), self.kl()), "covariance": (constant(1.0), term)}
        return SingleLossVAE(nets, self.objective(terms, nets, binding))
