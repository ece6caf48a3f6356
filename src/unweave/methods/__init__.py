"""One file per method; the union below is the whole registry. Importing it loads no torch."""

from collections.abc import Mapping
from typing import Annotated, get_args

from pydantic import Field

from unweave.methods.ada_gvae import AdaGVAEConfig
from unweave.methods.ada_ml_vae import AdaMLVAEConfig
from unweave.methods.annealed_vae import AnnealedVAEConfig
from unweave.methods.beta_vae import BetaVAEConfig
from unweave.methods.config import MethodConfig
from unweave.methods.dip_vae import DIPVAEConfig
from unweave.methods.factor_vae import FactorVAEConfig
from unweave.methods.hybrid import HybridConfig
from unweave.methods.tc_vae import TCVAEConfig

AnyMethod = (
    AdaGVAEConfig
    | AdaMLVAEConfig
    | AnnealedVAEConfig
    | BetaVAEConfig
    | DIPVAEConfig
    | FactorVAEConfig
    | HybridConfig
    | TCVAEConfig
)
MethodField = Annotated[AnyMethod, Field(discriminator="kind")]
METHODS: Mapping[str, type[MethodConfig]] = {c.model_fields["kind"].default: c for c in get_args(AnyMethod)}

__all__ = [
    "METHODS",
    "AdaGVAEConfig",
    "AdaMLVAEConfig",
    "AnnealedVAEConfig",
    "AnyMethod",
    "BetaVAEConfig",
    "DIPVAEConfig",
    "FactorVAEConfig",
    "HybridConfig",
    "MethodConfig",
    "MethodField",
    "TCVAEConfig",
]
