"""Candidate factors without labels: directions of a code, each with its stability."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.codes import Codes
from unweave.core.errors import ConfigError, DataError
from unweave.core.seeds import derive, generator
from unweave.metrics.inputs import unlabelled
from unweave.signatures.axes import (
    Axes,
    Decoder,
    Floats,
    How,
    cluster_count,
    clustered,
    independent,
    principal,
    pulled_back,
    readings,
    visible,
)
from unweave.signatures.candidate_directions import ALIKE, Candidate, Discovery
from unweave.signatures.density import Density
from unweave.signatures.stability import Stability, chance, stability

LEAST_ROWS = 50
"""Rows below which nothing is looked for."""

POINTS = 32
"""Rows at which the decoder's Jacobian is taken."""

_CHANGES = 3

_ENOUGH = 0.99
"""Share that principal components, and directions of the Jacobian, explain together."""


def discover(
    codes: Codes,
    *,
    model: str,
    decode: Decoder | None = None,
    methods: Sequence[How] | None = None,
    top: int = 10,
    clusters: int | None = None,
    bootstraps: int = 20,
    seed: int = 0,
    provenance: Mapping[str, Any] | None = None,
) -> Discovery:
    """Look for directions in codes, by each method, and for how stable they are.

    Columns that are not in use are left out, and those of categorical codes: they are classes already, and a straight
    line leaves their simplex. Without clusters there are no directions between them.

    Args:
        codes: of rows of the data, (N, D).
        model: hash of the model that they are of.
        decode: of the model; without it there is no Jacobian.
        methods: which; all that are possible otherwise, in the order of `How`.
        top: directions of each method at most, those that explain most; of PCA and the Jacobian no more than it takes
            for 99 %.
        clusters: how many; None takes what `cluster_count` finds.
        bootstraps: refits behind each stability, at least 2.
        seed: of everything drawn.
        provenance: kept with the result.

    Raises:
        ConfigError: the Jacobian is asked for without a decoder, or a number is out of range.
        DataError: there are too few rows, or the codes do not vary.
    """
    values, kept = _checked(codes, clusters, bootstraps)
    if methods is not None and "jacobian" in methods and decode is None:
        raise ConfigError("the model has no decoder, so it has no Jacobian. Leave `jacobian` out.")
    chosen = methods or ("ica", "pca", *(("jacobian",) if decode is not None else ()), "clusters")
    centre = typical_code(codes.mean.astype(np.float64))
    search = _Search(values, kept, centre, decode, top, clusters, bootstraps, seed)
    candidates: list[Candidate] = []
    directions: list[Floats] = []
    for how in dict.fromkeys(chosen):
        if how == "clusters" and search.clusters is None:
            continue
        axes, found, level = search.run(how)
        for place in range(len(axes)):
            interval = float(found.low[place]), float(found.high[place])
            measured = float(axes.shares[place]), float(axes.steps[place]), float(found.value[place])
            candidates.append(Candidate(len(candidates), how, *measured, interval, level))
        directions.append(axes.directions)
    if not candidates:
        raise DataError("the codes have no clusters that stand apart from each other. --clusters forces some.")
    whole = np.zeros((len(candidates), codes.mean.shape[1]))
    whole[:, kept] = np.concatenate(directions)
    readers = np.zeros_like(whole)
    steps = np.array([[candidate.step] for candidate in candidates])
    readers[:, kept] = readings(steps * whole[:, kept], search.covariance)
    density = Density.of(codes.mean)
    draft = Discovery(model, centre, whole, readers, density, _alike(candidates, whole), provenance or {})
    return draft if decode is None else _with_changes(draft, decode)


def typical_code(codes: Floats) -> Floats:
    """The code of the row that is nearest to the median, in standard deviations: strips start there."""
    spread = codes.std(axis=0)
    away = (codes - np.median(codes, axis=0)) / np.where(spread > 0, spread, 1)
    return np.asarray(codes[(away**2).sum(axis=1).argmin()])


