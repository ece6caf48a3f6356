"""The boundary of the probes: codes, labels, groups and weights, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError, DataError, ShapeError
from unweave.core.factors import FactorTable
from unweave.core.targets import Target
from unweave.metrics.inputs import Problem, check_codes
from unweave.signatures.probes.classes import Discriminant, Logistic, Margins
from unweave.signatures.probes.learner import Learner
from unweave.signatures.probes.numbers import Ordinal, Ridge

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

ProbeKind = Literal["auto", "logistic", "svm", "lda", "ridge", "circular", "ordinal"]
"""`logistic`, `svm` (linear support vectors) and `lda` (shrunk discriminants) read classes; `ridge` measurements and,
if asked, levels; `ordinal` (cumulative logits) levels; `circular` (ridge on cosine and sine) angles. `auto` takes the
first that fits the factor."""

FITTING: dict[str, tuple[ProbeKind, ...]] = {
    "categorical": ("logistic", "svm", "lda"),
    "ordinal": ("ordinal", "ridge"),
    "continuous": ("ridge",),
    "circular": ("circular",),
}

FEWEST = 4
"""Labels that a probe needs at least."""


@dataclass(frozen=True)
class Task:
    """One factor to be read from codes; all rows have a label.

    Attributes:
        kind: the probe, not `auto`.
        target: the factor.
        x: standardised codes (N, D); columns that do not vary are 0. Standardised over all rows: no label is used.
        mean, spread: (D,), what the codes were standardised with.
        labels: (N,) in the units of the factor.
        units: (N,) number of the group of each row, 0 … G - 1, or None.
        weights: (N,) how many rows each stands for, of mean 1.
        balanced: whether classes weigh the same in the fit.
    """

    kind: ProbeKind
    target: Target
    x: Floats
    mean: Floats
    spread: Floats
    labels: Floats
    units: Rows | None
    weights: Floats
    balanced: bool

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def name(self) -> str:
        """Name of the factor."""
        return self.target.factor.name

    @property
    def classes(self) -> Rows | None:
        """Labels as class numbers (N,), None where the factor has no classes."""
        return self.labels.astype(np.int64) if self.target.factor.is_discrete else None

    @property
    def groups(self) -> int | None:
        """Number of groups, None where there are none."""
        return None if self.units is None else int(self.units.max()) + 1

    @property
    def fixed(self) -> bool:
        """Whether the label is the same in all rows of every group, and groups have more than one row."""
        if self.units is None or 2 * (int(self.units.max()) + 1) > len(self):
            return False
        first = np.zeros(int(self.units.max()) + 1)
        first[self.units[::-1]] = self.labels[::-1]
        return bool((self.labels == first[self.units]).all())

    def take(self, rows: Rows) -> Task:
        """The task of some rows."""
        units = None if self.units is None else np.unique(self.units[rows], return_inverse=True)[1].ravel()
        weights = self.weights[rows] / self.weights[rows].mean()
        settings = (self.kind, self.target, self.x[rows], self.mean, self.spread, self.labels[rows])
        return Task(*settings, units, weights, self.balanced)

    def learner(self) -> Learner:
        """What learns the probe."""
        if self.kind in ("ridge", "circular"):
            return Ridge(self.target)
        if self.kind == "ordinal":
            return Ordinal(self.target, self.balanced)
        learners = {"logistic": Logistic, "svm": Margins, "lda": Discriminant}
        return learners[self.kind](self.target.classes, self.balanced)

    def problem(self) -> Problem:
        """Codes and labels as the stamps of scores want them."""
        column = self.labels[:, None]
        return Problem(self.x, FactorTable((self.target.factor,), column, np.ones(column.shape, dtype=bool)))


def make_task(
    codes: NDArray[Any],
    target: Target,
    labels: Floats,
    *,
    kind: ProbeKind = "auto",
    groups: NDArray[Any] | None = None,
    weights: Floats | None = None,
    balanced: bool = False,
) -> Task:
    """Check what a user passes.

    Raises:
        ConfigError: a kind of probe that does not exist or does not fit the factor.
        ShapeError: lengths differ.
        DataError: codes or labels cannot be used, there are fewer than `FEWEST`, or they are all the same.
    """
    values = check_codes(np.asarray(codes)).astype(np.float64)
    chosen = _kind(kind, target)
    labels = _labels(np.asarray(labels, dtype=np.float64), target, len(values))
    mass = _weights(weights, len(values))
    units = None
    if groups is not None:
        _check_rows("groups", np.asarray(groups), len(values))
        units = np.unique(np.asarray(groups), return_inverse=True)[1].ravel().astype(np.int64)
    mean = values.mean(axis=0)
    spread = np.where(
        Problem(check_codes(np.asarray(codes)), FactorTable.empty(len(values))).constant, 0.0, values.std(axis=0)
    )
    if not (spread > 0).any():
        raise DataError(f"codes: no column varies in the {len(values)} rows with a label of {target.factor.name!r}.")
    x = (values - mean) * np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
    return Task(chosen, target, x, mean, spread, labels, units, mass, balanced)


def _kind(kind: ProbeKind, target: Target) -> ProbeKind:
    fitting = FITTING[target.factor.kind]
    if kind not in get_args(ProbeKind):
        raise ConfigError(f"kind: expected one of {', '.join(get_args(ProbeKind))}, got {kind!r}.")
    if kind != "auto" and kind not in fitting:
        raise ConfigError(
            f"kind: factor {target.factor.name!r} is {target.factor.kind}, which a {kind!r} probe cannot read. "
            f"Use {' or '.join(repr(k) for k in fitting)}, or 'auto'."
        )
    return fitting[0] if kind == "auto" else kind


def _check_rows(name: str, array: NDArray[Any], rows: int) -> None:
    if array.shape != (rows,):
        raise ShapeError(name, want=f"({rows},)", got=array.shape, hint="One for each row of the codes.")


def _labels(labels: Floats, target: Target, rows: int) -> Floats:
    name = target.factor.name
    _check_rows("labels", labels, rows)
    if not np.isfinite(labels).all():
        row = int(np.flatnonzero(~np.isfinite(labels))[0])
        raise DataError(
            f"labels of {name!r}: {np.count_nonzero(~np.isfinite(labels))} are missing or infinite, the first in row "
            f"{row}. Pass the rows that have a label."
        )
    if rows < FEWEST:
        raise DataError(
            f"factor {name!r}: {rows} labels in all, a probe needs at least {FEWEST} and is worth little below 30. "
            "Label more rows; `unweave labels plan` says which."
        )
    if target.factor.is_discrete and not np.isin(labels, np.arange(target.classes)).all():
        odd = labels[~np.isin(labels, np.arange(target.classes))][0]
        raise DataError(f"labels of {name!r}: expected class codes from 0 to {target.classes - 1}, got {odd:g}.")
    if (labels == labels[0]).all():
        only = target.factor.values[int(labels[0])] if target.factor.values else f"{labels[0]:g}"
        raise DataError(
            f"factor {name!r}: all {rows} labels are {only!r}, so there is nothing to tell apart. "
            "Label rows of another value, or leave the factor out."
        )
    return labels


def _weights(weights: Floats | None, rows: int) -> Floats:
    if weights is None:
        return np.ones(rows)
    mass = np.asarray(weights, dtype=np.float64)
    _check_rows("weights", mass, rows)
    if not (np.isfinite(mass).all() and (mass >= 0).all() and mass.sum() > 0):
        raise DataError("weights: expected finite numbers of at least 0 that are not all 0.")
    return mass / mass.mean()
