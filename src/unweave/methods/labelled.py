"""What the sections of all VAEs share about labels."""

from __future__ import annotations

from unweave.methods.config import MethodConfig
from unweave.methods.supervision import CorrelatedConfig, SupervisionConfig


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
