"""Scores that are formulas of what codes say about factors, with interval, null and reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from unweave.core import Score, Scorecard, Stamp
from unweave.core.seeds import generator
from unweave.metrics.binning import FACTOR_BINS, REFERENCE_BINS, ROBUST_BINS
from unweave.metrics.inputs import Mode, Problem
from unweave.metrics.pairs import PairTable
from unweave.metrics.partition import CELLS
from unweave.metrics.resampling import null_range, spread_interval
from unweave.metrics.shares import Floats, Shares
from unweave.metrics.stamps import make_stamp, no_classes
from unweave.metrics.weights import Groups, Weights, code_groups, factor_weights

WIDTH = 2.3
"""Standard deviations on either side in an interval, for 1.96 of a normal distribution: bins stay as they are while
rows are resampled, which leaves some spread out. Intervals cover 92 to 99 % on simulated codes of 800 to 5,000 rows
(benchmarks/interval_coverage.py)."""

UNDEFINED = 'the published definition divides 0 by 0: a code or a factor holds no information. Use mode="robust".'
"""The reason where a formula has no value."""


class Table(Protocol):
    """What codes say about factors: by bins (`PairTable`), by neighbours, or under the encoder's noise."""

    @property
    def shares(self) -> Shares:
        """The table itself, (D, K)."""

    def resampled(self, draws: int, random: np.random.Generator) -> Shares:
        """The table in bootstrap samples of the rows, (draws, D, K)."""

    def shuffled(self, random: np.random.Generator) -> Self:
        """The table of random codes."""


@dataclass(frozen=True)
class Definition:
    """One score.

    Attributes:
        name: of the score.
        formula: from the codes and factors that take part, and the weights (K,) of the factors, to scores (...).
        matrix: the array behind it, of the whole table.
        low, high: its range; values beyond it are clipped, but for the middle of the interval.
        codes, factors: how many it compares at least.
        rivals: whether a dead code takes part, as a rival that knows nothing.
        second: variance of the score of random codes, of those that take part; None where the score is no sum of what
            they say.
    """

    name: str
    formula: Callable[[Shares, Floats], Floats]
    matrix: Callable[[Shares], Floats]
    low: float = 0.0
    high: float = 1.0
    codes: int = 1
    factors: int = 1
    rivals: bool = False
    second: Callable[[Shares], float] | None = None

    def clip(self, value: float) -> float:
        """A value within the score's range."""
        return float(np.clip(value, self.low, self.high))


@dataclass(frozen=True)
class Parts:
    """What takes part in scores, and why there are none, if there are none.

    Attributes:
        codes: rows of the table that count, bool (G,).
        factors: columns that count, bool (K,).
        weights: of all factors, (K,).
        dropped_codes: columns of codes that are left out.
        dropped_factors: names of factors that are left out.
        reason: why nothing can be scored, or None.
        silent: whether the codes that do not count are known to say nothing (dead ones, in robust mode). Then codes all
            of which are dead have scores too: those of codes that say nothing.
    """

    codes: NDArray[np.bool_]
    factors: NDArray[np.bool_]
    weights: Floats
    dropped_codes: tuple[int, ...]
    dropped_factors: tuple[str, ...]
    reason: str | None
    silent: bool = False

    def scores(self, wanted: Definition, shares: Shares) -> Floats:
        """One score of a table, or of the samples in it: those values that are defined, (n,)."""
        chosen = self._chosen(wanted, shares)
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.atleast_1d(wanted.formula(chosen, self.weights[self.factors]))
        return np.asarray(values[np.isfinite(values)])

    def second(self, wanted: Definition, shares: Shares) -> float:
        """Variance of the second order of a score, 0 where its definition has none."""
        return wanted.second(self._chosen(wanted, shares)) if wanted.second is not None else 0.0

    def missing(self, wanted: Definition) -> str | None:
        """Why a score cannot be given, or None."""
        live, used = np.count_nonzero(self.codes), np.count_nonzero(self.factors)
        what = wanted.name.partition(".")[0].replace("_", " ")
        if self._all_count(wanted):
            if len(self.codes) < wanted.codes:
                return f"{what} compares two codes, and there is only one."
        elif live < wanted.codes:
            return f"{what} compares two codes, and {live} of {len(self.codes)} vary." if live else "no code varies."
        if self.reason is None and used < wanted.factors:
            return f"{what} compares two factors, and only one can be scored."
        return self.reason

    def _chosen(self, wanted: Definition, shares: Shares) -> Shares:
        """The codes and factors that take part in a score."""
        if self._all_count(wanted):
            return shares.silence(~self.codes).select(np.ones(len(self.codes), dtype=bool), self.factors)
        return shares.select(self.codes, self.factors)

    def _all_count(self, wanted: Definition) -> bool:
        return self.silent and (wanted.rivals or not self.codes.any())


