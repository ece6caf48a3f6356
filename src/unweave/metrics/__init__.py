"""Scores of disentanglement: from codes and factors to a number that can be trusted. Works without torch."""

from unweave.metrics.active_units import active_units
from unweave.metrics.budget import budget
from unweave.metrics.compare import compare, difference
from unweave.metrics.dci import dci
from unweave.metrics.dci_es import dci_es
from unweave.metrics.explicitness import explicitness
from unweave.metrics.irs import irs
from unweave.metrics.mig import mig
from unweave.metrics.probe import probe
from unweave.metrics.reconstruction import reconstruction
from unweave.metrics.sap import sap
from unweave.metrics.scorecard import scorecard

__all__ = [
    "active_units",
    "budget",
    "compare",
    "dci",
    "dci_es",
    "difference",
    "explicitness",
    "irs",
    "mig",
    "probe",
    "reconstruction",
    "sap",
    "scorecard",
]
