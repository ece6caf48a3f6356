"""Scores of outputs on rows that the model did not see, with the influence of each row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unweave.core.targets import Target
from unweave.metrics.influence import accuracy, area_under_curve, balanced_accuracy, explained
from unweave.metrics.resampling import bootstrap_means, interval, student_t
from unweave.signatures.chart import Chart
from unweave.signatures.probes.task import Task

Floats = NDArray[np.float64]

FEW_UNITS = 30
"""Groups below which Student's t stands in for resampling them."""

TAIL = 0.025

RANGES = {"accuracy": (0.0, 1.0), "balanced_accuracy": (0.0, 1.0), "auc": (0.0, 1.0), "r2": (-np.inf, 1.0)}
"""Lowest and highest value of each score."""


def score_names(target: Target) -> tuple[str, ...]:
    """Scores of a factor, the main one first."""
    if target.factor.kind == "categorical":
        return ("accuracy", "balanced_accuracy", "auc")
    return ("r2", "accuracy", "balanced_accuracy") if target.factor.kind == "ordinal" else ("r2",)


def score_outputs(target: Target, outputs: Floats, labels: Floats, weights: Floats) -> dict[str, tuple[float, Floats]]:
    """Value and influence (N,) of each score of outputs (N, m) beside labels (N,).

    R² of the number, or of cosine and sine together; the share of right classes or levels; its mean over the classes;
    the area under the ROC curve of each class against the others, averaged over classes.
    """
    found: dict[str, tuple[float, Floats]] = {}
    if target.factor.kind != "categorical":
        truth = Chart(target).of(labels)
        deviation = ((truth - weights @ truth / weights.sum()) ** 2).sum(axis=1)
        found["r2"] = explained(((outputs - truth) ** 2).sum(axis=1), deviation, weights)
    if target.factor.is_discrete:
        classes = labels.astype(np.int64)
        right = Chart(target).labels(outputs) == labels
        found["accuracy"] = accuracy(right, weights)
        found["balanced_accuracy"] = balanced_accuracy(right, classes, weights)
        if target.factor.kind == "categorical":
            shares = np.exp(outputs - outputs.max(axis=1, keepdims=True))
            found["auc"] = area_under_curve(shares / shares.sum(axis=1, keepdims=True), classes, weights)
    return {name: found[name] for name in score_names(target)}


@dataclass(frozen=True)
class Resampled:
    """Deviations of statistics in samples of the rows.

    Attributes:
        units: contributions (U, S) of rows, or of groups, whose mean is the first-order deviation from the statistic.
        draws: deviations (B, S) in bootstrap samples of the units.
    """

    units: Floats
    draws: Floats

    @classmethod
    def of(cls, task: Task, influence: Floats, bootstrap: int, random: np.random.Generator) -> Resampled:
        """Resample rows, or groups where there are any, with the influence (N, S) of each row on each statistic."""
        units = influence
        if task.units is not None and task.groups is not None:
            units = np.stack([np.bincount(task.units, weights=column) for column in influence.T], axis=1)
            units *= task.groups / len(task)
        return cls(units, bootstrap_means(units, bootstrap, random))

    def interval(self, column: int, value: float, low: float, high: float) -> tuple[float, float]:
        """95 % interval of a statistic: basic bootstrap, or Student's t where there are fewer than `FEW_UNITS`."""
        count = len(self.units)
        if count >= FEW_UNITS:
            return interval(value, value + self.draws[:, column], low, high, tail=TAIL)
        half = student_t(count - 1) * float(self.units[:, column].std(ddof=1)) / np.sqrt(count)
        return float(max(low, value - half)), float(min(high, value + half))


def certain_interval(task: Task, name: str) -> tuple[float, float]:
    """95 % interval of an accuracy of 1: no row that was wrong can be drawn, yet others might be.

    Clopper and Pearson (1934) for the rows or groups, and for the rarest class where classes weigh the same.
    """
    units = np.arange(len(task)) if task.units is None else task.units
    if name == "accuracy" or task.classes is None:
        return float(TAIL ** (1 / len(np.unique(units)))), 1.0
    found = np.unique(task.classes)
    fewest = min(len(np.unique(units[task.classes == c])) for c in found)
    return float(1 - (1 - TAIL ** (1 / fewest)) / len(found)), 1.0
