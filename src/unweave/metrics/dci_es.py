"""DCI-ES: explicitness and size, the two scores that extend DCI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core import Score, Scorecard, Stamp
from unweave.core.seeds import derive, generator
from unweave.metrics.binning import FACTOR_BINS
from unweave.metrics.capacity import area_weights, read_weights
from unweave.metrics.influence import taught_variance
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, Problem, as_problem, check_mode
from unweave.metrics.refits import Floats, Task, each_factor
from unweave.metrics.resampling import null_range, student_t
from unweave.metrics.splitting import train_test
from unweave.metrics.stamps import make_stamp, no_classes
from unweave.metrics.weights import Weights, factor_weights

NAMES = ("dci_es.explicitness", "dci_es.size")
"""The scores, in the order in which they are given."""

DEPTHS = (1, 2, 3, 4, 8, 10, 12, 14, 16, 18, 20, 32)
"""Capacities of reference mode: depths of random forests of 100 trees."""

STAGES = (1, 2, 4, 8, 16, 32, 64)
"""Capacities of robust mode: boosted trees of depth 3 per class. One fit gives the whole curve."""

MAX_ROWS = 3000
"""Rows that are learnt from and tested on at most in robust mode, unless asked otherwise."""

MAX_NULLS = 3
"""Permutations at most: each one refits all models."""

HALVES = 8
"""Halves of the rows that are learnt from, drawn to see what other rows would have taught."""


def dci_es(
    codes: CodesLike,
    factors: FactorsLike,
    *,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = MAX_NULLS,
    seed: int = 0,
    train_rows: int | None = None,
    max_rows: int | None = None,
    workers: int | None = None,
    weights: Weights = "equal",
) -> Scorecard:
    """Explicitness and size (Eastwood et al. 2023, arXiv:2210.00364, section 4).

    * `dci_es.explicitness`: how simple a model is enough to read the factors, mean over factors; at most 1. Models of
      growing capacity learn each factor; the earlier their test loss falls, the higher the score. In reference mode a
      straight fall gives 0 and codes that say nothing give 1, so it must be read beside informativeness. In robust mode
      what no model reads is taken off, and random codes give about 0.
    * `dci_es.size`: number of factors / number of codes, a fact about shapes that no labels change. 1 for as many codes
      as factors, less for more codes. Robust mode counts codes that vary and factors that can be scored.

    Reference mode fits 12 random forests per factor, with scikit-learn, and takes minutes. Robust mode takes as long as
    `dci`: capacities are numbers of boosted trees, on a logarithmic scale, so that one fit has the whole curve.

    Args:
        codes: codes (N, D).
        factors: labels (N, K).
        mode: "reference" is the definition of the authors' code with random forests. "robust" standardises codes,
            measures losses against the commonest class, cuts continuous and circular factors into classes, and leaves
            out constant factors and dead codes.
        bootstrap: 0 leaves the intervals out; otherwise they come from the spread over test rows and over eight fits to
            random halves of the rows that are learnt from, at four times the cost of one fit.
        nulls: permutations of the rows for the scores of random codes, three at most; 0 leaves them out.
        seed: seed of the split, the models, the samples and the permutations.
        train_rows: the first rows are learnt from and the rest tested on; None takes a random two thirds.
        max_rows: with more rows than this, a random part of them; None takes 3,000 in robust mode and all in reference
            mode.
        workers: threads; None takes one per usable core. The scores do not depend on it.
        weights: of factors, in the mean over them; see `weights.factor_weights`.

    Returns:
        Two scores. The matrix of the first holds the test losses (C, K) at the C capacities, that of the second the
        importances (D, K) of the codes: in reference mode those of the capacity that reads best.
    """
    check_mode(mode)
    problem = as_problem(codes, factors)
    wanted = factor_weights(problem.factors, weights)
    most = MAX_ROWS if max_rows is None and mode == "robust" else max_rows
    split = train_test(len(problem.codes), train_rows, most, generator(seed, "dci_es", "split"))
    nulls = min(nulls, MAX_NULLS)
    settings = {
        "learner": "random forests of 100 trees"
        if mode == "reference"
        else "gradient-boosted trees, depth 3, rate 0.1",
        "capacity": "depth" if mode == "reference" else "log of the number of trees per class",
        "capacities": list(DEPTHS if mode == "reference" else STAGES),
        "split": "random, two thirds" if train_rows is None else "first rows",
        "train_rows": len(split[0]),
        "test_rows": len(split[1]),
        "factor_bins": FACTOR_BINS,
        "bootstrap": bootstrap,
        "nulls": nulls,
        "seed": seed,
        "weights": wanted.tolist(),
    }
    libraries = ("scikit-learn",) if mode == "reference" else ("numba",)
    stamp = make_stamp("dci_es", mode, problem, settings, libraries=libraries)
    task = Task.of(problem, mode, *split)
    reason = _reason(problem, task, mode, wanted)
    if reason is not None:
        dropped = _dropped(problem, task)
        return Scorecard({name: Score(name, None, stamp, reason=reason, **dropped) for name in NAMES})
    variants = [task]
    if bootstrap:
        variants += [_half(task, generator(seed, "dci_es", "half", draw)) for draw in range(HALVES)]
    first_null = len(variants)
    variants += [task.shuffled(generator(seed, "dci_es", "null", draw)) for draw in range(nulls)]
    learn = partial(_forests, seed=seed) if mode == "reference" else partial(_boosted, seed=derive(seed, "dci_es"))
    curves = each_factor(variants, learn, workers)
    share = wanted[task.used] / wanted[task.used].sum()
    details: dict[str, Any] = _dropped(problem, task)
    details["matrix"] = np.zeros((len(curves[0][0].loss), len(problem.factors.names)))
    details["matrix"][:, task.used] = np.stack([curve.loss for curve in curves[0]], axis=1)
    value, *others = [float(share @ [curve.explicitness for curve in columns]) for columns in curves]
    if bootstrap:
        moved = np.array([share @ [curve.influence() for curve in columns] for columns in curves[:first_null]])
        details["interval"] = _interval(value, np.array(others[:HALVES]), moved[0], moved[1:])
    if nulls:
        details["null"], details["null_interval"] = null_range(np.array(others[first_null - 1 :]), -np.inf, 1)
    explicitness = Score(NAMES[0], value, stamp, **details)
    return Scorecard({NAMES[0]: explicitness, NAMES[1]: _size(problem, task, stamp, curves[0], bool(bootstrap), nulls)})


def _half(task: Task, random: np.random.Generator) -> Task:
    """The task with half of the rows to learn from, drawn at random."""
    left_out = np.zeros(len(task.train), dtype=bool)
    learnt = np.flatnonzero(task.train)
    left_out[random.permutation(learnt)[: len(learnt) // 2]] = True
    return task.without(left_out)


def _interval(value: float, halves: Floats, influence: Floats, of_halves: Floats) -> tuple[float, float]:
    """Interval at 95 %, as if other rows had taught and other rows had tested.

    Fits to random halves of a sample vary as much as fits to fresh samples of its size do: half the rows make twice the
    variance, and halves have half of theirs in common. A jackknife would multiply what single rows tip over by its
    number of groups: its intervals were up to twice as wide as needed.
    """
    taught = student_t(len(halves) - 1) ** 2 * taught_variance(halves, of_halves)
    tested = 1.96**2 * influence.var() / len(influence)
    half = float(np.sqrt(taught + tested))
    return value - half, min(value + half, 1.0)


@dataclass(frozen=True)
class _Curve:
    """What models of C capacities learnt of one factor.

    Attributes:
        tested: which of the n rows that test have the label, bool (n,).
        wrong: whether each model answered each of them wrongly, (t, C).
        guess: the same of a guess, or the probability of it, (t,).
        weights: of the losses in the explicitness, (C,).
        importances: importance of each code in each model, (C, d); one model where all share a fit.
    """

    tested: NDArray[np.bool_]
    wrong: NDArray[np.bool_]
    guess: Floats
    weights: Floats
    importances: Floats

    @property
    def loss(self) -> Floats:
        """Share of wrong answers of each model, (C,)."""
        return np.asarray(self.wrong.mean(axis=0))

    @property
    def explicitness(self) -> float:
        """1 - weighted loss / loss of a guess; 0 where a guess is always right, since then nothing was to be read."""
        baseline = float(self.guess.mean())
        return 1 - float(self.weights @ self.loss) / baseline if baseline > 0 else 0.0

    def influence(self) -> Floats:
        """Influence of the rows that test on the explicitness, (n,); 0 for those without a label."""
        moved, baseline = np.zeros(len(self.tested)), float(self.guess.mean())
        if baseline > 0:
            change = (1 - self.explicitness) * self.guess - self.wrong @ self.weights
            moved[self.tested] = change / baseline * len(self.tested) / len(self.guess)
        return moved


def _forests(task: Task, factor: int, *, seed: int) -> _Curve:
    """Random forests of growing depth; the guess draws a class at random."""
    from sklearn.ensemble import RandomForestClassifier  # scikit-learn takes a second to import

    labels = task.labels[:, factor]
    train, test = task.train & (labels >= 0), np.flatnonzero(~task.train & (labels >= 0))
    forests = [
        RandomForestClassifier(max_depth=d, random_state=seed).fit(task.codes[train], labels[train]) for d in DEPTHS
    ]
    wrong = np.stack([forest.predict(task.codes[test]) != labels[test] for forest in forests], axis=1)
    guess = np.full(len(test), 1 - 1 / len(np.unique(labels[labels >= 0])))
    importances = np.stack([forest.feature_importances_ for forest in forests])
    return _Curve(labels[~task.train] >= 0, wrong, guess, area_weights(DEPTHS, wrong.mean(axis=0)), importances)


def _nothing(task: Task, tested: NDArray[np.bool_], capacities: Sequence[int]) -> _Curve:
    """What models that no row taught know: they are wrong, and their explicitness is 0."""
    wrong = np.ones((tested.sum(), len(capacities)), dtype=bool)
    importances = np.zeros((len(capacities), task.codes.shape[1]))
    return _Curve(tested, wrong, np.ones(len(wrong)), np.eye(1, len(capacities))[0], importances)


def _boosted(task: Task, factor: int, *, seed: int) -> _Curve:
    """Boosted trees, more and more of them; the guess is the class that is most frequent where models learn."""
    from unweave.metrics.boosting import fit_boosted_trees  # Numba takes half a second to import

    labels = task.labels[:, factor]
    train, test = task.train & (labels >= 0), np.flatnonzero(~task.train & (labels >= 0))
    if not train.any():
        return _nothing(task, labels[~task.train] >= 0, STAGES)
    classes = int(labels.max()) + 1
    model = fit_boosted_trees(task.codes[train], labels[train], n_classes=classes, trees=STAGES[-1], seed=seed)
    wrong = (model.predict_after(task.codes[test], STAGES) != labels[test]).T
    guess = (labels[test] != np.bincount(labels[train]).argmax()).astype(np.float64)
    weights = read_weights(np.log(STAGES), wrong.mean(axis=0))
    return _Curve(labels[~task.train] >= 0, wrong, guess, weights, model.importances[None])


def _dropped(problem: Problem, task: Task) -> dict[str, Any]:
    codes, names = range(problem.codes.shape[1]), problem.factors.names
    return {
        "dropped_codes": tuple(c for c in codes if c not in task.live),
        "dropped_factors": tuple(name for k, name in enumerate(names) if k not in task.used),
    }


def _size(problem: Problem, task: Task, stamp: Stamp, curves: Sequence[_Curve], resampled: bool, nulls: int) -> Score:
    """The second score; it is known exactly, and the same for random codes."""
    details: dict[str, Any] = _dropped(problem, task)
    value = len(task.used) / len(task.live)
    best = int(np.mean([c.loss for c in curves], axis=0).argmin()) if len(curves[0].importances) > 1 else 0
    matrix = np.zeros((problem.codes.shape[1], len(problem.factors.names)))
    matrix[np.ix_(task.live, task.used)] = np.stack([c.importances[best] for c in curves], axis=1)
    if resampled:
        details["interval"] = (value, value)
    if nulls:
        details["null"], details["null_interval"] = value, (value, value)
    return Score(NAMES[1], value, stamp, matrix=matrix, **details)


def _reason(problem: Problem, task: Task, mode: Mode, weights: Floats) -> str | None:
    """Why nothing can be scored, or None."""
    names = [name for k, name in enumerate(problem.factors.names) if k not in task.used]
    if len(task.live) == 0:
        return "no code varies."
    if mode == "reference" and names:
        return no_classes(names[0])
    if len(task.used) == 0 or weights[task.used].sum() == 0:
        return "no factor can be learnt: each is constant, has no labels, has too few rows, or has weight 0."
    return None
