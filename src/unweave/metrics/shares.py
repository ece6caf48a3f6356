"""What codes say about factors, in the form that the scores are formulas of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shares:
    """Information of D codes about K factors, perhaps in many samples at once (the leading axes).

    Attributes:
        nats: mutual information, (..., D, K) in nats, at least 0.
        excess: the same less what random codes show, (..., D, K) in nats; below 0 for half of the random codes.
        share: the same as a share of the factor's entropy, (..., D, K).
        entropy: of the factors, (..., K) in nats.
        code_entropy: of the codes on the rows that have the factor's label, (..., D, K) in nats.
        weight: how far cells are more than chance, (..., D, K) in [0, 1]: 0 up to what random codes hardly ever show, 1
            from twice as far above chance on, and linear between, so that no row alone takes a cell in or out. 1 for
            all where the definition does not ask.
        spread: standard deviation of the information of random codes, (D, K) in nats; 0 where chance is not taken off.
    """

    nats: Floats
    excess: Floats
    share: Floats
    entropy: Floats
    code_entropy: Floats
    weight: Floats
    spread: Floats

    def select(self, codes: NDArray[np.bool_], factors: NDArray[np.bool_]) -> Self:
        """The codes (D,) and factors (K,) that take part."""
        rows, columns = np.flatnonzero(codes)[:, None], np.flatnonzero(factors)
        arrays = self.nats, self.excess, self.share, self.code_entropy, self.weight
        nats, excess, share, own, weight = (array[..., rows, columns] for array in arrays)
        return type(self)(nats, excess, share, self.entropy[..., factors], own, weight, self.spread[rows, columns])

    def silence(self, codes: NDArray[np.bool_]) -> Self:
        """The same where some codes (D,) say nothing."""
        arrays = self.nats, self.excess, self.share, self.weight
        nats, excess, share, weight = (np.where(codes[:, None], 0.0, array) for array in arrays)
        return type(self)(nats, excess, share, self.entropy, self.code_entropy, weight, self.spread)

    @property
    def informative(self) -> Floats:
        """How far each code says more than chance about some factor: (..., D) in [0, 1]."""
        return np.asarray(self.weight.max(axis=-1))

    @property
    def captured(self) -> Floats:
        """How far some code says more than chance about each factor: (..., K) in [0, 1]."""
        return np.asarray(self.weight.max(axis=-2))


def adjusted_share(raw: Floats, entropy: Floats, chance: Floats) -> Floats:
    """(I - E[I]) / (H - E[I]), clipped to [0, 1]: 0 on average for random codes, 1 for codes that fix the factor.

    Arrays (..., D, K), (..., K) and (D, K). Without chance it is the published I / H. Vinh, Epps and Bailey (2010),
    JMLR 11, eq. 10. Where chance alone reaches the entropy nothing can be said, and the share is 0.
    """
    room = entropy[..., None, :] - chance
    share = np.divide(raw - chance, room, out=np.zeros_like(raw), where=room > 1e-9)
    return np.asarray(np.clip(share, 0, 1))


def gaps(values: Floats) -> Floats:
    """How far the largest value lies above the second along the last axis: (...) of (..., M)."""
    top = np.partition(values, values.shape[-1] - 2, axis=-1)
    return np.asarray(top[..., -1] - top[..., -2])


def mean_over(values: Floats, weights: Floats | NDArray[np.bool_]) -> Floats:
    """Weighted mean along the last axis, (...) of (..., M) and (..., M); 0 where all weights are 0."""
    counts = np.asarray(weights, dtype=np.float64)
    total = counts.sum(axis=-1)
    return np.asarray((np.where(counts > 0, values, 0) * counts).sum(axis=-1) / np.where(total > 0, total, 1))
