"""Scores of disentanglement: from codes and factors to a number that can be trusted. Works without torch."""

from unweave.metrics.active_units import active_units
from unweave.metrics.beta_vae import beta_vae
from unweave.metrics.budget import budget
from unweave.metrics.compare import compare, difference
from unweave.metrics.dci import dci
from unweave.metrics.dci_es import dci_es
from unweave.metrics.effect import effect, effect_of_model
from unweave.metrics.explicitness import explicitness
from unweave.metrics.factor_vae import factor_vae
from unweave.metrics.gaussian_dependence import (
    gaussian_total_correlation,
    wasserstein_correlation,
    wasserstein_correlation_norm,
)
from unweave.metrics.grid import Grid
from unweave.metrics.infomec import infomec
from unweave.metrics.irs import irs
from unweave.metrics.jemmig import jemmig
from unweave.metrics.med import med
from unweave.metrics.mig import mig
from unweave.metrics.mig_sup import mig_sup
from unweave.metrics.modularity import modularity
from unweave.metrics.mutual_info import mutual_info_score
from unweave.metrics.probe import probe
from unweave.metrics.reconstruction import reconstruction
from unweave.metrics.rmig import rmig
from unweave.metrics.sap import sap
from unweave.metrics.scorecard import scorecard
from unweave.metrics.udr import Ranking, udr

__all__ = [
    "Grid",
    "Ranking",
    "active_units",
    "beta_vae",
    "budget",
    "compare",
    "dci",
    "dci_es",
    "difference",
    "effect",
    "effect_of_model",
    "explicitness",
    "factor_vae",
    "gaussian_total_correlation",
    "infomec",
    "irs",
    "jemmig",
    "med",
    "mig",
    "mig_sup",
    "modularity",
    "mutual_info_score",
    "probe",
    "reconstruction",
    "rmig",
    "sap",
    "scorecard",
    "udr",
    "wasserstein_correlation",
    "wasserstein_correlation_norm",
]
