"""The FactorVAE score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unweave.core import Score
from unweave.metrics.arena import Arena
from unweave.metrics.experiment import Floats, Guess, Shown, Sizes
from unweave.metrics.grid import Encode, Grid
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, check_mode
from unweave.metrics.sampled import experiment_score
from unweave.metrics.sources import Keys
from unweave.metrics.weights import Weights


def factor_vae(
    codes: CodesLike | Encode | Grid,
    factors: FactorsLike | None = None,
    *,
    grid: Sequence[int] | None = None,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = 5,
    seed: int = 0,
    train_rows: int | None = None,
    weights: Weights = "equal",
    batch: int = 64,
    train_points: int = 10_000,
    test_points: int = 5_000,
    variance_points: int | None = None,
    threshold: float = 0.05,
) -> Score:
    """Accuracy of a majority vote which factor a batch shares, from the code that varies least in it.

    For each vote, a factor and one of its values are drawn, and `batch` observations with that value; the vote goes to
    the code with the smallest variance relative to its variance overall. Each code stands for the factor that has most
    of its votes (Kim and Mnih 2018, arXiv:1802.05983, section 3, as in disentanglement_lib). From 1/K, the score of
    random codes, to 1. It does not see whether a factor also lives in other codes. A copy of a code changes nothing.

    Takes a labelled set, a grid or an encoder of grid cells, as `beta_vae` does.

    Args:
        codes: codes (N, D), a function from cells (n, K) to codes (n, D), or a `Grid`.
        factors: labels (N, K); a factor is held among the rows that have it.
        grid: number of values of each factor.
        mode: "reference" is the definition of disentanglement_lib, where a labelled set stands for the population.
            "robust" clips outliers, takes variances of all rows, tests on rows that were not learnt from (each half of
            the rows tests what the other taught), cuts continuous factors into classes, and leaves out constant factors
            and dead codes, whatever their units.
        bootstrap: 0 leaves the interval out; otherwise it comes from a jackknife over groups of rows. On a grid, which
            is no sample of rows, it is that of the points alone.
        nulls: permutations of the rows for the score of random codes, five at most; 0 leaves them out.
        seed: seed of everything drawn.
        train_rows: the first rows are learnt from and the rest tested on.
        weights: weight of the factors in the accuracy.
        batch: observations per vote.
        train_points: votes that are learnt from.
        test_points: votes that are tested on.
        variance_points: observations that variances are taken of in reference mode: 10,000 in the publication. None
            takes all whose codes are known, which is what a large sample tends to; 10,000 add a spread of 0.01 to the
            score of rotated factors.
        threshold: standard deviation below which a code is left out, in reference mode. With 0, one dead code collapses
            the score: it has all votes.

    Returns:
        The score; its matrix (D, K) is the share of all votes that went to a code while a factor was held.
    """
    check_mode(mode)
    arena = Arena.of(codes, factors, grid, mode=mode, seed=seed, train_rows=train_rows, weights=weights)
    sizes = Sizes(batch, train_points, test_points, variance_points if mode == "reference" else None)
    votes = _Votes(threshold)
    return experiment_score("factor_vae", votes, arena, sizes, mode=mode, bootstrap=bootstrap, nulls=nulls, seed=seed)


@dataclass(frozen=True)
class _Votes:
    """Points show the code that varies least, (P,); -1 where there is none."""

    threshold: float
    pairs: bool = False

    def settings(self, mode: Mode) -> dict[str, Any]:
        """See `Experiment`."""
        return {"threshold": self.threshold} if mode == "reference" else {}

    def published(self, codes: Floats, sample: Floats) -> tuple[Floats, Keys]:
        """See `Experiment`."""
        spread = sample.std(axis=0, ddof=1)
        active = np.flatnonzero(spread >= self.threshold)
        with np.errstate(divide="ignore", invalid="ignore"):
            return codes[:, active] / spread[active], active

    def measure(self, *batches: Floats) -> Floats:
        """See `Experiment`."""
        (codes,) = batches
        with np.errstate(invalid="ignore"):
            moved = codes - codes[:, :1]  # Relative to the first row, equal values have a variance of exactly 0.
            return np.concatenate([moved, moved**2], axis=2)

    def show(self, means: Floats) -> Shown:
        """See `Experiment`."""
        mean, square = np.split(means, 2, axis=1)
        if mean.shape[1] == 0:
            return np.full(len(means), -1)
        # A dead code is NaN here, which `argmin` picks, as in the published score.
        return np.asarray((square - mean**2).argmin(axis=1))

    def learn(self, shown: Shown, factor: Keys, mode: Mode) -> Guess | None:
        """See `Experiment`."""
        codes, factors = int(shown.max()) + 1, int(factor.max()) + 1
        winner = self.summary(shown, factor, (codes, factors)).argmax(axis=1) if codes else np.zeros(0, dtype=np.int64)
        # A code without votes stands for the first factor; without any active code every answer is wrong.
        return lambda new: np.where(new < 0, -1, np.append(winner, 0)[np.minimum(new, codes)])

    def summary(self, shown: Shown, factor: Keys, shape: tuple[int, int]) -> Floats:
        """See `Experiment`."""
        cast = shown >= 0
        votes = np.bincount(shown[cast] * shape[1] + factor[cast], minlength=shape[0] * shape[1])
        return votes.reshape(shape) / len(shown)
