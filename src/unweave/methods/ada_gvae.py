"""Ada-GVAE (Locatello et al. 2020, "Weakly-supervised disentanglement without compromises", section 4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from unweave.methods.pair_config import PairConfig

if TYPE_CHECKING:
    from unweave.methods.paired import Combine


class AdaGVAEConfig(PairConfig):
    """Settings of Ada-GVAE, which averages the parameters of the posteriors of a pair."""

    kind: Literal["ada_gvae"] = "ada_gvae"

    @property
    def average(self) -> Combine:
        """See `arithmetic_average`."""
        from unweave.functional.pairs import arithmetic_average

        return arithmetic_average
