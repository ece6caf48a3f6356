"""What the sections of all VAEs share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

from pydantic import NonNegativeFloat, PositiveInt, model_validator

from unweave.core.binding import Binding
from unweave.methods.config import MethodConfig
from unweave.methods.perceptual import PerceptualField
from unweave.methods.supervision import CorrelatedConfig, SupervisionConfig, label_terms
from unweave.nets.categorical import CategoricalConfig

if TYPE_CHECKING:
    from unweave.nets.build import Nets
    from unweave.objectives.objective import Objective, Schedule, Term


class VAEConfig(MethodConfig):
    """Settings of any VAE.

    Attributes:
        start: weight of the regulariser (the KL, or what the method puts in its place) at the first step, from where it
            moves linearly to its own weight over `ramp` steps; None keeps it. 0 is the usual warm-up (Bowman et al.
            2016). A start above the weight lets the factors that matter most find their own dimensions first, and the
            details come in as it falls.
        ramp: number of steps from `start` to the method's own weight.
        free_bits: nats of KL that every group of dimensions may spend for nothing (Kingma et al. 2016, eq. 15).
        categorical: codes that say which, beside the `latent` Gaussian ones; None has none.
        perceptual: a term on how different reconstructions look, beside the likelihood of their pixels.
        groups: latent dimensions that count as one, as lists of columns; those not named stand alone. None: all alone.
        supervision: learning from few labels; None leaves labels out of the training.
        correlated: what to do about factors that vary together in the data; None does nothing.
    """

    start: NonNegativeFloat | None = None
    ramp: PositiveInt = 5000
    free_bits: NonNegativeFloat = 0.0
    groups: tuple[tuple[int, ...], ...] | None = None
    categorical: CategoricalConfig | None = None
    perceptual: PerceptualField | None = None
    supervision: SupervisionConfig | None = None
    correlated: CorrelatedConfig | None = None

    @property
    def wants_labels(self) -> SupervisionConfig | None:
        """Those of the section."""
        return self.supervision

    @property
    def wants_correlated(self) -> CorrelatedConfig | None:
        """As the section says."""
        return self.correlated

    @model_validator(mode="after")
    def _check_groups(self) -> Self:
        named = [column for group in self.groups or () for column in group]
        if len(set(named)) < len(named) or any(not 0 <= column < self.latent for column in named):
            raise ValueError(
                f"groups: expected lists of different columns from 0 to {self.latent - 1}, each in one list at most, "
                f"got {self.groups}"
            )
        if any(not group for group in self.groups or ()):
            raise ValueError("groups: a list is empty; leave it out")
        return self

    @property
    def partition(self) -> tuple[tuple[int, ...], ...] | None:
        """Every dimension in exactly one group, or None where all stand alone."""
        if self.groups is None:
            return None
        named = {column for group in self.groups for column in group}
        return (*self.groups, *((column,) for column in range(self.latent) if column not in named))

    def schedule(self, weight: float) -> Schedule:
        """From `start` to the method's own weight of its regulariser."""
        from unweave.objectives.objective import constant, linear

        return constant(weight) if self.start is None else linear(self.start, weight, over=self.ramp)

    def kl(self) -> Term:
        """The KL with the section's free bits."""
        from unweave.objectives.terms import KL

        return KL(self.free_bits, self.partition)

    def objective(self, terms: Mapping[str, tuple[Schedule, Term]], nets: Nets, binding: Binding) -> Objective:
        """Reconstruction, the method's own terms, and what looks, categorical codes and learning from labels add."""
        from unweave.objectives.objective import Objective, constant
        from unweave.objectives.perceptual import Perceptual
        from unweave.objectives.terms import CategoricalKL, Reconstruction

        own: dict[str, tuple[Schedule, Term]] = {"reconstruction": (constant(1.0), Reconstruction()), **terms}
        if self.perceptual is not None and nets.distance is not None:  # None where the model is not trained
            own[self.perceptual.kind] = (constant(self.perceptual.weight), Perceptual(nets.distance))
        if self.categorical is not None:
            own["categorical_kl"] = (constant(self.categorical.weight), CategoricalKL())
        return Objective(own | label_terms(self.supervision, self.correlated, binding, self.latent))