def score_table(
    definitions: Sequence[Definition], table: Table, parts: Parts, stamp: Stamp, bootstrap: int, nulls: int, seed: int
) -> Scorecard:
    """The scores of a table, by name; they share bootstrap samples and permutations."""
    reasons = [parts.missing(wanted) for wanted in definitions]
    shares, possible = table.shares, not all(reasons)
    random = generator(seed, stamp.definition, "null")
    samples = (
        [table.resampled(bootstrap, generator(seed, stamp.definition, "bootstrap"))] if possible and bootstrap else []
    )
    others = [table.shuffled(random).shares for _ in range(nulls if possible else 0)]
    found = {}
    for wanted, reason in zip(definitions, reasons, strict=True):
        details: dict[str, Any] = {
            "matrix": wanted.matrix(shares),
            "dropped_codes": parts.dropped_codes,
            "dropped_factors": parts.dropped_factors,
        }
        value = parts.scores(wanted, shares) if reason is None else np.zeros(0)
        if len(value) == 0:
            found[wanted.name] = Score(wanted.name, None, stamp, reason=reason or UNDEFINED, **details)
            continue
        draws, null = (
            np.concatenate([np.zeros(0), *(parts.scores(wanted, t) for t in ts)]) for ts in (samples, others)
        )
        if len(draws):
            ends = float(value[0]), draws, wanted.low, wanted.high
            details["interval"] = spread_interval(*ends, width=WIDTH, second=parts.second(wanted, shares))
        if len(null):
            clipped = np.clip(null, wanted.low, wanted.high)
            details["null"], details["null_interval"] = null_range(clipped, wanted.low, wanted.high)
        found[wanted.name] = Score(wanted.name, wanted.clip(value[0]), stamp, **details)
    return Scorecard(found)


def score_pairs(
    family: str,
    definitions: Sequence[Definition],
    problem: Problem,
    mode: Mode,
    *,
    bootstrap: int,
    nulls: int,
    seed: int,
    weights: Weights = "equal",
    groups: Groups | None = None,
    constants: bool = False,
    drop_dead: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> Scorecard:
    """The scores of a family from the binned table of a problem.

    Args:
        family: name of the definition, for the stamp.
        definitions: the scores.
        problem: codes and labels.
        mode: which bins and which estimate.
        bootstrap, nulls, seed: as in every metric.
        weights: of factors.
        groups: columns of codes that count as one.
        constants: whether the published definition has a value for constant factors.
        drop_dead: whether it leaves out dead codes, as robust mode always does.
        settings: what else moves the numbers.
    """
    members = code_groups(groups, problem.codes.shape[1])
    table = PairTable.of(problem, mode, members)
    wanted = factor_weights(problem.factors, weights)
    parts = pair_parts(problem, table, members, wanted, constants=constants, drop_dead=drop_dead)
    protocol = pair_settings(mode) | {
        "bootstrap": bootstrap,
        "nulls": nulls,
        "seed": seed,
        "weights": wanted.tolist(),
        "groups": [list(group) for group in members if len(group) > 1],
        **({"joint_bins": CELLS} if groups else {}),
        **(settings or {}),
    }
    stamp = make_stamp(family, mode, problem, protocol)
    return score_table(definitions, table, parts, stamp, bootstrap, nulls, seed)


def pair_settings(mode: Mode) -> dict[str, Any]:
    """How a binned table is measured, for the stamp."""
    if mode == "reference":
        return {"bins": REFERENCE_BINS, "edges": "equal width", "information": "plug-in"}
    return {
        "bins": ROBUST_BINS,
        "edges": "equal frequency",
        "factor_bins": FACTOR_BINS,
        "information": "Grassberger, adjusted for chance",
    }


def pair_parts(
    problem: Problem,
    table: PairTable,
    members: Sequence[tuple[int, ...]],
    weights: Floats,
    *,
    constants: bool = False,
    drop_dead: bool = False,
) -> Parts:
    """What of a binned table takes part; in robust mode all that varies and can be known."""
    robust, names = table.mode == "robust", problem.factors.names
    dead = problem.dead if robust or drop_dead else np.zeros(problem.codes.shape[1], dtype=bool)
    live = np.array([not dead[list(group)].all() for group in members])
    used = table.entropy > 0
    if robust:
        used &= (table.entropy - table.chance[live].max(axis=0, initial=0)) > 1e-9
    elif constants:
        used[[k for block in table.blocks for k in block.factors]] = True
    dropped = tuple(name for name, use in zip(names, used, strict=True) if not use)
    reason = None
    if not robust and dropped:
        reason = no_classes(dropped[0])
    elif not used.any():
        reason = "no factor can be scored: each is constant, has no labels, or has too few rows."
    elif weights[used].sum() == 0:
        reason = "the factors that can be scored all have weight 0."
    return Parts(live, used, weights, tuple(np.flatnonzero(dead).tolist()), dropped, reason, silent=robust)
