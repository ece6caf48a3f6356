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
STRONG = 0.3
"""Association from which a pair of factors is called correlated."""

_COUNTED = 100_000  # up to so many cells, counting all of them is faster than sorting the rows


@dataclass(frozen=True)
class Association:
    """Association of two factors: 0 is none, 1 is complete.

    Attributes:
        a, b: names of the factors.
        measure: which coefficient, in words.
        value: the coefficient in [0, 1].
        interval: 95 % percentile interval of a bootstrap over rows, less the bootstrap's bias.
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

    @property
    def strong(self) -> bool:
        """Whether the factors are called correlated: surely, and by enough to matter."""
        return self.value >= STRONG and self.beyond_chance

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {**asdict(self), "interval": list(self.interval)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(**{**data, "interval": tuple(data["interval"])})


def cramers_v(a: Column, b: Column) -> float:
    """Bias-corrected Cramér's V of two columns of class codes 0, 1, … (Bergsma 2013, eq. 9), in [0, 1]."""
    rows, first, second = len(a), a.astype(np.int64), b.astype(np.int64)
    in_a, in_b = np.bincount(first), np.bincount(second)
    r, c = np.count_nonzero(in_a), np.count_nonzero(in_b)
    if r < 2 or c < 2 or rows < 3:
        return 0.0
    # Empty cells add nothing in this form, so that a table of many classes need not be walked through.
    cells, counts = _occupied(first * len(in_b) + second)
    phi2 = float((counts**2 / (in_a[cells // len(in_b)] * in_b[cells % len(in_b)])).sum()) - 1
    phi2 = max(0.0, phi2 - (r - 1) * (c - 1) / (rows - 1))
    smaller = min(r - (r - 1) ** 2 / (rows - 1), c - (c - 1) ** 2 / (rows - 1)) - 1
    return float(min(1.0, np.sqrt(phi2 / smaller))) if smaller > 0 else 0.0


def _occupied(codes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if codes.max() > _COUNTED:
        return np.unique(codes, return_counts=True)
    counts = np.bincount(codes)
    cells = np.flatnonzero(counts)
    return cells, counts[cells]


def correlation_ratio(classes: Column, vectors: NDArray[np.float64]) -> float:
    """Correlation ratio η: root of the share of the variance of `vectors` (N, p) that classes explain, adjusted.

    Adjusted as R² is for the number of classes (ε², Kelley 1935), so that chance gives about 0. Classes are codes
    0, 1, ….
    """
    codes = classes.astype(np.int64)
    sizes = np.bincount(codes)
    rows, groups = len(codes), np.count_nonzero(sizes)
    centred = vectors - vectors.mean(0)
    total = float((centred**2).sum())
    if total == 0 or rows <= groups:
        return 0.0
    sums = np.stack([np.bincount(codes, weights=column) for column in centred.T], 1)
    between = float((sums**2 / np.maximum(sizes, 1)[:, None]).sum())
    return float(np.sqrt(max(0.0, 1 - (total - between) / total * (rows - 1) / (rows - groups))))


def rank_correlation(a: Column, b: Column) -> float:
    """|Spearman's rho| of two ordered columns."""
    return _correlation(rankdata(a), rankdata(b))


def _correlation(a: Column, b: Column) -> float:
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a @ a) * (b @ b)))
    return min(1.0, abs(float(a @ b)) / spread) if spread > 0 else 0.0


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
    measure, coefficient, x, y = _coefficient(first, table.values[rows, a], second, table.values[rows, b])
    n, value = len(rows), coefficient(x, y)
    boot = np.array([coefficient(x[i], y[i]) for i in (rng.integers(0, n, n) for _ in range(resamples))])
    null = [coefficient(x, rng.permutation(y)) for _ in range(max(20, resamples // 4))]
    # Drawing rows twice makes them look alike: the bootstrap's own excess over the value is taken off again.
    low, high = np.clip(np.quantile(boot, [0.025, 0.975]) - (boot.mean() - value), 0, 1)
    interval = (min(value, float(low)), max(value, float(high)))
    return Association(first.name, second.name, measure, value, interval, float(np.quantile(null, 0.95)), n)


def _coefficient(
    a: Factor, x: Column, b: Factor, y: Column
) -> tuple[str, Callable[[Any, Any], float], NDArray[np.float64], NDArray[np.float64]]:
    """Name and function of the coefficient for two kinds, and the columns as it takes them."""
    turning = [f.kind == "circular" for f in (a, b)]
    unordered = [f.kind == "categorical" for f in (a, b)]
    if all(turning):
        return "circular correlation", circular_circular, _angle(a, x), _angle(b, y)
    if any(turning) and not any(unordered):
        if turning[1]:
            return "Mardia's R", lambda p, q: circular_linear(q, p), x, _angle(b, y)
        return "Mardia's R", circular_linear, _angle(a, x), y
    if not any(unordered):
        # Ranks of all rows serve the resamples too, which saves sorting each of them.
        return "Spearman", _correlation, rankdata(x), rankdata(y)
    if a.is_discrete and b.is_discrete:
        return "Cramér's V", cramers_v, x, y
    name = "circular correlation ratio" if any(turning) else "correlation ratio"
    if unordered[0]:
        return name, correlation_ratio, x, _vectors(b, y)
    return name, lambda p, q: correlation_ratio(q, p), _vectors(a, x), y


def _angle(factor: Factor, values: Column) -> Column:
    return values * (2 * np.pi / factor.period)


def _vectors(factor: Factor, values: Column) -> NDArray[np.float64]:
    """Values as vectors (N, p) whose variance means something: points on the circle for circular factors."""
    if factor.kind != "circular":
        return values[:, None]
    angle = _angle(factor, values)
    return np.stack([np.cos(angle), np.sin(angle)], 1)
