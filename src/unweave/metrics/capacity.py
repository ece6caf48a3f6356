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
    x, y = np.asarray(capacity, dtype=np.float64), np.minimum.accumulate(loss)
    if last is not None and last > x[-1]:
        x, y = np.append(x, last), np.append(y, y[-1])
    return float(1 - 2 * np.trapezoid(y - y[-1], x) / ((x[-1] - x[0]) * baseline))


def read_explicitness(capacity: Sequence[float] | Floats, loss: Floats, baseline: float) -> float:
    """The same less the share of the baseline that no model removes: at most 1, and 0 when no model learns anything.

    So it needs both that a factor can be read and that a simple model is enough for it.
    """
    return curve_explicitness(capacity, loss, baseline) - float(np.min(loss)) / baseline
