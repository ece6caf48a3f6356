"""What codes say about factors under the encoder's own noise, q(z|x) = N(mean, exp(logvar))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unweave.core import Codes, DataError
from unweave.metrics.binning import class_table
from unweave.metrics.influence import SAMPLE, Cells
from unweave.metrics.information import Floats, entropy, entropy_terms
from unweave.metrics.inputs import CodesLike, Problem
from unweave.metrics.shares import Shares

SAMPLES = 10_000
"""Samples of z that the estimate averages over, as published."""

CHUNK = 1_000_000
"""Densities in memory at once."""

EPSILON = 1e-8
"""Floor of the published estimate: of variances, of the spreads that normalise a density, and of densities."""

Labels = NDArray[np.int64]


def checked_logvar(codes: CodesLike) -> NDArray[Any] | None:
    """Log-variance (N, D) of the encoder's noise, or None for codes without.

    Raises:
        DataError: it is not finite.
    """
    if not isinstance(codes, Codes) or codes.logvar is None:
        return None
    if not np.isfinite(codes.logvar).all():
        raise DataError("codes.logvar: NaN or infinite. Find out why the encoder diverged, or score codes.mean.")
    return codes.logvar


@dataclass(frozen=True)
class NoisyTable:
    """What D noisy codes say about K factors, by sampling (Do and Tran 2020, arXiv:1908.09961, appendix).

    H(z) = -mean log q(z) and H(z, v) = -mean log q(z, v) over samples z of q(z|x), where q(z) is the mean of q(z|x)
    over the rows and q(z, v) the part of it that rows with label v have. Entropies of codes are differential, in nats
    of the codes' own units, and may lie below 0.

    Attributes:
        mean, spread: of each row's codes, (N, D).
        labels: class of each factor, (N, K); -1 where the label is missing or the factor has no classes.
        cells: information, entropy of the codes and, in the last row, of the factors, (2 D + 1, K).
        samples: samples of z behind them.
    """

    mean: Floats
    spread: Floats
    labels: Labels
    cells: Cells
    samples: int

    @classmethod
    def of(cls, problem: Problem, logvar: NDArray[Any], samples: int, seed: int) -> Self:
        """The table of a problem; rows and noise are drawn as in the published code: a seed gives the same values."""
        labels = class_table(problem.factors, "reference")
        random, rows = np.random.RandomState(seed), len(labels)
        picked = random.choice(rows, size=samples, replace=True, p=np.full(rows, 1 / rows, dtype=np.float32))
        noise = random.randn(samples, problem.codes.shape[1])
        spread = np.exp(logvar.astype(np.float64) / 2)
        return cls._by(problem.codes.astype(np.float64), spread, labels, picked, noise)

    @classmethod
    def _by(cls, mean: Floats, spread: Floats, labels: Labels, picked: Labels, noise: Floats) -> Self:
        """The table by samples of some rows (S,) and standard normal noise (S, D)."""
        samples, codes, factors = len(picked), mean.shape[1], labels.shape[1]
        drawn = mean[picked] + spread[picked] * noise
        kept = np.arange(min(samples, SAMPLE))  # They come in no order.
        values, influence = np.zeros((2 * codes + 1, factors)), np.zeros((len(kept), 2 * codes + 1, factors))
        rows = [np.flatnonzero(labels[:, k] >= 0) for k in range(factors)]
        own = [labels[picked, k] for k in range(factors)]
        label = np.zeros((samples, factors))
        for k in np.flatnonzero([len(r) for r in rows]).tolist():
            counts = np.bincount(labels[rows[k], k], minlength=1)
            values[-1, k] = entropy(counts, entropy_terms(len(rows[k]), "reference"))
            label[:, k] = np.log(len(rows[k]) / np.maximum(counts, 1))[own[k]]
        for code in range(codes):
            alone, both = _surprise(drawn[:, code], mean[:, code], spread[:, code], labels, labels[picked])
            for k in range(factors):
                asked = own[k] >= 0
                if not asked.any():
                    continue
                local = np.stack([alone[:, k] + label[:, k] - both[:, k], alone[:, k], label[:, k]])
                local = np.where(asked, local - local[:, asked].mean(axis=1, keepdims=True), 0) / asked.mean()
                influence[:, [code, codes + code, -1], k] = local[:, kept].T
                values[codes + code, k] = alone[asked, k].mean()
                values[code, k] = values[codes + code, k] + values[-1, k] - both[asked, k].mean()
        # Rows are drawn from what varies, and samples from rows: both add to the variance.
        cells = Cells(values, influence, round(1 / (1 / samples + 1 / len(mean))))
        return cls(mean, spread, labels, cells, samples)

    @property
    def shares(self) -> Shares:
        """The table, ready for scoring."""
        return self._shares(self.cells.values)

    def resampled(self, draws: int, random: np.random.Generator) -> Shares:
        """The table in bootstrap samples of the rows and of what is drawn from them, to first order."""
        return self._shares(self.cells.bootstrap(draws, random))

    def shuffled(self, random: np.random.Generator) -> Self:
        """The table of random codes: labels given to other rows."""
        labels = self.labels[random.permutation(len(self.labels))]
        picked = random.integers(len(labels), size=self.samples)
        noise = random.standard_normal((self.samples, self.mean.shape[1]))
        return self._by(self.mean, self.spread, labels, picked, noise)

    def _shares(self, cells: Floats) -> Shares:
        codes = self.mean.shape[1]
        nats, entropies = cells[..., :codes, :], cells[..., -1, :]
        share = np.divide(nats, entropies[..., None, :], out=np.zeros_like(nats), where=entropies[..., None, :] > 0)
        shape = nats.shape[-2:]
        return Shares(nats, nats, share, entropies, cells[..., codes:-1, :], np.ones(shape), np.zeros(shape))


def _surprise(drawn: Floats, mean: Floats, spread: Floats, known: Labels, asked: Labels) -> tuple[Floats, Floats]:
    """-log q(z) and -log q(z, v) of samples of one code, (S, K) each; 0 where the sample has no label.

    Samples (S,) and their labels (S, K), rows' means and spreads (N,) and labels (N, K). Rows that lack a factor's
    label take no part in that factor's columns.
    """
    centre, unit = mean.mean(), max(float(mean.std()), EPSILON)
    wide = np.sqrt(np.maximum(spread**2, EPSILON)) * np.sqrt(2)
    height = 1 / (np.maximum(spread, EPSILON) * np.sqrt(2 * np.pi))
    at, middle, width = (x.astype(np.float32) for x in ((drawn - centre) / unit, (mean - centre) / unit, unit / wide))
    sizes = known.max(axis=0, initial=-1) + 1
    starts = np.concatenate([[0], np.cumsum(sizes)])
    total = np.count_nonzero(known >= 0, axis=0)
    weight = np.zeros((len(mean), starts[-1]), dtype=np.float32)
    for k in range(known.shape[1]):
        rows = np.flatnonzero(known[:, k] >= 0)
        weight[rows, starts[k] + known[rows, k]] = height[rows] / total[k]
    alone, both = np.zeros(asked.shape), np.zeros(asked.shape)
    step = max(1, CHUNK // len(mean))
    for first in range(0, len(drawn), step):
        some = slice(first, first + step)
        distance = (at[some, None] - middle) * width
        np.multiply(distance, distance, out=distance)
        density = np.exp(np.negative(distance, out=distance), out=distance) @ weight
        for k in np.flatnonzero(sizes).tolist():
            part = density[:, starts[k] : starts[k + 1]]
            own = np.take_along_axis(part, np.maximum(asked[some, k, None], 0), axis=1)[:, 0]
            alone[some, k], both[some, k] = -np.log(np.maximum([part.sum(axis=1), own], EPSILON))
    return alone, both
