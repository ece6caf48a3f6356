"""Gradient-boosted trees: scikit-learn's results on few columns and many classes, in a fraction of the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError, DataError, ShapeError
from unweave.core.seeds import generator
from unweave.metrics._columns import presort
from unweave.metrics._tree_memory import Floats, Trees, workspace

MAX_DEPTH = 10
"""Trees are stored complete, so their memory doubles with each level."""


@dataclass(frozen=True)
class BoostedTrees:
    """A fitted classifier.

    Attributes:
        importances: share of each column in the decrease of squared error, float64 (D,); they sum to 1, or are all 0
            when no tree has a split.
        present: the C classes that occur, int64 (C,), ascending.
        prior: scores before the first tree, float64 (C,); (1,), the log-odds of the second class, for two classes.
        trees: the trees; no stages when there is one class only.
        learning_rate: what the trees' values are multiplied by.
        fitted: the class that each row learnt from is predicted to have, int64 (N,).
    """

    importances: Floats
    present: NDArray[np.int64]
    prior: Floats
    trees: Trees
    learning_rate: float
    fitted: NDArray[np.int64]

    def predict(self, codes: Floats) -> NDArray[np.int64]:
        """The class with the highest score, int64 (N,), of codes (N, D).

        Raises:
            ShapeError: another number of columns than in the fit.
            DataError: a code that is not finite in float32.
        """
        return np.asarray(self.predict_after(codes, [len(self.trees.threshold)])[0])

    def predict_after(self, codes: Floats, stages: Sequence[int]) -> NDArray[np.int64]:
        """What the first trees alone predict: int64 (M, N) after each of M ascending numbers of stages.

        Raises:
            ShapeError: another number of columns than in the fit.
            DataError: a code that is not finite in float32.
        """
        from unweave.metrics._trees import add_scores  # Numba takes half a second to import

        values = np.ascontiguousarray(_as_float32(codes).T)
        if len(values) != len(self.importances):
            raise ShapeError("codes", want=f"(rows, {len(self.importances)})", got=codes.shape)
        scores = np.repeat(self.prior[:, None], values.shape[1], axis=1)
        told = np.empty((len(stages), len(codes)), dtype=np.int64)
        for row, (first, last) in enumerate(pairwise([0, *stages])):
            column, threshold, value = self.trees
            part = Trees(column[first:last], threshold[first:last], value[first:last])
            add_scores(values, part, self.learning_rate, scores)
            told[row] = _winners(scores, self.present)
        return told


def fit_boosted_trees(
    codes: Floats,
    classes: NDArray[np.int64],
    *,
    n_classes: int,
    trees: int = 100,
    depth: int = 3,
    learning_rate: float = 0.1,
    seed: int = 0,
) -> BoostedTrees:
    """Fit what scikit-learn 1.9 calls `GradientBoostingClassifier()`: the learner of the DCI scores.

    Friedman (2001, doi:10.1214/aos/1013203451), algorithm 6, with exact splits: log-loss, one regression tree per class
    and stage (one per stage for two classes), prior log-probabilities to start from. As there, codes are compared in
    float32, values at most 1e-7 apart are never separated, and one of several equally good splits is drawn at random.
    Results equal scikit-learn's up to rounding, unless rounding or a draw decides between splits.

    Args:
        codes: finite codes (N, D).
        classes: integers (N,) in 0..n_classes-1. A class that does not occur gets no score and is never predicted; with
            one class alone the importances are 0.
        n_classes: number of classes.
        trees: stages.
        depth: levels of each tree, 1 to 10.
        learning_rate: factor of each stage.
        seed: seed of the draws between equally good splits.

    Raises:
        ShapeError: `codes` or `classes` has another shape.
        DataError: no rows, a code that is not finite in float32, or a class out of range.
        ConfigError: a number of trees, a depth or a learning rate that cannot be used.
    """
    from unweave.metrics._trees import fit_stages  # Numba takes half a second to import

    _check_settings(trees, depth, learning_rate)
    _check_classes(classes, len(codes), n_classes)
    columns = presort(_as_float32(codes))
    present, labels, counts = np.unique(classes, return_inverse=True, return_counts=True)
    prior = _prior(counts / len(classes))
    scores = np.repeat(prior[:, None], len(classes), axis=1)
    stages = trees if len(present) > 1 else 0
    shape, inner = (stages, len(scores)), 2**depth - 1
    grown = Trees(np.zeros((*shape, inner), dtype=np.int64), np.zeros((*shape, inner)), np.zeros((*shape, inner + 1)))
    luck = generator(seed, "boosted trees").random((*grown.threshold.shape, 2))
    gains = np.zeros(len(columns.values))
    work = workspace(columns, depth)
    fit_stages(columns, labels, scores, work, grown, luck, learning_rate, gains)
    importances = gains / gains.sum() if gains.sum() > 0 else gains
    return BoostedTrees(importances, present, prior, grown, learning_rate, _winners(scores, present))


def _winners(scores: Floats, present: NDArray[np.int64]) -> NDArray[np.int64]:
    """Classes (N,) with the highest of scores (C, N); one row of scores is the log-odds of the second of two."""
    if len(scores) < len(present):
        return np.asarray(present[(scores[0] >= 0).astype(np.int64)])
    return np.asarray(present[scores.argmax(axis=0)])


def _prior(shares: Floats) -> Floats:
    """Scores of the class frequencies (C,): centred logarithms, or the log-odds of the second of two classes."""
    if len(shares) == 2:
        return np.log(shares[1:] / shares[:1])
    return np.asarray(np.log(shares) - np.log(shares).mean())


def _as_float32(codes: Floats) -> NDArray[np.float32]:
    """The codes as the trees compare them."""
    if codes.ndim != 2 or codes.shape[1] == 0:
        raise ShapeError("codes", want="(rows, codes)", got=codes.shape, hint="One code alone is codes[:, None].")
    with np.errstate(over="ignore"):
        values = codes.astype(np.float32)
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        raise DataError(
            f"codes: {codes[row, column]} in row {row}, column {column} is not finite in float32, in which trees "
            "compare codes. Leave the row out, or standardise the codes."
        )
    return values


def _check_classes(classes: NDArray[np.int64], rows: int, n_classes: int) -> None:
    """Refuse labels that do not fit the codes."""
    if classes.shape != (rows,):
        raise ShapeError("classes", want=f"({rows},)", got=classes.shape, hint="One class per row of the codes.")
    if rows == 0:
        raise DataError("codes: there are no rows to learn from.")
    if classes.min() < 0 or classes.max() >= n_classes:
        raise DataError(
            f"classes: expected integers from 0 to {n_classes - 1}, got {classes.min()} to {classes.max()}. "
            "Number the classes with np.unique(labels, return_inverse=True)."
        )


def _check_settings(trees: int, depth: int, learning_rate: float) -> None:
    """Refuse settings that no classifier has."""
    if trees < 1:
        raise ConfigError(f"trees: expected at least 1, got {trees}.")
    if not 1 <= depth <= MAX_DEPTH:
        raise ConfigError(f"depth: expected 1 to {MAX_DEPTH}, got {depth}.")
    if not learning_rate > 0:
        raise ConfigError(f"learning_rate: expected a positive number, got {learning_rate}.")
