"""The words every layer shares. Imports nothing else of the package, and no torch."""

from unweave.core.codes import Codes
from unweave.core.errors import (
    ConfigError,
    DataError,
    MissingExtraError,
    ShapeError,
    StorageError,
    TrainingError,
    UnweaveError,
)
from unweave.core.factors import Factor, FactorKind, FactorTable
from unweave.core.model import LatentModel
from unweave.core.scores import Score, Scorecard, Stamp

__all__ = [
    "Codes",
    "ConfigError",
    "DataError",
    "Factor",
    "FactorKind",
    "FactorTable",
    "LatentModel",
    "MissingExtraError",
    "Score",
    "Scorecard",
    "ShapeError",
    "Stamp",
    "StorageError",
    "TrainingError",
    "UnweaveError",
]
