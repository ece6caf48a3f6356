"""How much of each factor a linear model reads from all codes together, as information."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unweave.metrics.binning import class_table
from unweave.metrics.influence import Cells, sample_rows
from unweave.metrics.inputs import Mode, Problem
from unweave.metrics.robust_codes import without_outliers
from unweave.metrics.splitting import Rows, stratified_halves

MAX_ROWS = 10_000
"""Rows that are read at most in robust mode."""

STRENGTH = 1e4
"""How little weights are penalised in robust mode (scikit-learn's C): just enough that a model which separates the
classes in one half of the rows is not infinitely sure of those in the other."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Readable:
    """Codes and classes that a linear model reads.

    Attributes:
        codes: standardised codes that take part, (n, d); without outliers in robust mode.
        labels: class of each factor, (n, K); -1 where the label is missing or the factor has no classes.
        mode: which model, and what its losses are compared with.
    """

    codes: NDArray[Any]
    labels: NDArray[np.int64]
    mode: Mode

    @classmethod
    def of(
        cls,
        problem: Problem,
        mode: Mode,
        live: NDArray[np.bool_],
        random: np.random.Generator,
        *,
        symbols: bool = False,
    ) -> Self:
        """What can be read from a problem's live codes (D,), in robust mode from `MAX_ROWS` rows at most.

        With `symbols`, every value of a code is an input of its own, 0 or 1.
        """
        rows = np.arange(len(problem.codes))
        if mode == "robust" and len(rows) > MAX_ROWS:
            rows = np.sort(random.permutation(rows)[:MAX_ROWS])
        codes, labels = problem.codes[rows][:, live], class_table(problem.factors.take(rows), mode)
        if symbols:
            return cls(
                np.hstack([np.unique(code)[None] == code[:, None] for code in codes.T]).astype(float), labels, mode
            )
        if mode == "robust":
            codes = without_outliers(codes)
        varies = codes.max(axis=0) > codes.min(axis=0)
        spread = np.where(varies, codes.std(axis=0), 1).astype(codes.dtype)
        return cls((codes - codes.mean(axis=0)) / spread, labels, mode)

    @property
    def used(self) -> NDArray[np.bool_]:
        """Factors with at least two classes, twice each in robust mode: bool (K,)."""
        columns = [column[column >= 0] for column in self.labels.T]
        least = 2 if self.mode == "robust" else 1
        return np.array([len(np.unique(c)) > 1 and len(c) >= least * len(np.unique(c)) for c in columns], dtype=bool)

    def shuffled(self, random: np.random.Generator) -> Self:
        """The same with random codes: the same codes, given to other rows."""
        return replace(self, codes=self.codes[random.permutation(len(self.codes))])

    def read(self, random: np.random.Generator) -> Cells:
        """Information that is read, as a share of what there is, (K,), and what moves it; 0 for unused factors."""
        kept = sample_rows(len(self.codes), random)
        values, influence = np.zeros(self.labels.shape[1]), np.zeros((len(kept), self.labels.shape[1]))
        for factor in np.flatnonzero(self.used):
            rows = np.flatnonzero(self.labels[:, factor] >= 0)
            labels = np.unique(self.labels[rows, factor], return_inverse=True)[1]
            lost, surprise = (
                self._reference(rows, labels) if self.mode == "reference" else self._robust(rows, labels, random)
            )
            left, total = float(lost.mean()), float(surprise.mean())
            values[factor] = 1 - left / total
            moved = np.zeros(len(self.codes))
            moved[rows] = (left / total * surprise - lost) / total * len(self.codes) / len(rows)
            influence[:, factor] = moved[kept]
        return Cells(values, influence, len(self.codes))

    def _reference(self, rows: Rows, labels: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Surprise (n,) that the published model leaves on the rows that it is fitted to, and that of its null model.

        Classes are balanced, so the null model, the same without codes, gives each of S classes the chance 1 / S.
        """
        model = _fit(self.codes[rows], labels, C=np.inf, class_weight="balanced")
        return _surprise(model, self.codes[rows], labels), np.full(len(rows), np.log(labels.max() + 1))

    def _robust(self, rows: Rows, labels: NDArray[np.int64], random: np.random.Generator) -> tuple[Floats, Floats]:
        """Surprise (n,) that a model of one half leaves on the other, and that of the classes' frequencies.

        The frequencies stand in for the model in one of as many cases as rows have taught it, for so many rows cannot
        show that it is surer than that. One row with an outlying code would otherwise cost up to 36 nats.
        """
        lost, (one, two) = np.zeros(len(rows)), stratified_halves(labels, random)
        frequency = np.bincount(labels) / len(labels)
        for fit, test in ((one, two), (two, one)):
            model = _fit(self.codes[rows[fit]], labels[fit], C=STRENGTH)
            sure = np.exp(-_surprise(model, self.codes[rows[test]], labels[test]))
            lost[test] = -np.log(sure + (frequency[labels[test]] - sure) / len(fit))
        return lost, -np.log(frequency[labels])


def _fit(codes: NDArray[Any], labels: NDArray[np.int64], **settings: Any) -> Any:  # noqa: ANN401 - scikit-learn is not typed
    from sklearn.linear_model import LogisticRegression  # scikit-learn takes a second to import

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="lbfgs failed to converge")  # 100 steps are the definition
        return LogisticRegression(**settings).fit(codes, labels)


def _surprise(model: Any, codes: NDArray[Any], labels: NDArray[np.int64]) -> Floats:  # noqa: ANN401
    """-log p of each row's class (n,), in nats."""
    p = model.predict_proba(codes)
    own = p[np.arange(len(labels)), np.searchsorted(model.classes_, labels)].astype(np.float64)
    return np.asarray(-np.log(np.maximum(own, np.finfo(p.dtype).eps)))
