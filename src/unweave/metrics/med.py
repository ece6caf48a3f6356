"""MED: disentanglement and completeness of mutual information."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unweave.core import ConfigError, Score, Scorecard, Stamp
from unweave.core.seeds import generator
from unweave.metrics.importances import completeness, disentanglement
from unweave.metrics.influence import Cells, accuracy
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, as_problem, check_mode
from unweave.metrics.linear import PENALTY, fit_logistic
from unweave.metrics.pair_scores import WIDTH, Definition, Parts, pair_parts, pair_settings, score_table
from unweave.metrics.pairs import PairTable
from unweave.metrics.refits import Task
from unweave.metrics.resampling import null_range, spread_interval
from unweave.metrics.shares import Floats, Shares, mean_over
from unweave.metrics.splitting import train_test
from unweave.metrics.stamps import make_stamp
from unweave.metrics.weights import Weights, factor_weights

MAX_NULLS = 3
"""Permutations at most for informativeness: each one fits a model per factor again."""

MAX_ROWS = 6000
"""Rows that informativeness is learnt from and tested on at most, in robust mode."""

NAMES = ("med.disentanglement", "med.completeness", "med.informativeness", "med.informativeness_train")
"""The scores, in the order in which they are given."""


def med(
    codes: CodesLike,
    factors: FactorsLike,
    *,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = 20,
    seed: int = 0,
    train_rows: int | None = None,
    weights: Weights = "equal",
    top: int | None = None,
) -> Scorecard:
    """A cheap DCI: disentanglement and completeness of mutual information (Cao et al. 2022, arXiv:2206.04756).

    What codes say about a factor, as parts of the sum over all codes, takes the place of DCI's importances. In [0, 1]:

    * `med.disentanglement`: 1 when every code serves one factor; random codes give about 0.
    * `med.completeness`: 1 when every factor is served by one code; random codes give about 0, copies lower it.
    * `med.informativeness`: test accuracy of logistic regression on standardised codes, mean over factors; random codes
      give the share of the commonest class. `med.informativeness_train`: the same on the rows that were learnt from.

    Args:
        codes: codes (N, D).
        factors: labels (N, K).
        mode: "reference" is the authors' definition: plug-in information of 20 bins of equal width. "robust" takes the
            information of robust MIG, and only what is more than chance; it leaves out constant factors and dead codes.
        bootstrap: samples for the intervals; 0 leaves them out. Models stay as they are.
        nulls: permutations of the rows for the scores of random codes, three at most for informativeness; 0 leaves them
            out.
        seed: seed of everything drawn.
        train_rows: the first rows are measured and learnt from, and the rest tested on; None measures all rows, and
            learns from a random two thirds of them.
        weights: of factors, in the means over them and in the weights of codes; see `weights.factor_weights`.
        top: count only the `top` most disentangled codes of each factor ("top-k MED"); None counts all.

    Returns:
        Four scores. The matrix of the first two holds each code's part in the information about each factor, (D, K);
        that of the others the accuracy of each factor, (1, K).
    """
    check_mode(mode)
    if top is not None and top < 1:
        raise ConfigError(f"top: expected at least 1 code per factor, got {top}.")
    problem = as_problem(codes, factors)
    most = MAX_ROWS if mode == "robust" else None
    split = train_test(len(problem.codes), train_rows, most, generator(seed, "med", "split"))
    measured = problem
    if train_rows is not None:
        measured = problem.take(np.arange(train_rows))
    table = PairTable.of(measured, mode)
    alone = [(code,) for code in range(problem.codes.shape[1])]
    parts = pair_parts(measured, table, alone, factor_weights(problem.factors, weights))
    settings = pair_settings(mode) | {
        "measured_rows": len(measured.codes),
        "model": f"logistic regression, penalty {PENALTY:g}",
        "split": "random, two thirds" if train_rows is None else "first rows",
        "train_rows": len(split[0]),
        "test_rows": len(split[1]),
        "top": top,
        "bootstrap": bootstrap,
        "nulls": nulls,
        "seed": seed,
        "weights": parts.weights.tolist(),
    }
    stamp = make_stamp("med", mode, problem, settings, libraries=("scikit-learn",))
    definitions = [
        Definition(NAMES[0], _aggregated(disentanglement, top), _importances, factors=2),
        Definition(NAMES[1], _aggregated(completeness, top), _importances, codes=2),
    ]
    card = score_table(definitions, table, parts, stamp, bootstrap, nulls, seed)
    task = Task.of(problem, mode, *split)
    return Scorecard(dict(card) | _informativeness(task, parts, stamp, bootstrap, min(nulls, MAX_NULLS), seed))


def _importances(shares: Shares) -> Floats:
    """Each code's part in what all say about a factor, (..., D, K); only what is more than chance counts."""
    known = shares.weight * shares.nats
    total = known.sum(axis=-2, keepdims=True)
    return np.asarray(np.divide(known, total, out=np.zeros_like(known), where=total > 0))


