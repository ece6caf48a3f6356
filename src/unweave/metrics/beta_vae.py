"""The BetaVAE score."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unweave.core import Score
from unweave.metrics.arena import Arena
from unweave.metrics.experiment import Floats, Guess, Shown, Sizes
from unweave.metrics.grid import Encode, Grid
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, check_mode
from unweave.metrics.linear import fit_logistic
from unweave.metrics.sampled import experiment_score
from unweave.metrics.sources import Keys
from unweave.metrics.weights import Weights


def beta_vae(
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
) -> Score:
    """Accuracy of a linear guess which factor two observations share, from how far apart their codes are.

    For each point, a factor is drawn and `batch` pairs of observations that share its value (each pair its own);
    x = mean |z1 - z2| over the pairs, and logistic regression learns the factor from x (Higgins et al. 2017, section 3,
    as in disentanglement_lib: codes are means and not samples). From 1/K, the score of random codes, to 1. It saturates
    early: factors that are rotated into one another score 0.87, where every other score is below 0.4.

    Three forms: `beta_vae(codes, factors)` draws among the rows of a labelled set; `beta_vae(codes, grid=(3, 6, 8))`
    takes codes of all cells of a factor grid in C order; `beta_vae(encode, grid=(3, 6, 8))` has the cells encoded that
    are drawn, each once. A `Grid` in place of codes keeps what was encoded for the next score.

    Args:
        codes: codes (N, D), a function from cells (n, K) to codes (n, D), or a `Grid`.
        factors: labels (N, K); a factor is held among the rows that have it.
        grid: number of values of each factor.
        mode: "reference" is the definition of disentanglement_lib, where a labelled set stands for the population:
            units of the codes matter (C = 1 on raw differences). "robust" clips outliers, standardises codes and
            differences, never pairs a row with itself, tests on rows that were not learnt from (each half of the rows
            tests what the other taught), cuts continuous factors into classes, and leaves out constant factors and dead
            codes.
        bootstrap: 0 leaves the interval out; otherwise it comes from a jackknife over groups of rows. On a grid, which
            is no sample of rows, it is that of the points alone.
        nulls: permutations of the rows for the score of random codes, five at most; 0 leaves them out.
        seed: seed of everything drawn.
        train_rows: the first rows are learnt from and the rest tested on.
        weights: weight of the factors in the accuracy.
        batch: pairs per point.
        train_points: points that are learnt from.
        test_points: points that are tested on.

    Returns:
        The score; its matrix (D, K) is the mean difference of each code while a factor is held.
    """
    check_mode(mode)
    arena = Arena.of(codes, factors, grid, mode=mode, seed=seed, train_rows=train_rows, weights=weights)
    sizes = Sizes(batch, train_points, test_points)
    pairs = _Differences()
    return experiment_score("beta_vae", pairs, arena, sizes, mode=mode, bootstrap=bootstrap, nulls=nulls, seed=seed)


@dataclass(frozen=True)
class _Differences:
    """Points show mean absolute differences of pairs, (P, d)."""

    pairs: bool = True

    def settings(self, mode: Mode) -> dict[str, Any]:
        """See `Experiment`."""
        return {"classifier": "logistic regression, C = 1"}

    def published(self, codes: Floats, sample: Floats) -> tuple[Floats, Keys]:
        """See `Experiment`."""
        return codes, np.arange(codes.shape[1])

    def measure(self, *batches: Floats) -> Floats:
        """See `Experiment`."""
        first, second = batches
        return np.abs(first - second)

    def show(self, means: Floats) -> Shown:
        """See `Experiment`."""
        return means

    def learn(self, shown: Shown, factor: Keys, mode: Mode) -> Guess | None:
        """See `Experiment`."""
        if len(np.unique(factor)) < 2:
            return None
        if mode == "reference":
            return _published(shown, factor)
        centre, spread = shown.mean(axis=0), shown.std(axis=0)
        spread[spread == 0] = 1
        model = fit_logistic((shown - centre) / spread, factor, int(factor.max()) + 1)
        return lambda new: np.asarray(model((new - centre) / spread).argmax(axis=1))

    def summary(self, shown: Shown, factor: Keys, shape: tuple[int, int]) -> Floats:
        """See `Experiment`."""
        held = np.eye(shape[1])[factor]
        return np.asarray(shown.T @ held / np.maximum(held.sum(axis=0), 1))


def _published(shown: Shown, factor: Keys) -> Guess:
    """scikit-learn's defaults, which stop after 100 steps whether or not they have converged."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression().fit(shown, factor)
    return lambda new: np.asarray(model.predict(new))
