"""Dividing the rows into train, valid and test without leakage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from unweave.core.errors import DataError
from unweave.core.factors import FactorTable
from unweave.core.seeds import generator
from unweave.data.config import SplitConfig
from unweave.data.stratify import deal_groups, deal_rows, label_levels

SIDES = ("train", "valid", "test")


@dataclass(frozen=True)
class Splits:
    """Row indices of the three sides, each int64 and sorted; together every row once."""

    train: NDArray[np.int64]
    valid: NDArray[np.int64]
    test: NDArray[np.int64]

    def named(self) -> dict[str, NDArray[np.int64]]:
        """The sides by name."""
        return {"train": self.train, "valid": self.valid, "test": self.test}


def make_splits(
    config: SplitConfig,
    table: FactorTable,
    *,
    digests: NDArray[np.generic],
    groups: NDArray[np.generic] | None = None,
) -> Splits:
    """Divide the rows of `table` by the shares of `config`, stratified over its labels.

    Args:
        config: shares and seed. Equal inputs give equal splits; the order of the factors does not matter.
        table: labels of the N rows.
        digests: (N,) one digest per row; rows with equal digests stay on one side.
        groups: (N,) group of each row (a person, a session), or None; a group stays on one side.

    Raises:
        DataError: a side whose share is not 0 would be empty.
    """
    units, sizes = _units(digests, groups)
    shares = np.array([config.train, config.valid, config.test])
    shares = shares / shares.sum()
    _check_enough(config, shares, len(table), len(sizes), grouped=groups is not None)
    rng = generator(config.seed, "splits")
    levels = label_levels(table)
    sides = np.zeros(len(table), dtype=np.int64)
    bound = sizes[units] > 1
    if bound.any():
        _, unit_of = np.unique(units[bound], return_inverse=True)
        sides[bound] = deal_groups(unit_of, levels[bound], shares, rng)[unit_of]
    if not bound.all():
        # What groups and duplicates took too much or too little of, single rows make up for.
        taken = np.bincount(sides[bound], minlength=3)
        lacking = np.maximum(shares * len(table) - taken, 0)
        sides[~bound] = deal_rows(levels[~bound], lacking / lacking.sum(), rng)
    splits = Splits(*(np.flatnonzero(sides == side).astype(np.int64) for side in range(3)))
    _check_filled(config, splits)
    return splits


def _units(
    digests: NDArray[np.generic], groups: NDArray[np.generic] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Unit of each row and size of each unit: rows linked by a group or by equal digests, however indirectly."""
    links = [np.unique(array, return_inverse=True)[1].ravel() for array in (digests, groups) if array is not None]
    rows = len(digests)
    if len(links) == 1:
        units = links[0]
    else:
        # Rows and groups are the nodes of a graph, each row has an edge to its digest and to its group.
        first, second = links[0], links[1] + links[0].max(initial=-1) + 1
        nodes = int(second.max(initial=-1)) + 1
        graph = coo_array((np.ones(rows, dtype=np.int8), (first, second)), shape=(nodes, nodes))
        units = connected_components(graph, directed=False)[1][first].astype(np.int64)
    return units.astype(np.int64), np.bincount(units).astype(np.int64)


def _check_enough(config: SplitConfig, shares: NDArray[np.float64], rows: int, units: int, *, grouped: bool) -> None:
    wanted = int((shares > 0).sum())
    if units >= wanted:
        return
    what = f"groups of {config.by or 'the group column'}" if grouped else "different rows"
    raise DataError(
        f"split: {wanted} sides need at least {wanted} {what}, the {rows} rows have {units}. "
        "Set the share of a side to 0 (`valid: 0` or `test: 0`), or bring more data."
    )


def _check_filled(config: SplitConfig, splits: Splits) -> None:
    for name, rows in splits.named().items():
        share = getattr(config, name)
        if share > 0 and len(rows) == 0:
            counts = ", ".join(f"{side} {len(r)}" for side, r in splits.named().items())
            raise DataError(
                f"split: `{name}` has a share of {share:g} but gets no row ({counts}). "
                f"Raise its share, set it to 0, or bring more data."
            )
