"""What the sections of all VAEs share about labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unweave.core.binding import Binding
from unweave.methods.config import MethodConfig
from unweave.methods.supervision import CorrelatedConfig, SupervisionConfig, label_terms

if TYPE_CHECKING:
    from unweave.objectives.objective import Objective, Schedule, Term


class LabelledConfig(MethodConfig):
    """Settings of a VAE that can learn from labels.

    Attributes:
        supervision: learning from few labels; None leaves labels out of the training.
        correlated: what to do about factors that vary together in the data; None does nothing.
    """

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

    def objective(self, weight: Schedule, binding: Binding) -> Objective:
        """Reconstruction, the KL by its weight, and what the two sections add."""
        from unweave.objectives.objective import Objective, constant
        from unweave.objectives.terms import KL, Reconstruction

        own: dict[str, tuple[Schedule, Term]] = {
            "reconstruction": (constant(1.0), Reconstruction()),
            "kl": (weight, KL()),
        }
        return Objective(own | label_terms(self.supervision, self.correlated, binding, self.latent))
