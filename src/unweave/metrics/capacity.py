"""Loss-capacity curves: what a representation costs to read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def curve_explicitness(
    capacity: Sequence[float] | Floats, loss: Floats, baseline: float, *, last: float | None = None
) -> float:
    """How early along a curve the loss falls: 1 - 2 * area(l - min l) / ((c_max - c_min) * baseline).

    Eastwood et al. (2023, arXiv:2210.00364, section 4), as in its code: l is the lowest loss up to each capacity, and
    the best possible loss is taken to be 0. 1 when the first model already reaches the lowest loss, 0 for a straight
    fall from the baseline to 0 and negative for a later one; also 1 when no model learns anything.

    Args:
        capacity: ascending capacities (C,).
        loss: test loss at each of them (C,).
        baseline: loss of a guess, positive.
        last: a capacity up to which the curve goes on flat; None ends it where it ends. The curve of another
            representation, to be compared with, may end there.
    """
    x = np.asarray(capacity, dtype=np.float64)
    if last is not None and last > x[-1]:
        x, loss = np.append(x, last), np.append(loss, np.min(loss))
    return 1 - float(area_weights(x, loss) @ loss) / baseline


def area_weights(capacity: Sequence[float] | Floats, loss: Floats) -> Floats:
    """Weights (C,) of the losses (C,) that give twice the area between the lowest loss so far and the lowest of all.

    In units of the range of capacities. Losses that others undercut have weight 0.
    """
    x = np.asarray(capacity, dtype=np.float64)
    lowest = np.maximum.accumulate(np.where(loss <= np.minimum.accumulate(loss), np.arange(len(loss)), 0))
    steps = np.diff(x)
    share = (np.append(steps, 0) + np.append(0, steps)) / (x[-1] - x[0])
    weights: Floats = np.bincount(lowest, weights=share, minlength=len(x)).astype(np.float64)
    weights[lowest[-1]] -= share.sum()
    return weights


def read_weights(capacity: Sequence[float] | Floats, loss: Floats) -> Floats:
    """The same with the lowest loss of all added: what the explicitness that counts unread factors weighs.

    1 - weights @ loss / baseline is `curve_explicitness` less the share of the baseline that no model removes: at most
    1, and 0 when no model learns anything. So it needs both that a factor can be read and that a simple model does it.
    """
    weights = area_weights(capacity, loss)
    weights[np.argmin(loss)] += 1
    return weights