class _Search:
    """One search: the same codes for all methods."""

    def __init__(
        self,
        values: Floats,
        kept: NDArray[np.int64],
        centre: Floats,
        decode: Decoder | None,
        top: int,
        clusters: int | None,
        bootstraps: int,
        seed: int,
    ) -> None:
        self.values, self.kept, self.centre, self.decode = values, kept, centre, decode
        self.top, self.bootstraps, self.seed = top, bootstraps, seed
        self.clusters = clusters or cluster_count(values, seed=derive(seed, "clusters"))
        self.covariance = np.atleast_2d(np.cov(values, rowvar=False, bias=True))

    def run(self, how: How) -> tuple[Axes, Stability, float]:
        """Directions of one method, their stability and that of directions that mean nothing."""
        find, rows = self._finder(how)
        axes = find(np.arange(rows), derive(self.seed, how))
        if how in ("pca", "jacobian"):  # what comes last of an orthogonal set may be next to nothing
            axes = axes.first(int(np.searchsorted(np.cumsum(axes.shares), _ENOUGH)) + 1)
        found = stability(
            axes.directions,
            lambda chosen, seed: find(chosen, seed).directions,
            rows,
            bootstraps=self.bootstraps,
            seed=derive(self.seed, how, "stability"),
        )
        return axes, found, chance(self.covariance, len(axes), seed=self.seed)

    def _finder(self, how: How) -> tuple[Callable[[NDArray[np.int64], int], Axes], int]:
        """From rows and a seed to directions, and how many rows there are to draw from."""
        values, top = self.values, self.top
        if how == "pca":
            return lambda rows, _: principal(values[rows], top=top), len(values)
        if how == "ica":
            return lambda rows, seed: independent(values[rows], top=top, seed=seed), len(values)
        if how == "clusters":
            count = self.clusters
            assert count is not None
            return lambda rows, seed: clustered(values[rows], count=count, seed=seed), len(values)
        metrics = self._metrics()
        return lambda rows, _: visible(metrics[rows], self.covariance, top=top), len(metrics)

    def _metrics(self) -> Floats:
        assert self.decode is not None
        decode = self.decode
        rows = generator(self.seed, "jacobian", "rows").permutation(len(self.values))[:POINTS]

        def decode_kept(part: NDArray[np.float32]) -> NDArray[np.float32]:
            """Other columns, those of classes, stay as they are in the typical row."""
            full = np.tile(self.centre, (len(part), 1)).astype(np.float32)
            full[:, self.kept] = part
            return decode(full)

        return pulled_back(decode_kept, self.values[rows], self.values.std(axis=0))


def _checked(codes: Codes, clusters: int | None, bootstraps: int) -> tuple[Floats, NDArray[np.int64]]:
    """Codes (N, d) of the columns that are in use and no classes, and which these are."""
    if len(codes) < LEAST_ROWS:
        raise DataError(f"there are {len(codes)} rows; directions are looked for in {LEAST_ROWS} or more.")
    if clusters is not None and not 2 <= clusters <= len(codes) // 10:
        raise ConfigError(f"clusters: expected 2 to {len(codes) // 10} for {len(codes)} rows, got {clusters}.")
    if bootstraps < 2:
        raise ConfigError(f"bootstraps: expected at least 2, got {bootstraps}.")
    values = codes.mean.astype(np.float64)
    classes = {column for block in codes.categorical for column in block}
    dead = unlabelled(codes).dead
    kept = np.flatnonzero([not dead[d] and d not in classes for d in range(len(dead))])
    if not len(kept):
        raise DataError("no dimension of the codes is in use: there is no direction to find in them.")
    return values[:, kept], kept


def _alike(candidates: Sequence[Candidate], directions: Floats) -> tuple[Candidate, ...]:
    """Each with the numbers of those of other methods that point the same way."""
    same = np.abs(directions @ directions.T) >= ALIKE
    apart = np.array([[a.how != b.how for b in candidates] for a in candidates])
    return tuple(
        replace(one, like=tuple(np.flatnonzero(row).tolist()))
        for one, row in zip(candidates, same & apart, strict=True)
    )


def _with_changes(found: Discovery, decode: Decoder) -> Discovery:
    """For vectors, the components that change most from one end of a path to the other."""
    ends = [found.path(c.number, frames=2) for c in found.candidates]
    decoded = decode(np.concatenate(ends)).astype(np.float64)
    if decoded.ndim != 2:
        return found
    moved = decoded[1::2] - decoded[::2]
    changed = []
    for candidate, change in zip(found.candidates, moved, strict=True):
        largest = np.argsort(-np.abs(change))[:_CHANGES]
        changed.append(replace(candidate, changes=tuple((int(k), float(change[k])) for k in largest)))
    return replace(found, candidates=tuple(changed))