def _aggregated(aggregate: Callable[[Floats, Floats], float], top: int | None) -> Callable[[Shares, Floats], Floats]:
    """Disentanglement or completeness of a table, or of the samples in it."""

    def formula(shares: Shares, weights: Floats) -> Floats:
        every = _importances(shares)
        chosen = [most_disentangled(one, top) if top else one for one in every.reshape(-1, *every.shape[-2:])]
        return np.array([aggregate(one, weights) for one in chosen]).reshape(every.shape[:-2])

    return formula


def most_disentangled(importances: Floats, top: int) -> Floats:
    """Rows of importances (D, K): of the codes that serve each factor most, the `top` most disentangled ones."""
    each = np.array([disentanglement(row[None]) for row in importances])
    best = importances.argmax(axis=1)
    order = np.argsort(-each, kind="stable")
    kept = [code for k in range(importances.shape[1]) for code in order[best[order] == k][:top]]
    return np.asarray(importances[np.sort(kept)])


def _informativeness(task: Task, parts: Parts, stamp: Stamp, bootstrap: int, nulls: int, seed: int) -> dict[str, Score]:
    """Accuracies on the rows that test and on those that were learnt from."""
    names = stamp.factors
    details: dict[str, Any] = {
        "dropped_codes": parts.dropped_codes,
        "dropped_factors": tuple(name for k, name in enumerate(names) if k not in task.used),
    }
    weights = parts.weights[task.used]
    reason = "no code varies." if task.codes.shape[1] == 0 else parts.reason
    if reason is None and (len(task.used) == 0 or weights.sum() == 0):
        reason = "no factor can be learnt: each is constant, has no labels, has too few rows, or has weight 0."
    if reason is not None:
        return {name: Score(name, None, stamp, reason=reason, **details) for name in NAMES[2:]}
    random = generator(seed, "med", "null")
    own, others = _accuracies(task), [_accuracies(task.shuffled(random)) for _ in range(nulls)]
    found = {}
    for part, name in enumerate(NAMES[2:]):
        value = float(mean_over(own[part].values, weights))
        extra: dict[str, Any] = {"matrix": np.zeros((1, len(names)))}
        extra["matrix"][0, task.used] = own[part].values
        if bootstrap:
            draws = mean_over(own[part].bootstrap(bootstrap, generator(seed, name, "bootstrap")), weights)
            extra["interval"] = spread_interval(value, draws, 0, 1, width=WIDTH)
        if nulls:
            random_scores = np.array([float(mean_over(other[part].values, weights)) for other in others])
            extra["null"], extra["null_interval"] = null_range(random_scores, 0, 1)
        found[name] = Score(name, value, stamp, **details, **extra)
    return found


def _accuracies(task: Task) -> tuple[Cells, Cells]:
    """Accuracy of each factor, (k,), on the rows that test and on those that were learnt from."""
    part = task.codes[task.train]
    varies = part.max(axis=0) > part.min(axis=0)
    codes = (task.codes - part.mean(axis=0)) / np.where(varies, part.std(axis=0), 1)
    values = np.zeros((2, len(task.used)))
    influence = [np.zeros((np.count_nonzero(side), len(task.used))) for side in (~task.train, task.train)]
    for k, labels in enumerate(task.labels.T):
        learnt = task.train & (labels >= 0)
        model = fit_logistic(codes[learnt], labels[learnt], int(labels.max()) + 1)
        right = model(codes).argmax(axis=1) == labels
        for side, rows in enumerate((~task.train, task.train)):
            known = labels[rows] >= 0
            values[side, k], moved = accuracy(right[rows][known])
            influence[side][known, k] = moved * len(known) / np.count_nonzero(known)
    test, train = (Cells(v, i, len(i)) for v, i in zip(values, influence, strict=True))
    return test, train
