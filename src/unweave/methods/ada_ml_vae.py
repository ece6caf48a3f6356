"""Ada-ML-VAE (Locatello et al. 2020, "Weakly-supervised disentanglement without compromises", section 4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from unweave.methods.pair_config import PairConfig

if TYPE_CHECKING:
    from unweave.methods.paired import Combine


class AdaMLVAEConfig(PairConfig):
    """Settings of Ada-ML-VAE, which averages the product of the posteriors of a pair."""

    kind: Literal["ada_ml_vae"] = "ada_ml_vae"

    @property
    def average(self) -> Combine:
        """See `product_average`."""
        from unweave.functional.pairs import product_average

        return product_average
