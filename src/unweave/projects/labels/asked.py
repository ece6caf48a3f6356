"""The factors that a person asks about: declared ones, label columns that are none, and names that are new."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError
from unweave.core.factors import FactorTable
from unweave.data.columns import Cells
from unweave.data.dataset import Dataset

_SURELY_MEANT = 0.8


@dataclass(frozen=True)
class Asked:
    """Labels of N rows, as far as they are there.

    Attributes:
        names: of what is to be labelled.
        known: bool (N, names).
        table: labels of those that are factors of the project.
        new: names that no row has a label of.
    """

    names: tuple[str, ...]
    known: NDArray[np.bool_]
    table: FactorTable
    new: tuple[str, ...]


def asked(dataset: Dataset, names: Sequence[str]) -> Asked:
    """What is known of some factors, or of all factors of the project where none are named.

    Raises:
        ConfigError: nothing is named and the project has no factors, or a name is nearly that of a factor.
    """
    table, columns = dataset.table, dataset.store.columns
    wanted = tuple(dict.fromkeys(names)) or table.names
    if not wanted:
        raise ConfigError(
            "the project has no factors and no labels yet. Say what is to be labelled, for example --factor pose "
            "--factor smile."
        )
    known, new = [], []
    for name in wanted:
        if name in table.names:
            known.append(table.known[:, table.index(name)])
        elif name in columns.column_names:
            known.append(Cells.of(columns, name).known().codes >= 0)
        else:
            near = difflib.get_close_matches(name, [*table.names, *columns.column_names], n=1, cutoff=_SURELY_MEANT)
            if near or not name.strip():
                raise ConfigError(
                    f"--factor {name!r}: nothing is called so." + (f" Did you mean {near[0]!r}?" if near else "")
                )
            known.append(np.zeros(len(dataset), dtype=bool))
            new.append(name)
    declared = [name for name in wanted if name in table.names]
    return Asked(wanted, np.stack(known, axis=1), table.select(declared), tuple(new))
