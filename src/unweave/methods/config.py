"""What every method's section of the project file has."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, PositiveInt

from unweave.core.binding import NOTHING_BOUND, Binding
from unweave.methods.supervision import CorrelatedConfig, SupervisionConfig

if TYPE_CHECKING:
    from unweave.nets.build import Nets
    from unweave.objectives.method import Method

LikelihoodKind = Literal["bernoulli", "gaussian", "laplace", "sigma"]


class MethodConfig(BaseModel):
    """Settings that all methods share; the class defaults are the only defaults.

    A method's file must be importable without torch, so that the project file can be checked on a machine that has
    none: `build` imports what it needs.

    Attributes:
        latent: number of latent dimensions D.
        likelihood: p(x|z) of a pixel or a component: `bernoulli` on pixels in [0, 1]; `gaussian` and `laplace` with one
            learned scale; `sigma`, a Gaussian whose scale is the best one for each batch (sigma-VAE, Rybkin et al.
            2021). None takes `bernoulli` for images and `gaussian` for vectors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    latent: PositiveInt = 10
    likelihood: LikelihoodKind | None = None

    wants_pairs: ClassVar[bool] = False
    """Whether every row of a batch comes with a partner (`data.pairs`)."""

    @property
    def wants_neighbours(self) -> int:
        """Among how many of its nearest rows the partner of a row is drawn; 0 asks for none."""
        return 0

    @property
    def wants_labels(self) -> SupervisionConfig | None:
        """Which labels training should carry, if any."""
        return None

    @property
    def wants_correlated(self) -> CorrelatedConfig | None:
        """What to do about factors that vary together, if anything."""
        return None

    def build(self, nets: Nets, binding: Binding = NOTHING_BOUND) -> Method:
        """Make the trainable module from an encoder, a decoder and a likelihood.

        Args:
            nets: encoder, decoder and likelihood.
            binding: the labelled factors and their columns, for a method that wants labels.
        """
        raise NotImplementedError
