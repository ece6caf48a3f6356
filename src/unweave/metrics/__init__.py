"""Scores of disentanglement: from codes and factors to a number that can be trusted. Works without torch."""

from unweave.metrics.active_units import active_units
from unweave.metrics.beta_vae import beta_vae
from unweave.metrics.dci import dci
from unweave.metrics.effect import effect, effect_of_model
from unweave.metrics.factor_vae import factor_vae
from unweave.metrics.gaussian_dependence import (
    gaussian_total_correlation,
    wasserstein_correlation,
    wasserstein_correlation_norm,
)
from unweave.metrics.grid import Grid
from unweave.metrics.mig import mig
from unweave.metrics.probe import probe
from unweave.metrics.reconstruction import reconstruction
from unweave.metrics.scorecard import scorecard
from unweave.metrics.udr import Ranking, udr

__all__ = [
    "Grid",
    "Ranking",
    "active_units",
    "beta_vae",
    "dci",
    "effect",
    "effect_of_model",
    "factor_vae",
    "gaussian_total_correlation",
    "mig",
    "probe",
    "reconstruction",
    "scorecard",
    "udr",
    "wasserstein_correlation",
    "wasserstein_correlation_norm",
]
