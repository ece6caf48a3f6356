"""The boundary of every metric: what a user passes becomes one validated `Problem`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unweave.core import Codes, ConfigError, DataError, Factor, FactorTable, ShapeError

CodesLike = Codes | ArrayLike
"""Codes (N, D): `Codes` (their mean is scored) or a real array."""

FactorsLike = FactorTable | ArrayLike
"""Labels (N, K): a `FactorTable`, or an array of integers, floats (NaN is a missing label) or strings."""

Mode = Literal["reference", "robust"]
"""`reference` is the published definition; `robust` removes its known defects."""

MAX_CLASSES = 64
"""A numeric factor with more distinct values than this is a measurement, not a set of classes."""

LARGEST = 1e150
"""Codes beyond this overflow when they are squared."""

IDLE = 0.01
"""Nats that a code can carry through the encoder's own noise, below which it is not in use."""


@dataclass(frozen=True)
class Problem:
    """Codes and labels of the same N rows, checked once.

    Attributes:
        codes: finite float32 or float64 array (N, D), N and D at least 1.
        factors: labels of the same rows; K may be 0.
        noise: mean variance of q(z|x) of every code, (D,), or None where the encoder states none.
    """

    codes: NDArray[Any]
    factors: FactorTable
    noise: NDArray[np.float64] | None = None

    def take(self, rows: NDArray[np.int64]) -> Problem:
        """The problem of some rows; the encoder's noise stays what it is."""
        return replace(self, codes=self.codes[rows], factors=self.factors.take(rows))

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Which codes do not vary: bool (D,). Rounding noise of a constant counts as constant."""
        low, high = (edge(axis=0).astype(np.float64) for edge in (self.codes.min, self.codes.max))
        noise = 1e-12 if self.codes.dtype == np.float64 else 1e-6
        return np.asarray(high - low <= noise * np.maximum(np.abs(low), np.abs(high)))

    @property
    def dead(self) -> NDArray[np.bool_]:
        """Which codes do not vary, or less than the encoder's noise lets through: bool (D,).

        A VAE switches a dimension off by drowning it in noise. What is left of its mean is minute, and yet an exact
        function of the image: binned or standardised, it seems to know factors that no sample of the code carries. A
        Gaussian channel carries at most 1/2 log(1 + Var[mean] / E[variance]) nats (Cover and Thomas 2006, eq. 9.17).
        """
        if self.noise is None:
            return self.constant
        signal = self.codes.var(axis=0, dtype=np.float64)
        return np.asarray(self.constant | (signal < np.expm1(2 * IDLE) * self.noise))

    def labelled(self) -> Iterator[tuple[NDArray[np.int64], tuple[int, ...]]]:
        """Groups of factor columns that share their labelled rows, as (rows, columns); rows may be empty."""
        groups: dict[bytes, list[int]] = {}
        for column in range(len(self.factors.factors)):
            groups.setdefault(np.packbits(self.factors.known[:, column]).tobytes(), []).append(column)
        for columns in groups.values():
            yield np.flatnonzero(self.factors.known[:, columns[0]]), tuple(columns)


def as_problem(codes: CodesLike, factors: FactorsLike) -> Problem:
    """Check codes and labels and bring them into one form.

    Raises:
        ShapeError: an array is not two-dimensional, lengths differ, or an array is transposed.
        DataError: codes are not finite real numbers, or there are no rows.
    """
    array = codes.mean if isinstance(codes, Codes) else np.asarray(codes)
    labels = factors if isinstance(factors, FactorTable) else np.asarray(factors)
    shape = labels.values.shape if isinstance(labels, FactorTable) else labels.shape
    _check_shapes(array.shape, shape)
    table = labels if isinstance(labels, FactorTable) else factor_table(labels)
    return Problem(check_codes(array), table, _noise(codes) if isinstance(codes, Codes) else None)


def unlabelled(codes: CodesLike) -> Problem:
    """Codes without labels, checked in the same way."""
    array = codes.mean if isinstance(codes, Codes) else np.asarray(codes)
    return Problem(
        check_codes(array), FactorTable.empty(len(array)), _noise(codes) if isinstance(codes, Codes) else None
    )


def _noise(codes: Codes) -> NDArray[np.float64] | None:
    """Mean variance of q(z|x) of every code, (D,)."""
    if codes.logvar is None:
        return None
    if codes.logvar.shape != codes.mean.shape:
        raise ShapeError("codes.logvar", want=str(codes.mean.shape), got=codes.logvar.shape)
    return np.asarray(np.exp(codes.logvar, dtype=np.float64).mean(axis=0))


def check_codes(codes: NDArray[Any]) -> NDArray[Any]:
    """Finite real codes (N, D) as float32 or float64.

    Raises:
        ShapeError: not two-dimensional, or no columns.
        DataError: not real numbers, not finite, or no rows.
    """
    if codes.ndim != 2 or codes.shape[1] == 0:
        raise ShapeError("codes", want="(rows, codes)", got=codes.shape, hint="One code alone is codes[:, None].")
    if len(codes) == 0:
        raise DataError("codes: there are no rows to score. Pass the codes of at least two observations.")
    if codes.dtype.kind not in "fiub":
        raise DataError(
            f"codes: expected real numbers, got dtype {codes.dtype}. Convert them with codes.astype(float)."
        )
    if codes.dtype != np.float32:
        codes = codes.astype(np.float64, copy=False)
    low, high = float(codes.min()), float(codes.max())  # NaN if one is; no copy of a large array is made
    if not (np.isfinite(low) and np.isfinite(high)):
        finite = np.isfinite(codes)
        row, column = np.argwhere(~finite)[0]
        raise DataError(
            f"codes: {np.count_nonzero(~finite)} values are NaN or infinite, the first in row {row}, column {column}. "
            "Leave those rows out, or find out why the encoder diverged."
        )
    if max(-low, high) > LARGEST:
        raise DataError(f"codes: the largest is {max(-low, high):g}, too large to square. Divide the codes first.")
    return codes


def _check_shapes(codes: tuple[int, ...], factors: tuple[int, ...]) -> None:
    """Refuse shapes that do not fit together, and say so when an array is transposed."""
    if len(codes) != 2:
        raise ShapeError("codes", want="(rows, codes)", got=codes, hint="One code alone is codes[:, None].")
    if len(factors) != 2:
        raise ShapeError("factors", want="(rows, factors)", got=factors, hint="One factor alone is factors[:, None].")
    longer = max(codes[0], factors[0])
    wide = codes[1] >= 100 and codes[1] > 10 * longer
    if codes[1] == factors[1] and (wide or (codes[0] != factors[0] and codes[1] > longer)):
        hint = "Both arrays look transposed; rows are observations here. Pass codes.T and factors.T."
        raise ShapeError("codes", want="(rows, codes)", got=codes, hint=hint)
    if codes[0] == factors[0]:
        return
    if codes[1] == factors[0]:
        raise ShapeError("codes", want=f"({factors[0]}, codes)", got=codes, hint="It looks transposed: pass codes.T.")
    if factors[1] == codes[0]:
        hint = "It looks transposed: pass factors.T."
        raise ShapeError("factors", want=f"({codes[0]}, factors)", got=factors, hint=hint)
    hint = "Codes and factors must describe the same rows in the same order."
    raise ShapeError("factors", want=f"({codes[0]}, factors)", got=factors, hint=hint)


def factor_table(labels: NDArray[Any]) -> FactorTable:
    """A `FactorTable` of plain labels (N, K); factors are called `factor_0`, `factor_1`, ….

    Strings and booleans are classes; numbers are ordered classes when they take at most `MAX_CLASSES` values, else a
    measurement. NaN, None and "" are missing labels; any number, also a negative one, is a label.

    Raises:
        DataError: labels are complex or infinite, or a column mixes text and numbers.
    """
    if labels.dtype.kind not in "fiubUSO":
        raise DataError(f"factors: expected integers, floats or strings, got dtype {labels.dtype}.")
    if labels.shape[1] == 0:
        return FactorTable.empty(len(labels))
    return factor_columns({f"factor_{k}": labels[:, k] for k in range(labels.shape[1])})


def factor_columns(columns: Mapping[str, NDArray[Any]]) -> FactorTable:
    """A `FactorTable` of named columns of plain labels, each (N,) and of its own dtype; at least one.

    Kinds and missing labels as in `factor_table`.

    Raises:
        DataError: labels are infinite, or a column mixes text and numbers.
    """
    read = [_column(name, labels) for name, labels in columns.items()]
    values = np.stack([column[1] for column in read], axis=1)
    known = np.stack([column[2] for column in read], axis=1)
    return FactorTable(tuple(column[0] for column in read), values, known)


def _column(name: str, labels: NDArray[Any]) -> tuple[Factor, NDArray[np.float64], NDArray[np.bool_]]:
    if labels.dtype.kind in "fiub":
        known = np.asarray(labels == labels)  # NaN is not equal to itself
    else:
        known = np.array([x is not None and x == x and x != "" for x in labels.tolist()], dtype=bool)
    present = labels[known]
    if labels.dtype.kind == "O":
        text = [isinstance(x, str) for x in present.tolist()]
        if any(text) and not all(text):
            raise DataError(
                f"factors: column {name!r} mixes text and numbers. Make all of its labels one or the other."
            )
        present = present.astype(str if any(text) else float)
    if present.dtype.kind == "f" and not np.isfinite(present).all():
        raise DataError(f"factors: column {name!r} holds infinite labels. Use NaN for a missing label.")
    names, classes = np.unique(present, return_inverse=True)
    values = np.zeros(len(labels))
    if present.dtype.kind not in "fiu":
        values[known] = classes
        return Factor(name=name, kind="categorical", values=tuple(str(x) for x in names.tolist())), values, known
    if len(names) <= MAX_CLASSES:
        values[known] = classes
        return Factor(name=name, kind="ordinal", values=tuple(str(x) for x in names.tolist())), values, known
    values[known] = present
    return Factor(name=name, kind="continuous"), values, known


def check_mode(mode: str) -> None:
    """Refuse a mode that does not exist."""
    if mode not in get_args(Mode):
        raise ConfigError(f"mode: expected one of {', '.join(get_args(Mode))}, got {mode!r}.")
