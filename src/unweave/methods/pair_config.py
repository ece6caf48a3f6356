"""What the sections of methods that learn from pairs share."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import NonNegativeFloat, PositiveInt, model_validator

from unweave.core.binding import NOTHING_BOUND, Binding
from unweave.methods.vae import VAEConfig

if TYPE_CHECKING:
    from unweave.methods.paired import Combine
    from unweave.nets.build import Nets
    from unweave.objectives.method import Method

SharedFrom = Literal["average", "partner"]


class PairConfig(VAEConfig):
    """Settings of a VAE whose pairs have one posterior in the dimensions that they share (`data.pairs`).

    Attributes:
        beta: weight of the KL term, from nats to nats.
        shared: number of dimensions, the last ones, that every pair shares and no others, where it is known what a pair
            has in common: two pictures of one person share the person, and neither pose nor light (GVAE: Hosoya 2019;
            ML-VAE: Bouchacourt et al. 2018). Labelled factors have the first dimensions, so they are not shared. None
            finds out for each pair which dimensions it shares (Locatello et al. 2020).
        shared_from: whose posterior a row is decoded with in the dimensions that its pair shares. `average` takes that
            of both, the method's own, so half of what a row alone has still passes. `partner` takes the other row's
            and nothing of its own (Mathieu et al. 2016, section 3; with no class's codes stored, Gabbay & Hoshen
            2020): what differs within a pair cannot pass through the shared dimensions at all, and has to go through
            the others.
    """

    beta: NonNegativeFloat = 1.0
    shared: PositiveInt | None = None
    shared_from: SharedFrom = "average"
    wants_pairs: ClassVar[bool] = True

    @model_validator(mode="after")
    def _check_shared(self) -> Self:
        if self.shared is not None and self.shared >= self.latent:
            raise ValueError(
                f"shared: expected fewer than all {self.latent} dimensions, got {self.shared}: what differs within a "
                "pair needs dimensions of its own"
            )
        return self

    @property
    @abstractmethod
    def average(self) -> Combine:
        """Of two posteriors."""

    def build(self, nets: Nets, binding: Binding = NOTHING_BOUND) -> Method:
        """A VAE over pairs.

        Raises:
            ConfigError: labelled factors need some of the dimensions that are shared.
        """
        from unweave.core.errors import ConfigError
        from unweave.functional.pairs import the_other
        from unweave.methods.paired import PairedVAE

        bound = sum(len(one.columns) for one in binding.bound)
        if self.shared is not None and bound > self.latent - self.shared:
            raise ConfigError(
                f"method.shared: {self.shared} of {self.latent} dimensions are shared, and labelled factors "
                f"need {bound} that are not. Give more latent dimensions, or share fewer."
            )
        terms = {"kl": (self.schedule(self.beta), self.kl())}
        combine = the_other if self.shared_from == "partner" else self.average
        return PairedVAE(nets, self.objective(terms, nets, binding), combine, self.shared)
