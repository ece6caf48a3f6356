"""One file per method; the union below is the whole registry. Importing it loads no torch."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from unweave.methods.ada_gvae import AdaGVAEConfig
from unweave.methods.ada_ml_vae import AdaMLVAEConfig
from unweave.methods.beta_vae import BetaVAEConfig
from unweave.methods.config import MethodConfig

AnyMethod = AdaGVAEConfig | AdaMLVAEConfig | BetaVAEConfig
MethodField = Annotated[AnyMethod, Field(discriminator="kind")]
METHODS: Mapping[str, type[MethodConfig]] = {
    c.model_fields["kind"].default: c for c in (AdaGVAEConfig, AdaMLVAEConfig, BetaVAEConfig)
}

__all__ = ["METHODS", "AdaGVAEConfig", "AdaMLVAEConfig", "AnyMethod", "BetaVAEConfig", "MethodConfig", "MethodField"]
