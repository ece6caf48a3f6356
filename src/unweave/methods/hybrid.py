"""A beta-VAE with categorical codes, fine-tuned with the information term of InfoGAN (Chen et al. 2016, eq. 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import NonNegativeFloat, NonNegativeInt

from unweave.core.binding import NOTHING_BOUND, Binding
from unweave.methods.vae import VAEConfig
from unweave.methods.views import ViewsConfig
from unweave.nets.categorical import CategoricalConfig

if TYPE_CHECKING:
    from unweave.nets.build import Nets
    from unweave.objectives.method import Method


class HybridConfig(VAEConfig):
    """Settings of the hybrid: continuous factors by the KL, classes by mutual information.

    In both stages the class of an observation is to be read off a changed copy of one of its nearest rows, and the
    classes are to be used evenly: a bound on the information that the two share, of which the encoder is the reader.
    In the second stage classes drawn at random are decoded, and an auxiliary net must read them off the result. The
    decoder learns to show the class, so that a class cannot be repeated by the Gaussian codes or left unused.

    Attributes:
        beta: weight of the KL of the Gaussian codes, from nats to nats. At 4 those of small pictures, such as digits of
            16 pixels, stay empty beside the classes.
        information: weight of the bound on the mutual information of class and observation, in the second stage; 1 is
            that of Chen et al. (2016).
        fine_tune_after: steps of the first stage.
        views: what has the class of an observation too, in both stages; None has none, and what the classes are
            is then decided by what helps to redraw an observation.
        categorical: the codes that say which; the hybrid cannot be without.
    """

    kind: Literal["hybrid"] = "hybrid"
    beta: NonNegativeFloat = 1.0
    information: NonNegativeFloat = 1.0
    fine_tune_after: NonNegativeInt = 15_000
    views: ViewsConfig | None = ViewsConfig()
    categorical: CategoricalConfig = CategoricalConfig(sizes=(10,))

    @property
    def wants_neighbours(self) -> int:
        """Those of the section `views`."""
        return 0 if self.views is None else self.views.neighbours

    def build(self, nets: Nets, binding: Binding = NOTHING_BOUND) -> Method:
        """The VAE and its reader of classes."""
        from unweave.methods.informed import InformedVAE
        from unweave.objectives.objective import Schedule, Term, constant
        from unweave.objectives.terms import Balance, SharedInformation

        terms: dict[str, tuple[Schedule, Term]] = {"kl": (self.schedule(self.beta), self.kl())}
        if self.views is not None:
            terms["views"] = (constant(self.views.weight), SharedInformation())
            terms["balance"] = (constant(self.views.balance), Balance())
        objective = self.objective(terms, nets, binding)
        return InformedVAE(nets, objective, weight=self.information, begins=self.fine_tune_after, views=self.views)
