"""Probes: how well a small linear model reads each factor from the codes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unweave.core import Score, Scorecard, Stamp
from unweave.core.seeds import derive, generator
from unweave.metrics.inputs import CodesLike, FactorsLike, Mode, Problem, as_problem, check_mode
from unweave.metrics.linear import PENALTY, Floats, Linear, fit_logistic, fit_ridge
from unweave.metrics.resampling import bootstrap_means, interval, null_range
from unweave.metrics.robust_codes import without_outliers
from unweave.metrics.splitting import Rows, stratified_halves
from unweave.metrics.stamps import make_stamp

MAX_FIT = 2000
"""Rows that are learnt from at most: a linear model of ten codes gains nothing from more, and 40 classes cost time."""


def probe(
    codes: CodesLike,
    factors: FactorsLike,
    *,
    mode: Mode = "robust",
    bootstrap: int = 200,
    nulls: int = 20,
    seed: int = 0,
) -> Scorecard:
    """How well a linear model reads each factor from all codes together: one score `probe.NAME` per factor.

    A factor of classes gives the test accuracy of regularised logistic regression, in [0, 1]; random codes give about
    the share of the commonest class. A continuous factor gives the test R² of ridge regression, at most 1, about 0 for
    random codes, below 0 when the model predicts worse than the mean. A circular factor gives the R² of its sine and
    cosine together. It says nothing about disentanglement (any rotation of the codes scores the same), and what is
    there but not linear is not seen.

    Args:
        codes: codes (N, D).
        factors: labels (N, K); each factor is read on the rows that have it: one half fits, the other tests, with every
            class in both halves in equal numbers.
        mode: "reference" takes the codes as they are; "robust" draws outliers in.
        bootstrap: samples of the test rows for the interval; 0 leaves it out. The fitted model stays the same.
        nulls: permutations of the rows for the score of random codes; 0 leaves it out.
        seed: seed of the halves, the samples and the permutations.

    Returns:
        One score per factor; its matrix holds the weights on standardised codes, (D, classes), (D, 1) for a continuous
        and (D, 2) for a circular factor.
    """
    check_mode(mode)
    problem = as_problem(codes, factors)
    scores = {}
    for column, factor in enumerate(problem.factors.factors):
        rows = np.flatnonzero(problem.factors.known[:, column])
        part = Problem(problem.codes[rows], problem.factors.take(rows).select([factor.name]))
        settings = {
            "model": "logistic regression" if factor.is_discrete else "ridge regression",
            "score": "accuracy" if factor.is_discrete else "R2",
            "penalty": PENALTY,
            "split": f"random halves, stratified, of the first at most {MAX_FIT} rows",
            "bootstrap": bootstrap,
            "nulls": nulls,
            "seed": seed,
        }
        stamp = make_stamp("probe", mode, part, settings, libraries=("scikit-learn",))
        scores[f"probe.{factor.name}"] = _score(part, stamp, mode, bootstrap, nulls, derive(seed, "probe", factor.name))
    return Scorecard(scores)


@dataclass(frozen=True)
class _Reading:
    """What a probe reads: target (n, C) is one column per class, or one or two columns of numbers."""

    codes: Floats
    target: Floats
    classes: bool
    fit: Rows
    test: Rows

    @classmethod
    def of(cls, part: Problem, live: NDArray[np.bool_], mode: Mode, random: np.random.Generator) -> Self:
        """The reading of the one factor of `part` from its live codes, in robust mode without outliers."""
        factor, labels = part.factors.factors[0], part.factors.values[:, 0]
        if factor.kind == "circular":
            angle = 2 * np.pi * labels / factor.period
            target = np.stack([np.sin(angle), np.cos(angle)], axis=1)
        elif factor.kind == "continuous":
            target = labels[:, None]
        else:
            names, index = np.unique(labels, return_inverse=True)
            target = np.eye(len(names))[index]
        strata = target.argmax(axis=1) if factor.is_discrete else np.zeros(len(labels), dtype=np.int64)
        fit, test = stratified_halves(strata, random)
        if len(fit) > MAX_FIT:  # evenly over the classes
            fit = np.sort(fit[np.argsort(strata[fit], kind="stable")][np.arange(MAX_FIT) * len(fit) // MAX_FIT])
        codes = part.codes[:, live].astype(np.float64)
        if mode == "robust":
            codes = without_outliers(codes, fit)
        mean, spread = codes[fit].mean(axis=0), codes[fit].std(axis=0)
        return cls((codes - mean) / np.where(spread > 0, spread, 1), target, factor.is_discrete, fit, test)

    def shuffled(self, random: np.random.Generator) -> Self:
        """The same reading with random codes: the same codes, given to other rows."""
        return replace(self, codes=self.codes[random.permutation(len(self.codes))])

    @property
    def reason(self) -> str | None:
        """Why there is nothing to learn or to explain, or None."""
        if self.codes.shape[1] == 0:
            return "no code varies."
        if (self.target == self.target[0]).all():
            return "the factor is constant."
        if self.classes and len(self.fit) < 2 * self.target.shape[1]:
            return f"{len(self.fit)} rows are too few to fit {self.target.shape[1]} classes; two per class are needed."
        if not self.classes and (len(self.test) < 2 or (self.target[self.test] == self.target[self.test][0]).all()):
            return "there is nothing to explain: the factor does not vary in the half of the rows that tests."
        return None

    def model(self) -> Linear:
        """The model that the first half fits."""
        codes, target = self.codes[self.fit], self.target[self.fit]
        return fit_logistic(codes, target.argmax(axis=1), target.shape[1]) if self.classes else fit_ridge(codes, target)

    def outcome(self, model: Linear) -> Floats:
        """What each test row gives, (n, M): 1 for the right class; or squared error, target, squared target."""
        told, truth = model(self.codes[self.test]), self.target[self.test]
        if self.classes:
            return np.asarray(told.argmax(axis=1) == truth.argmax(axis=1), dtype=np.float64)[:, None]
        return np.hstack([((told - truth) ** 2).sum(axis=1, keepdims=True), truth, truth**2])

    def score(self, means: Floats) -> Floats:
        """Accuracy or R² (...) of mean outcomes (..., M)."""
        if self.classes:
            return np.asarray(means[..., 0])
        target, square = np.split(means[..., 1:], 2, axis=-1)
        variance = (square - target**2).sum(axis=-1)
        return np.asarray(1 - means[..., 0] / np.maximum(variance, np.finfo(np.float64).tiny))


def _score(part: Problem, stamp: Stamp, mode: Mode, bootstrap: int, nulls: int, seed: int) -> Score:
    """The score of the one factor of `part`, all of whose rows are labelled."""
    name = f"probe.{part.factors.names[0]}"
    if len(part.codes) == 0:
        return Score(name, None, stamp, reason="the factor has no labels.")
    live = ~part.constant  # a probe reads means, and those of codes that are not in use too
    reading = _Reading.of(part, live, mode, generator(seed, "halves"))
    details: dict[str, Any] = {"dropped_codes": tuple(np.flatnonzero(~live).tolist())}
    if reading.reason is not None:
        return Score(name, None, stamp, reason=reading.reason, **details)
    model = reading.model()
    outcome = reading.outcome(model)
    value, low = float(reading.score(outcome.mean(axis=0))), 0.0 if reading.classes else -np.inf
    details["matrix"] = np.zeros((len(live), model.weights.shape[1]))
    details["matrix"][live] = model.weights
    if bootstrap:
        draws = reading.score(bootstrap_means(outcome, bootstrap, generator(seed, "bootstrap")))
        details["interval"] = interval(value, draws, low, 1)
    if nulls:
        random = generator(seed, "null")
        readings = [reading.shuffled(random) for _ in range(nulls)]
        scores = np.array([r.score(r.outcome(r.model()).mean(axis=0)) for r in readings])
        details["null"], details["null_interval"] = null_range(scores, low, 1)
    return Score(name, value, stamp, **details)
