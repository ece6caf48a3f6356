"""Probes of numbers: ridge regression of measurements and angles, and cumulative logits of levels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unweave.core.targets import Target
from unweave.signatures.chart import Chart
from unweave.signatures.probes.learner import ROUGH, Centred, Maps, balance, present_classes
from unweave.signatures.probes.newton import follow

Floats = NDArray[np.float64]
Levels = NDArray[np.int64]


def squared_errors(target: Target, outputs: Floats, labels: Floats, weights: Floats) -> Floats:
    """Weighted squared error (T, P) of outputs (T, P, n, m) in the coordinates of the factor, summed over rows."""
    return np.stack(
        [((told - Chart(target).of(one)) ** 2).sum(axis=2) @ weights for told, one in zip(outputs, labels, strict=True)]
    )


@dataclass(frozen=True)
class Ridge:
    """Ridge regression of a factor's coordinates: Σ squared error + penalty |W|², with the offset free.

    Equals scikit-learn's `Ridge(alpha=penalty)`. One eigendecomposition serves all penalties and sets of labels.
    """

    target: Target
    penalties: Floats = field(default_factory=lambda: 10.0 ** np.arange(6, -2.5, -0.5))
    default: float = 10.0
    most: int = 20_000

    def path(self, x: Floats, labels: Floats, weights: Floats, penalties: Floats, *, tolerance: float = ROUGH) -> Maps:
        """See `Learner.path`; exact, whatever the tolerance."""
        data = Centred.of(x, weights)
        goals = np.concatenate([Chart(self.target).of(one) for one in labels], axis=1)
        mean = weights @ goals / weights.sum()
        turned = data.axes.T @ (data.x.T @ ((goals - mean) * weights[:, None]))
        found = np.stack([data.axes @ (turned / (data.scatter[:, None] + penalty)) for penalty in penalties])
        offsets = mean - np.einsum("d,pdk->pk", data.mean, found)
        sets, width = len(labels), goals.shape[1] // len(labels)
        shaped = found.reshape(len(penalties), x.shape[1], sets, width).transpose(2, 0, 1, 3)
        return Maps(shaped, offsets.reshape(len(penalties), sets, width).transpose(1, 0, 2))

    def losses(self, outputs: Floats, labels: Floats, weights: Floats) -> Floats:
        """Squared error."""
        return squared_errors(self.target, outputs, labels, weights)


@dataclass(frozen=True)
class Ordinal:
    """Cumulative logits (proportional odds, McCullagh 1980): log-odds of level ≤ k are θ_k - x·w.

    Minimises Σ log-loss + penalty / 2 |w|² with thresholds free. The reading is one number, the line through the levels
    that the model expects: a + b x·w, least squares over the rows learnt from. Expected, not observed levels, so that
    a strong penalty draws the reading to the mean as it does in ridge regression.
    """

    target: Target
    balanced: bool = False
    penalties: Floats = field(default_factory=lambda: 10.0 ** np.arange(4, -2, -1))
    default: float = 10.0
    most: int = 2000

    def path(self, x: Floats, labels: Floats, weights: Floats, penalties: Floats, *, tolerance: float = ROUGH) -> Maps:
        """See `Learner.path`."""
        shape = (len(labels), len(penalties), x.shape[1], 1)
        maps = Maps(np.zeros(shape), np.zeros((*shape[:2], 1)))
        shared = None if self.balanced else Centred.of(x, weights)
        for t, one in enumerate(labels):
            present, places = present_classes(one, weights)
            values = Chart(self.target).of(present.astype(np.float64))[:, 0]
            maps.offsets[t] = values.mean()
            if len(present) < 2:
                continue
            data = shared or Centred.of(x, balance(places, weights))
            fits = fit_cumulative(data, places, len(present), penalties, tolerance * float(weights.sum()))
            for p, (slopes, thresholds) in enumerate(fits):
                scale, height = _line(data, slopes, thresholds, values)
                maps.weights[t, p, :, 0] = slopes * scale
                maps.offsets[t, p, 0] = height - data.mean @ slopes * scale
        return maps

    def losses(self, outputs: Floats, labels: Floats, weights: Floats) -> Floats:
        """Squared error of the reading."""
        if not self.balanced:
            return squared_errors(self.target, outputs, labels, weights)
        rows = [balance(one.astype(np.int64), weights) for one in labels]
        pairs = zip(outputs, labels, rows, strict=True)
        return np.concatenate([squared_errors(self.target, a[None], b[None], row) for a, b, row in pairs])


def _line(data: Centred, slopes: Floats, thresholds: Floats, values: Floats) -> tuple[float, float]:
    """Slope and height at the mean code of the line through the expected values (of levels) along x·w."""
    along = data.x @ slopes
    below = 1 / (1 + np.exp(np.clip(along[:, None] - thresholds, -500, 500)))  # P(level ≤ k)
    expected = values[-1] - below @ np.diff(values)
    share = data.weights / data.weights.sum()
    height = float(share @ expected)
    variance = float(share @ along**2)
    if variance > 1e-12:
        return float(share @ (along * (expected - height))) / variance, height
    return float(share @ ((below * (1 - below)) @ np.diff(values))), height


def fit_cumulative(
    data: Centred, levels: Levels, count: int, penalties: Floats, tolerance: float
) -> list[tuple[Floats, Floats]]:
    """Slopes (D,) and rising thresholds (L - 1,) of the cumulative logits of L levels, all of which occur."""
    share = np.cumsum(np.bincount(levels, weights=data.weights, minlength=count))[:-1] / data.weights.sum()
    parameters = np.concatenate([np.zeros(data.x.shape[1]), np.log(share) - np.log1p(-share)])
    latent = data.x.shape[1]
    fits = follow(_Cumulative(data, levels, count), parameters, penalties, tolerance)
    return [(best[:latent], best[latent:]) for best in fits]


class _Cumulative:
    """Penalised log-loss of slopes and thresholds, (D + L - 1,).

    With u and l the distances of a row from the thresholds above and below its level, the likelihood is
    σ(u) σ(-l) (1 - e^(l-u)), in which nothing cancels.
    """

    def __init__(self, data: Centred, levels: Levels, count: int) -> None:
        self.penalty = 0.0
        self._data, self._levels, self._count = data, levels, count
        self._upper = self._lower = np.zeros(0)
        self._gaps = np.zeros((count - 1, count - 1))

    def penalised(self, parameters: Floats) -> Floats:
        latent = self._data.x.shape[1]
        return np.concatenate([parameters[:latent], np.zeros(len(parameters) - latent)])

    def defined(self, parameters: Floats) -> bool:
        return bool((np.diff(parameters[self._data.x.shape[1] :]) > 0).all())

    def at(self, parameters: Floats) -> tuple[float, Floats]:
        data, latent = self._data, self._data.x.shape[1]
        slopes, thresholds = parameters[:latent], parameters[latent:]
        if (np.diff(thresholds) <= 0).any():
            return np.inf, parameters
        edges = np.concatenate([[-np.inf], thresholds, [np.inf]])
        along = data.x @ slopes
        upper, lower = edges[self._levels + 1] - along, edges[self._levels] - along
        width = (edges[1:] - edges[:-1])[self._levels]
        value = np.logaddexp(0, -upper) + np.logaddexp(0, lower) - np.log(-np.expm1(-width))
        above, below = _sigmoid(-upper), _sigmoid(lower)  # 1 - σ(u), σ(l)
        with np.errstate(over="ignore"):
            pull = 1 / np.expm1(width)
        self._upper, self._lower = data.weights * above * (1 - above), data.weights * below * (1 - below)
        self._thresholds(data.weights * pull * (1 + pull))
        rise, fall = data.weights * (above + pull), data.weights * (below + pull)
        back = data.x.T @ (rise - fall) + self.penalty * slopes
        loss = float(data.weights @ value + self.penalty / 2 * slopes @ slopes)
        return loss, np.concatenate([back, self._at_thresholds(-rise, fall)])

    def _thresholds(self, bound: Floats) -> None:
        """The block of the Hessian of the thresholds; `bound` is what ties the two ends of a level together."""
        mass = np.bincount(self._levels, weights=bound, minlength=self._count)[1:-1]
        block = np.diag(self._at_thresholds(self._upper + bound, self._lower + bound))
        block[np.arange(1, len(block)), np.arange(len(block) - 1)] = -mass
        block[np.arange(len(block) - 1), np.arange(1, len(block))] = -mass
        self._gaps = block

    def _at_thresholds(self, upper: Floats, lower: Floats) -> Floats:
        """Sums (L - 1,) at each threshold over the rows whose level it bounds from above and from below."""
        top = np.bincount(self._levels, weights=upper, minlength=self._count)[:-1]
        return np.asarray(top + np.bincount(self._levels, weights=lower, minlength=self._count)[1:])

    def product(self, direction: Floats) -> Floats:
        latent = self._data.x.shape[1]
        moved = self._data.x @ direction[:latent]
        shift = np.concatenate([[0.0], direction[latent:], [0.0]])
        pushed = (self._upper + self._lower) * moved - self._upper * shift[self._levels + 1]
        pushed -= self._lower * shift[self._levels]
        slopes = self._data.x.T @ pushed + self.penalty * direction[:latent]
        bent = self._gaps @ direction[latent:] - self._at_thresholds(self._upper * moved, self._lower * moved)
        return np.concatenate([slopes, bent])

    def precondition(self, gradient: Floats) -> Floats:
        latent = self._data.x.shape[1]
        mean = float((self._upper + self._lower).sum() / self._data.weights.sum())
        inner = self._data.axes.T @ gradient[:latent] / (self._data.scatter * mean + self.penalty)
        return np.concatenate([self._data.axes @ inner, np.linalg.solve(self._gaps, gradient[latent:])])


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(values / 2)))
