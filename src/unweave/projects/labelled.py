"""What a run learns from labels: which rows, which columns of the code, which factors vary together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from unweave.core.binding import Binding
from unweave.core.errors import ConfigError
from unweave.core.factors import FactorTable
from unweave.core.seeds import derive
from unweave.core.targets import Target, targets_of
from unweave.data.association import associations
from unweave.data.dataset import Dataset
from unweave.data.labelled import LabelledRows, choose_labelled
from unweave.data.reweighting import Weights, connected, independent_weights
from unweave.data.stratify import label_levels
from unweave.methods import AnyMethod
from unweave.methods.supervision import CorrelatedConfig


@dataclass(frozen=True)
class LabelsUsed:
    """Labelled training rows, what they are bound to, and what there is to say about them.

    Attributes:
        rows: rows with numbers made of their labels.
        binding: factor to columns.
        summary: plain values for the run's folder.
    """

    rows: LabelledRows
    binding: Binding
    summary: Mapping[str, Any]


def labels_used(method: AnyMethod, dataset: Dataset, *, seed: int) -> LabelsUsed | None:
    """What `method` learns from the labels of the training rows, or None when it wants none.

    Everything here, which factors vary together included, is found from the chosen rows alone: labels that training may
    not see decide nothing.

    Args:
        method: the `method:` section.
        dataset: of `load_data`.
        seed: of the choice of rows.

    Raises:
        ConfigError: a factor is not there, or the code has too few dimensions.
        DataError: no training row has a label.
    """
    wanted = method.wants_labels
    if wanted is None:
        return None
    table = dataset.table if wanted.factors == "auto" else _select(dataset.table, wanted.factors)
    rows = choose_labelled(table, dataset.splits.train, wanted.labels, derive(seed, "labels"))
    chosen = table.take(rows)
    targets = targets_of(chosen)
    correlated, weights = _correlated(method.wants_correlated, chosen, seed=seed)
    values = np.stack([t.normalise(chosen.values[:, k]) for k, t in enumerate(targets)], 1)
    numbers = np.where(chosen.known, values, 0).astype(np.float32)
    used = LabelledRows(rows, numbers, chosen.known, weights.values.astype(np.float32))
    binding = Binding(wanted.bind(targets, method.latent), correlated)
    return LabelsUsed(used, binding, _summary(targets, chosen, binding, weights))


def _select(table: FactorTable, names: tuple[str, ...]) -> FactorTable:
    if len(set(names)) < len(names) or not names:
        raise ConfigError(f"method.supervision.factors: expected different names, got {list(names)}.")
    return table.select(names)


def _correlated(
    wanted: CorrelatedConfig | None, chosen: FactorTable, *, seed: int
) -> tuple[tuple[tuple[str, str], ...], Weights]:
    """Pairs that vary together, and a weight for each of the chosen rows."""
    even = Weights(np.ones(len(chosen)), float(len(chosen)), 0.0)
    if wanted is None:
        return (), even
    if wanted.factors == "auto":
        found = associations(chosen, seed=derive(seed, "associations"))
        pairs = tuple((p.a, p.b) for p in found if p.strong)
    else:
        pairs = wanted.factors
        for pair in pairs:
            chosen.select(pair)
    if not (wanted.reweight and pairs):
        return pairs, even
    return pairs, independent_weights([label_levels(chosen.select(linked)) for linked in connected(pairs)])


def _summary(targets: tuple[Target, ...], chosen: FactorTable, binding: Binding, weights: Weights) -> dict[str, Any]:
    return {
        "rows": len(chosen),
        "known": {t.factor.name: int(chosen.known[:, k].sum()) for k, t in enumerate(targets)},
        "columns": {b.target.factor.name: list(b.columns) for b in binding.bound},
        "correlated": [list(pair) for pair in binding.correlated],
        "effective_rows": weights.effective,
        "clipped": weights.clipped,
    }
