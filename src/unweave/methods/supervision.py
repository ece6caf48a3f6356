"""Sections that any VAE shares: learning from few labels, and from factors that vary together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat, PositiveInt

from unweave.core.binding import Binding, Bound
from unweave.core.errors import ConfigError
from unweave.core.targets import Target
from unweave.nets.augment import AugmentConfig

if TYPE_CHECKING:
    from unweave.objectives.objective import Schedule, Term


class SupervisionConfig(BaseModel):
    """Labels in training (Locatello et al. 2020, "Disentangling factors of variation using few labels").

    Each labelled factor gets columns of the code for itself, the first ones in the order of the factors: a level or a
    measurement one column by regression; an angle two, a point on the circle; a class one column on which the classes
    have places, or one column per class. A mini-batch of labelled rows comes beside the batch in every step, so few
    labels act in each; rows without labels take part in the rest of the loss, and a missing label is left out.

    Attributes:
        factors: names of the factors to learn from, or `auto`: all that have labels.
        labels: at most so many labelled training rows, spread evenly over the labels and drawn by the seed of the
            training; None takes all.
        weight: of the term, which is in nats per labelled row. It pulls against the KL, which draws codes to 0: in
            balance a level's column stands at weight / (weight + beta) of its label.
            With `classes: probabilities` it pulls against the reconstruction as well, which counts thousands of nats
            where it is sharp: with too low a weight, rows without labels settle in whatever class suits the decoder.
        final: weight to which it moves linearly over `ramp` steps; None keeps it. Labels settle early which column is
            which; a weight that falls then leaves the rest to all rows, rather than learn a few of them by heart.
        ramp: number of steps from `weight` to `final`.
        batch: labelled rows per step.
        noise: standard deviation of the noise on labelled observations as the nets see them (pixels from 0 to 1,
            standardised vectors), new in every step: it keeps the encoder from learning a few rows by heart.
        apart: weight of what the labelled factors' columns and the others say about each other, in nats as if they were
            normal. It keeps other columns from knowing a labelled factor too; 0 for none.
        classes: `line` gives a categorical factor one column, `logits` one column per class. `probabilities` gives it
            one column per class too, and the decoder sees their softmax: which class it is, or between which, and
            nothing that a column could say beside that, such as how bright the picture is (Kingma et al. 2014,
            section 3.1.2, relaxed). Rows without labels then belong to classes as well.
        augment: how labelled images are moved and relit, anew in every step and before the noise; None leaves them as
            they are. Switch on what changes none of the labels: it moves what a label of position would be about.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    factors: Literal["auto"] | tuple[str, ...] = "auto"
    labels: PositiveInt | None = None
    weight: PositiveFloat = 50.0
    final: NonNegativeFloat | None = None
    ramp: PositiveInt = 5000
    batch: PositiveInt = 32
    noise: NonNegativeFloat = 0.05
    apart: NonNegativeFloat = 0.0
    classes: Literal["line", "logits", "probabilities"] = "line"
    augment: AugmentConfig | None = None

    def bind(self, targets: Sequence[Target], latent: int) -> tuple[Bound, ...]:
        """The columns of each factor, from column 0 on.

        Raises:
            ConfigError: there are fewer than `latent` columns.
        """
        widths = [self._width(target) for target in targets]
        if sum(widths) > latent:
            named = ", ".join(f"{t.factor.name} {w}" for t, w in zip(targets, widths, strict=True))
            raise ConfigError(
                f"method.latent: the labelled factors need {sum(widths)} dimensions ({named}), there are {latent}. "
                f"Set method.latent to {sum(widths) + 4} or more, so that something is left for the rest."
            )
        starts = [sum(widths[:k]) for k in range(len(widths))]
        return tuple(
            Bound(target, tuple(range(start, start + width)))
            for target, start, width in zip(targets, starts, widths, strict=True)
        )

    def _width(self, target: Target) -> int:
        if target.factor.kind == "circular":
            return 2
        return target.classes if target.factor.kind == "categorical" and self.classes != "line" else 1

    def probabilities(self, binding: Binding) -> tuple[tuple[int, ...], ...]:
        """Columns of each factor of which the decoder sees the softmax."""
        if self.classes != "probabilities":
            return ()
        return tuple(b.columns for b in binding.bound if b.target.factor.kind == "categorical")


class CorrelatedConfig(BaseModel):
    """Factors that vary together in the data: the assumption that they are independent is weakened for them.

    Attributes:
        factors: pairs by name, or `auto`: those whose labels, of the rows that training may use, are associated by 0.3
            or more and beyond chance, as in the data report.
        support: weight of the factorised support (Roth et al. 2023) of the two factors' columns, 0 for none; without
            labelled factors all pairs of columns that are in use take part.
        reweight: whether labelled rows count by p(a) p(b) / p(a, b), so that the pair is independent among them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    factors: Literal["auto"] | tuple[tuple[str, str], ...] = "auto"
    support: NonNegativeFloat = 0.0
    reweight: bool = True


def label_terms(
    supervision: SupervisionConfig | None, correlated: CorrelatedConfig | None, binding: Binding, latent: int
) -> dict[str, tuple[Schedule, Term]]:
    """What the two sections add to the objective of a VAE, by name."""
    from unweave.objectives.objective import constant, linear
    from unweave.objectives.supervision import Apart, Supervision
    from unweave.objectives.support import FactorisedSupport

    terms: dict[str, tuple[Schedule, Term]] = {}
    if supervision is not None and binding.bound:
        weight, final = supervision.weight, supervision.final
        schedule = constant(weight) if final is None else linear(weight, final, over=supervision.ramp)
        terms["supervision"] = (schedule, Supervision(binding))
        if supervision.apart > 0 and sum(len(b.columns) for b in binding.bound) < latent:
            terms["apart"] = (constant(supervision.apart), Apart(binding))
    columns = support_columns(binding, latent)
    if correlated is not None and correlated.support > 0 and columns:
        terms["support"] = (constant(correlated.support), FactorisedSupport(columns))
    return terms


def support_columns(binding: Binding, latent: int) -> tuple[tuple[int, int], ...]:
    """Pairs of columns whose support should be a product: those of correlated factors, or all without labels."""
    if not binding.bound:
        return tuple((i, j) for i in range(latent) for j in range(i + 1, latent))
    return tuple((i, j) for a, b in binding.correlated for i in binding.columns(a) for j in binding.columns(b))
