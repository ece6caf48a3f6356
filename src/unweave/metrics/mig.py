"""Mutual information gap."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core import Score
from unweave.core.seeds import generator
from unweave.metrics.binning import FACTOR_BINS, REFERENCE_BINS, ROBUST_BINS
from unweave.metrics.information import Floats
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, Problem, as_problem, check_mode
from unweave.metrics.pairs import PairTable, bootstrap_shares
from unweave.metrics.resampling import interval, null_range
from unweave.metrics.stamps import make_stamp, no_classes

CANDIDATES = 4
"""Codes per factor that may become the first two in a bootstrap sample."""

TAIL = 0.01
"""Tail of the interval's quantiles. Bins stay fixed while rows are resampled, which leaves some spread out: over eight
simulated cases (clear, faint, rotated and tied codes, noise, unbalanced and 40 classes) of 3,000 rows, intervals cover
85 to 99 % with 0.025 and 91 to 99 % with 0.01. So they do with 1,000 rows (89 to 99 %), but for 40 classes: tables that
sparse give an estimate that is 0.03 too low, which no resampling shows."""


def mig(
    codes: CodesLike,
    factors: FactorsLike,
    *,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = 20,
    seed: int = 0,
) -> Score:
    """How much more the best code says about a factor than the second best, as a share of the factor's entropy.

    MIG = mean over factors of (I_1 - I_2) / H (Chen et al. 2018, arXiv:1802.04942, eq. 6). In [0, 1]; random codes give
    about 0, one code per factor gives 1. A factor that lives in two codes (sine and cosine of an angle, a copy) gives
    about 0, however well it is captured; a code that serves two factors is not punished.

    Args:
        codes: codes (N, D).
        factors: labels (N, K).
        mode: "reference" is the definition of disentanglement_lib: 20 bins of equal width, plug-in information.
            "robust" takes bins of equal frequency and information adjusted for chance, and leaves out constant factors
            and dead codes.
        bootstrap: samples for the interval; 0 leaves it out.
        nulls: permutations of the rows for the score of random codes; 0 leaves it out.
        seed: seed of both.

    Returns:
        The score; its matrix is the mutual information (D, K) in nats.
    """
    check_mode(mode)
    problem = as_problem(codes, factors)
    table = PairTable.of(problem, mode)
    live, used, reason = _usable(problem, table)
    stamp = make_stamp("mig", mode, problem, _settings(mode, bootstrap, nulls, seed))
    details: dict[str, Any] = {
        "matrix": table.nats,
        "dropped_codes": tuple(np.flatnonzero(~live).tolist()),
        "dropped_factors": tuple(name for name, use in zip(problem.factors.names, used, strict=True) if not use),
    }
    if reason is not None:
        return Score("mig", None, stamp, reason=reason, **details)
    value = float(gap(_known(table, live)[:, used]))
    if bootstrap:
        first = np.argsort(-_known(table, live), axis=0, kind="stable")[:CANDIDATES]
        shares = bootstrap_shares(table, first, bootstrap, generator(seed, "mig", "bootstrap"))
        shares = np.where(live[first], shares, 0.0)
        details["interval"] = interval(value, gap(shares[:, :, used]), 0, 1, tail=TAIL)
    if nulls:
        random = generator(seed, "mig", "null")
        draws = [gap(_known(table.shuffled(random), live)[:, used]) for _ in range(nulls)]
        details["null"], details["null_interval"] = null_range(np.array(draws), 0, 1)
    return Score("mig", value, stamp, **details)


def _known(table: PairTable, live: NDArray[np.bool_]) -> Floats:
    """Shares (D, K), 0 for a dead code: it stays a rival of the best one, and knows nothing."""
    return np.asarray(np.where(live[:, None], table.share, 0.0))


def gap(share: Floats) -> Floats:
    """Mean over factors of the gap between the two largest shares: (...) of (..., D, K)."""
    top = np.sort(share, axis=-2)
    return np.asarray((top[..., -1, :] - top[..., -2, :]).mean(axis=-1))


def _settings(mode: Mode, bootstrap: int, nulls: int, seed: int) -> dict[str, Any]:
    if mode == "reference":
        measured: dict[str, Any] = {"bins": REFERENCE_BINS, "edges": "equal width", "information": "plug-in"}
    else:
        measured = {
            "bins": ROBUST_BINS,
            "edges": "equal frequency",
            "factor_bins": FACTOR_BINS,
            "information": "Grassberger, adjusted for chance",
        }
    return measured | {"bootstrap": bootstrap, "nulls": nulls, "seed": seed}


def _usable(problem: Problem, table: PairTable) -> tuple[NDArray[np.bool_], NDArray[np.bool_], str | None]:
    """Which codes (D,) and factors (K,) count, and why there is no score, if there is none."""
    robust = table.mode == "robust"
    live = ~problem.dead if robust else np.ones(len(table.raw), dtype=bool)
    used = table.entropy > 0
    if robust:
        used &= (table.entropy - table.chance[live].max(axis=0, initial=0)) > 1e-9
    names = [name for name, use in zip(problem.factors.names, used, strict=True) if not use]
    if len(live) < 2:
        return live, used, "MIG compares two codes, and there is only one."
    if not robust and names:
        return live, used, no_classes(names[0])
    if len(names) == len(used):
        return live, used, "no factor can be scored: each is constant, has no labels, or has too few rows."
    return live, used, None
