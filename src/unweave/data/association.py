"""How strongly two factors vary together, whatever their kinds, with an interval and its chance level."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from unweave.core.factors import Factor, FactorTable
from unweave.core.seeds import generator

Column = NDArray[np.float64]

_MAX_ROWS = 5000  # more rows change the interval by less than anyone can see


@dataclass(frozen=True)
class Association:
    """Association of two factors: 0 is none, 1 is complete.

    Attributes:
        a, b: names of the factors.
        measure: which coefficient, in words.
        value: the coefficient in [0, 1].
        interval: 95 % percentile interval of a bootstrap over rows.
        null: 95 % quantile of the coefficient when one factor's labels are shuffled: what chance alone reaches.
        rows: rows in which both labels are known.
    """

    a: str
    b: str
    measure: str
    value: float
    interval: tuple[float, float]
    null: float
    rows: int

    @property
    def beyond_chance(self) -> bool:
        """Whether the whole interval lies above what chance reaches."""
        return self.interval[0] > self.null

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {**asdict(self), "interval": list(self.interval)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(**{**data, "interval": tuple(data["interval"])})


def cramers_v(a: Column, b: Column) -> float:
    """Bias-corrected Cramér's V of two class columns (Bergsma 2013, eq. 9), in [0, 1]."""
    rows, a_codes, b_codes = len(a), *(np.unique(x, return_inverse=True)[1] for x in (a, b))
    r, c = a_codes.max() + 1, b_codes.max() + 1
    if r < 2 or c < 2 or rows < 3:
        return 0.0
    counts = np.bincount(a_codes * c + b_codes, minlength=r * c).reshape(r, c)
    expected = counts.sum(1, keepdims=True) * counts.sum(0, keepdims=True) / rows
    phi2 = ((counts - expected) ** 2 / expected).sum() / rows
    phi2 = max(0.0, phi2 - (r - 1) * (c - 1) / (rows - 1))
    smaller = min(r - (r - 1) ** 2 / (rows - 1), c - (c - 1) ** 2 / (rows - 1)) - 1
    return float(min(1.0, np.sqrt(phi2 / smaller))) if smaller > 0 else 0.0


def correlation_ratio(classes: Column, vectors: NDArray[np.float64]) -> float:
    """Correlation ratio η: root of the share of the variance of `vectors` (N, p) that classes explain, adjusted.

    Adjusted as R² is for the number of classes (ε², Kelley 1935), so that chance gives about 0.
    """
    codes = np.unique(classes, return_inverse=True)[1]
    rows, groups = len(codes), codes.max() + 1
    centred = vectors - vectors.mean(0)
    total = float((centred**2).sum())
    if total == 0 or rows <= groups:
        return 0.0
    sums = np.stack([np.bincount(codes, weights=column) for column in centred.T], 1)
    between = float((sums**2 / np.bincount(codes)[:, None]).sum())
    return float(np.sqrt(max(0.0, 1 - (total - between) / total * (rows - 1) / (rows - groups))))


def rank_correlation(a: Column, b: Column) -> float:
    """|Spearman's rho| of two ordered columns."""
    ranks = np.stack([rankdata(a), rankdata(b)])
    return abs(float(np.corrcoef(ranks)[0, 1])) if (ranks.std(1) > 0).all() else 0.0


def circular_linear(angle: Column, linear: Column) -> float:
    """Multiple correlation of a linear column with cosine and sine of an angle (Mardia 1976), angle in radians."""
    if linear.std() == 0:
        return 0.0
    design = np.stack([np.ones_like(angle), np.cos(angle), np.sin(angle)], 1)
    residual = linear - design @ np.linalg.lstsq(design, linear, rcond=None)[0]
    return float(np.sqrt(max(0.0, 1 - residual.var() / linear.var())))


def circular_circular(a: Column, b: Column) -> float:
    """Circular correlation that sees both turning with and turning against each other, angles in radians.

    Modulus of the complex correlation of exp(ia) with exp(ib), or with exp(-ib) where that is larger: the positive and
    the negative dependence of Fisher & Lee (1983), in [0, 1].
    """
    z, w = np.exp(1j * a), np.exp(1j * b)
    best = 0.0
    for other in (w.conj(), w):
        joint, apart = (
            abs((z * other).mean() - z.mean() * other.mean()),
            np.sqrt(max(0.0, (1 - abs(z.mean()) ** 2) * (1 - abs(w.mean()) ** 2))),
        )
        best = max(best, joint / apart if apart > 0 else 0.0)
    return min(1.0, float(best))


def associations(table: FactorTable, *, seed: int = 0, resamples: int = 200) -> tuple[Association, ...]:
    """Association of every pair of factors, the strongest first; rows where a label is missing are left out."""
    found = [
        association(table, a, b, seed=seed, resamples=resamples) for a, b in combinations(range(len(table.factors)), 2)
    ]
    return tuple(sorted((f for f in found if f is not None), key=lambda f: -f.value))


def association(table: FactorTable, a: int, b: int, *, seed: int, resamples: int) -> Association | None:
    """Association of the factors in columns `a` and `b`; None with fewer than 10 rows that have both labels."""
    rng = generator(seed, "association", table.names[a], table.names[b])
    rows = np.flatnonzero(table.known[:, a] & table.known[:, b])
    if len(rows) < 10:
        return None
    if len(rows) > _MAX_ROWS:
        rows = rng.choice(rows, _MAX_ROWS, replace=False)
    first, second = table.factors[a], table.factors[b]
    x, y = table.values[rows, a], table.values[rows, b]
    measure, coefficient = _coefficient(first, second)
    n = len(rows)
    boot = [coefficient(x[i], y[i]) for i in (rng.integers(0, n, n) for _ in range(resamples))]
    null = [coefficient(x, rng.permutation(y)) for _ in range(max(20, resamples // 4))]
    value = coefficient(x, y)
    low, high = np.quantile(boot, [0.025, 0.975])
    interval = (min(value, float(low)), max(value, float(high)))
    return Association(first.name, second.name, measure, value, interval, float(np.quantile(null, 0.95)), n)


def _coefficient(a: Factor, b: Factor) -> tuple[str, Callable[[Column, Column], float]]:
    kinds = ({"ordinal": "ordered", "continuous": "ordered"}.get(f.kind, f.kind) for f in (a, b))
    left, right = kinds
    if (left, right) == ("ordered", "ordered"):
        return "Spearman", rank_correlation
    if (left, right) == ("circular", "circular"):
        return "circular correlation", lambda x, y: circular_circular(_angle(a, x), _angle(b, y))
    if a.is_discrete and b.is_discrete:
        return "Cramér's V", cramers_v
    if left == "circular" and right == "ordered":
        return "Mardia's R", lambda x, y: circular_linear(_angle(a, x), y)
    if left == "circular":
        return "circular correlation ratio", lambda x, y: correlation_ratio(y, _on_circle(a, x))
    if left == "categorical" and right == "circular":
        return "circular correlation ratio", lambda x, y: correlation_ratio(x, _on_circle(b, y))
    if left == "categorical":
        return "correlation ratio", lambda x, y: correlation_ratio(x, y[:, None])
    measure, swapped = _coefficient(b, a)
    return measure, lambda x, y: swapped(y, x)


def _angle(factor: Factor, values: Column) -> Column:
    return values * (2 * np.pi / factor.period)


def _on_circle(factor: Factor, values: Column) -> NDArray[np.float64]:
    angle = _angle(factor, values)
    return np.stack([np.cos(angle), np.sin(angle)], 1)
