"""Probes of all factors of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import DataError, ShapeError
from unweave.core.factors import FactorTable
from unweave.core.targets import Target, targets_of
from unweave.data.reweighting import Weights, connected, independent_weights
from unweave.data.stratify import label_levels
from unweave.signatures.probes.assess import assess_probe
from unweave.signatures.probes.report import ProbeReport
from unweave.signatures.probes.task import ProbeKind

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

FEW_EFFECTIVE = 0.5
"""Share of the rows that importance weights leave, below which a note says so."""


@dataclass(frozen=True)
class Probes(Mapping[str, ProbeReport]):
    """Reports by factor, in the order of the factors, and why other factors could not be probed."""

    reports: Mapping[str, ProbeReport]
    refused: Mapping[str, str]

    def __getitem__(self, name: str) -> ProbeReport:
        return self.reports[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.reports)

    def __len__(self) -> int:
        return len(self.reports)


def probe_factors(
    codes: NDArray[Any],
    table: FactorTable,
    *,
    groups: NDArray[Any] | None = None,
    correlated: Sequence[tuple[str, str]] = (),
    kinds: Mapping[str, ProbeKind] | None = None,
    balanced: bool = False,
    bootstrap: int = 200,
    nulls: int = 20,
    nonlinear: bool = True,
    seed: int = 0,
) -> Probes:
    """Probe every factor of a table, each on the rows that have its label.

    Args:
        codes: (N, D), as the encoder gives them.
        table: labels (N, K), missing ones masked.
        groups: (N,) group of each row; see `fit_probe`.
        correlated: pairs of factors that vary together in these rows and need not elsewhere. Rows are then weighted so
            that they look independent, in the fit and in the scores; see `data.reweighting`.
        kinds: probes other than `auto`, by factor.
        balanced, bootstrap, nulls, nonlinear, seed: see `assess_probe`.

    Raises:
        ShapeError: codes, table and groups have different lengths.
        ConfigError: `kinds` or `correlated` names a factor that is not there, or a probe that does not fit.
        DataError: no factor can be probed. If some can, the others are in `refused`.
    """
    kinds = kinds or {}
    for name in (*kinds, *(name for pair in correlated for name in pair)):
        table.index(name)
    reports: dict[str, ProbeReport] = {}
    refused: dict[str, str] = {}
    for name in table.names:
        try:
            rows, target, labels, weights = labelled_part(codes, table, name, groups, correlated)
            own = None if groups is None else np.asarray(groups)[rows]
            found = assess_probe(
                np.asarray(codes)[rows],
                target,
                labels,
                kind=kinds.get(name, "auto"),
                groups=own,
                weights=None if weights is None else weights.values,
                balanced=balanced,
                bootstrap=bootstrap,
                nulls=nulls,
                nonlinear=nonlinear,
                seed=seed,
            )
        except DataError as error:
            refused[name] = str(error)
            continue
        reports[name] = found if weights is None else found.noting(_on_weights(weights, len(rows)))
    if not reports:
        raise DataError("no factor can be probed. " + (" ".join(refused.values()) or "The table has no factors."))
    return Probes(reports, refused)


def labelled_part(
    codes: NDArray[Any],
    table: FactorTable,
    name: str,
    groups: NDArray[Any] | None,
    correlated: Sequence[tuple[str, str]],
) -> tuple[Rows, Target, Floats, Weights | None]:
    """Rows that have a label of a factor, the factor as a target, their labels, and weights if it is correlated."""
    if len(codes) != len(table):
        raise ShapeError("codes", want=f"({len(table)}, codes)", got=np.shape(codes), hint="One row per row of labels.")
    if groups is not None and np.shape(groups) != (len(table),):
        raise ShapeError("groups", want=f"({len(table)},)", got=np.shape(groups), hint="One for each row of the codes.")
    column = table.index(name)
    rows = np.flatnonzero(table.known[:, column])
    part = table.take(rows)
    (target,) = targets_of(part.select([name]))
    linked = [names for names in connected(tuple(correlated)) if name in names]
    weights = independent_weights([label_levels(part.select(linked[0]))]) if linked else None
    return rows, target, part.values[:, column], weights


def _on_weights(weights: Weights, rows: int) -> tuple[str, ...]:
    share = weights.effective / rows
    if share >= FEW_EFFECTIVE:
        return ()
    return (
        f"Weights that take the correlation out leave {weights.effective:,.0f} of {rows:,} rows' worth; label more "
        "rows in which the factors disagree.",
    )
