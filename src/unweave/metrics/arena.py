"""What an experiment is run on: the rows of a labelled set, or the cells of a grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unweave.core import ConfigError, Factor, FactorTable
from unweave.core.seeds import generator
from unweave.metrics.binning import FACTOR_BINS, classes
from unweave.metrics.grid import Encode, Grid, GridSource
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, Problem, as_problem
from unweave.metrics.sources import Keys, RowSource, Source
from unweave.metrics.splitting import train_test
from unweave.metrics.weights import Weights, factor_weights

Resolve = Callable[[Sequence[Keys]], tuple[Problem, list[Keys]]]


@dataclass(frozen=True)
class Arena:
    """Sources of observations.

    Attributes:
        folds: sources to learn from and to test on; where there are two folds, each tests what the other taught.
        resolve: from arrays of observations to codes without labels, and the rows of the observations in them.
        factors: the K factors; labels only where there are rows.
        used: columns of the factors that are held.
        weights: weight of each factor that is held.
        settings: how observations are drawn, for the stamp.
        reason: why nothing can be scored, or None.
    """

    folds: Sequence[tuple[Source, Source]]
    resolve: Resolve
    factors: FactorTable
    used: tuple[int, ...]
    weights: NDArray[np.float64]
    settings: Mapping[str, Any]
    reason: str | None

    @classmethod
    def of(
        cls,
        codes: CodesLike | Encode | Grid,
        factors: FactorsLike | None,
        grid: Sequence[int] | None,
        *,
        mode: Mode,
        seed: int,
        train_rows: int | None,
        weights: Weights,
    ) -> Self:
        """The arena of what a user passes: codes and factors, or a grid.

        Raises:
            ConfigError: neither or both of factors and grid are given, or the cells of a grid are to be split.
        """
        if isinstance(codes, Grid) or grid is not None:
            if factors is not None or train_rows is not None or (isinstance(codes, Grid) and grid is not None):
                raise ConfigError(
                    "grid: cells name their factors and are not split; pass no factors and no train_rows."
                )
            whole = codes if isinstance(codes, Grid) else Grid(codes, () if grid is None else grid)
            return cls._of_grid(whole, mode, weights)
        if factors is None or callable(codes):
            raise ConfigError("factors: expected labels of the rows, or grid=(3, 6, …) for codes of a factor grid.")
        return cls._of_rows(as_problem(codes, factors), mode, seed, train_rows, weights)

    @classmethod
    def _of_grid(cls, grid: Grid, mode: Mode, weights: Weights) -> Self:
        none = np.zeros((0, len(grid.names)))
        factors = tuple(Factor(name=name, kind="ordinal") for name in grid.names)
        table = FactorTable(factors, none, none.astype(bool))
        used = tuple(k for k in range(len(factors)) if mode == "reference" or grid.sizes[k] > 1)
        chosen = factor_weights(table, weights)[list(used)]
        source = GridSource(grid, used)
        settings = {"observations": "grid", "grid": list(grid.sizes)}
        return cls([(source, source)], grid.resolve, table, used, chosen, settings, _reason(len(used), chosen))

    @classmethod
    def _of_rows(cls, problem: Problem, mode: Mode, seed: int, train_rows: int | None, weights: Weights) -> Self:
        columns = [_labels(problem, k, mode) for k in range(len(problem.factors.factors))]
        labels = np.stack(columns) if columns else np.zeros((0, len(problem.codes)), dtype=np.int64)
        parts, split = _parts(len(problem.codes), mode, seed, train_rows)
        sources = [RowSource(part, labels[:, part], mode == "robust") for part in parts]
        classes_of = np.array([[rows.count for rows in s.classes] for s in sources])
        used = tuple(np.flatnonzero((classes_of >= 2).all(axis=0) | (mode == "reference")).tolist())
        chosen = factor_weights(problem.factors, weights)[list(used)]
        reason = _reason(len(used), chosen)
        lost = np.flatnonzero((classes_of == 0).any(axis=0))
        if mode == "reference" and len(lost):
            name = problem.factors.names[lost[0]]
            reason = f"factor {name!r} has no classes among the rows, which the published definition needs."
        sources = [s.select(used) for s in sources]
        folds = [(sources[0], sources[-1])] + ([(sources[1], sources[0])] if split == "two halves, crossed" else [])
        settings = {"observations": "labelled rows", "split": split, "train_rows": train_rows}
        settings |= {"factor_bins": FACTOR_BINS} if mode == "robust" else {}

        def resolve(keys: Sequence[Keys]) -> tuple[Problem, list[Keys]]:
            return problem, list(keys)

        return cls(folds, resolve, problem.factors, used, chosen, settings, reason)

    @property
    def sampled(self) -> bool:
        """Whether the observations are a sample of a population, rather than all of it."""
        return bool(self.settings["observations"] != "grid")

    @property
    def dropped(self) -> tuple[str, ...]:
        """Names of factors that are never held."""
        return tuple(name for k, name in enumerate(self.factors.names) if k not in self.used)


def _parts(rows: int, mode: Mode, seed: int, train_rows: int | None) -> tuple[list[Keys], str]:
    """Rows to learn from and to test on, and the rule in words."""
    if train_rows is not None:
        return list(train_test(rows, train_rows, None, generator(seed, "rows"))), "first rows"
    if mode == "reference":
        return [np.arange(rows)], "none"
    order = generator(seed, "experiment", "halves").permutation(rows)
    return [np.sort(order[: (rows + 1) // 2]), np.sort(order[(rows + 1) // 2 :])], "two halves, crossed"


def _labels(problem: Problem, column: int, mode: Mode) -> NDArray[np.int64]:
    """Classes of one factor, -1 where the label is missing or the factor has no classes in this mode."""
    labels, known = np.full(len(problem.codes), -1), problem.factors.known[:, column]
    found = classes(problem.factors.factors[column], problem.factors.values[known, column], mode)
    labels[known] = -1 if found is None else found
    return labels


def _reason(used: int, weights: NDArray[np.float64]) -> str | None:
    """Why nothing can be scored, or None."""
    if used == 0:
        return "no factor can be held: each is constant, has no labels, or has too few rows."
    if used < 2:
        return "the score tells factors apart, and only one of them varies."
    return "the weights of all factors that can be held are 0." if weights.sum() == 0 else None
