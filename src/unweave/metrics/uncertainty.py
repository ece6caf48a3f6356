"""How unsure probes are of each row: where a further label would teach them most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unweave.core import Factor, FactorTable
from unweave.metrics.linear import PENALTY, Floats, fit_logistic

FEWEST = 5
"""Labels of a factor below which a probe's doubts mean nothing."""


@dataclass(frozen=True)
class Doubt:
    """What probes of some factors say about N rows.

    Attributes:
        values: float64 (N,) in [0, 1], mean over the factors that could be fitted; 0 for a factor that the row has.
            All 1 when none could: then every row is as unknown as any other.
        fitted: names of those factors.
        skipped: why the others could not, by name.
    """

    values: Floats
    fitted: tuple[str, ...]
    skipped: Mapping[str, str]


def doubt(codes: Floats, table: FactorTable) -> Doubt:
    """Doubt of every row, from probes fitted on the rows whose labels are known.

    Classes: 1 less the margin between the two most probable classes of a logistic regression (Scheffer, Decomain and
    Wrobel 2001). Measurements and angles: the share h / (1 + h) of the predictive variance of a ridge regression that
    comes from not knowing its weights, with leverage h of the row (MacKay 1992, section 3.1).

    Args:
        codes: finite (N, D).
        table: labels of the same rows.
    """
    spread = codes.std(axis=0)
    standard = (codes - codes.mean(axis=0)) / np.where(spread > 0, spread, 1)
    found, skipped = [], {}
    for k, factor in enumerate(table.factors):
        known, values = table.known[:, k], table.values[:, k]
        reason = unfit(factor, values[known])
        if reason is not None:
            skipped[factor.name] = reason
            continue
        fit = standard[known]
        each = (
            1 - _margin(fit, values[known].astype(np.int64), standard) if factor.is_discrete else _share(fit, standard)
        )
        found.append(np.where(known, 0.0, each))
    fitted = tuple(name for name in table.names if name not in skipped)
    values = np.mean(found, axis=0) if found else np.ones(len(codes))
    return Doubt(values, fitted, skipped)


def unfit(factor: Factor, labels: Floats) -> str | None:
    """Why these labels teach a probe nothing, or None."""
    if len(labels) < FEWEST:
        return f"{len(labels)} rows have a label, a probe needs {FEWEST}."
    if (labels == labels[0]).all():
        only = factor.values[int(labels[0])] if factor.values else f"{labels[0]:g}"
        return f"every label is {only!r}."
    return None


def _margin(fit: Floats, labels: NDArray[np.int64], codes: Floats) -> Floats:
    """Probability of the most probable class less that of the second, of codes (N, D): (N,)."""
    names, labels = np.unique(labels, return_inverse=True)
    outputs = fit_logistic(fit, labels, len(names))(codes)
    odds = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    top = np.sort(odds / odds.sum(axis=1, keepdims=True), axis=1)
    return np.asarray(top[:, -1] - top[:, -2])


def _share(fit: Floats, codes: Floats) -> Floats:
    """Share of the predictive variance that more labels could take away, of codes (N, D): (N,)."""
    centre = fit.mean(axis=0)
    x, z = fit - centre, codes - centre
    leverage = 1 / len(fit) + (z @ np.linalg.inv(x.T @ x + PENALTY * np.eye(x.shape[1])) * z).sum(axis=1)
    return np.asarray(leverage / (1 + leverage))
