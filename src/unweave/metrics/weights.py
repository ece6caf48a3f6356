"""Weights of factors in the mean over them, and groups of codes that belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from unweave.core import ConfigError, FactorTable

Weights = Literal["equal", "priority"] | Mapping[str, float]
"""`equal`; `priority`: 1 / rank, a factor without a rank comes after all others; or a weight per factor by name."""

Groups = Sequence[Sequence[int]]
"""Columns of codes that belong together, such as sine and cosine of an angle or a one-hot code."""


def factor_weights(table: FactorTable, weights: Weights = "equal") -> NDArray[np.float64]:
    """Weight of every factor (K,), not negative; the caller divides by the sum over the factors that it scores.

    Raises:
        ConfigError: a rule that does not exist, or a mapping that leaves a factor out, names one that is absent, or
            gives a weight that is negative or not finite, or gives only zeros.
    """
    if weights == "equal":
        return np.ones(len(table.factors))
    if weights == "priority":
        last = max((f.priority for f in table.factors if f.priority is not None), default=0) + 1
        return np.array([1 / (f.priority or last) for f in table.factors], dtype=np.float64)
    if not isinstance(weights, Mapping):
        raise ConfigError(f"weights: expected 'equal', 'priority' or a weight per factor by name, got {weights!r}.")
    if set(weights) != set(table.names):
        odd = sorted(set(weights) ^ set(table.names))
        raise ConfigError(f"weights: expected one for each of {', '.join(table.names)}; check {', '.join(odd)}.")
    given = np.array([weights[name] for name in table.names], dtype=np.float64)
    if len(given) and (not np.isfinite(given).all() or (given < 0).any() or given.sum() == 0):
        raise ConfigError(f"weights: expected finite numbers from 0 up, not all 0, got {dict(weights)}.")
    return given


def code_groups(groups: Groups | None, codes: int) -> tuple[tuple[int, ...], ...]:
    """Every one of `codes` columns in exactly one group, in the order of first columns; those not named stand alone.

    Raises:
        ConfigError: a group is empty, or names a column that is absent or in another group too.
    """
    named = [tuple(int(column) for column in group) for group in groups or ()]
    flat = [column for group in named for column in group]
    if any(not group for group in named) or len(set(flat)) < len(flat):
        raise ConfigError(f"groups: expected lists of columns, each column in at most one list, got {groups!r}.")
    if any(not 0 <= column < codes for column in flat):
        raise ConfigError(f"groups: expected columns 0 to {codes - 1}, got {groups!r}.")
    alone = [(column,) for column in range(codes) if column not in set(flat)]
    return tuple(sorted([*named, *alone], key=min))
