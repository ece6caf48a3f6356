"""Scores of disentanglement: from codes and factors to a number that can be trusted. Works without torch."""

from unweave.metrics.active_units import active_units
from unweave.metrics.dci import dci
from unweave.metrics.mig import mig
from unweave.metrics.probe import probe
from unweave.metrics.reconstruction import reconstruction
from unweave.metrics.scorecard import scorecard

__all__ = ["active_units", "dci", "mig", "probe", "reconstruction", "scorecard"]
