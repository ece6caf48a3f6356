"""How much of a code's variance a factor explains, whatever outliers do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unweave.metrics.inputs import Problem
from unweave.metrics.targets import measurements

Floats = NDArray[np.float64]


TAIL = 0.01
"""Share of the rows at each end of a code that is pulled in: at least one row, so that no single one can lead."""


def pulled_in(values: Floats) -> Floats:
    """Columns (n, D) whose extremes are replaced by the nearest value that stays (winsorised), centred.

    Ranks would be safer still, but they spread a tight cluster as wide as its number of rows: codes that tell three
    classes apart to within a little noise would look a third as wide within a class as overall.
    """
    ends = min(int(np.ceil(TAIL * len(values))), (len(values) - 1) // 2)
    ordered = np.sort(values, axis=0).astype(np.float64)
    kept = np.clip(values.astype(np.float64), ordered[ends], ordered[len(values) - 1 - ends])
    return np.asarray(kept - kept.mean(axis=0))


def residuals_by_class(codes: Floats, labels: NDArray[np.int64]) -> tuple[Floats, int]:
    """What is left of codes (n, D) without the mean of their class (n,), and the number of means."""
    classes, index, counts = np.unique(labels, return_inverse=True, return_counts=True)
    means = np.stack([np.bincount(index, weights=code) for code in codes.T], axis=1) / counts[:, None]
    return codes - means[index], len(classes)


def residuals_by_line(codes: Floats, design: Floats) -> tuple[Floats, int]:
    """What linear regression on a design (n, p) leaves of codes (n, D), and its number of coefficients, offset too."""
    x, y = design - design.mean(axis=0), codes - codes.mean(axis=0)
    return y - x @ np.linalg.lstsq(x, y, rcond=None)[0], design.shape[1] + 1


def residuals(part: Problem) -> tuple[Floats, Floats, int]:
    """Codes of a problem with one factor, pulled in (n, D), what the factor leaves of them, and its coefficients.

    Taken off are the means of its classes (so any assignment of codes to names is as good as another), a straight line
    where it is continuous, sine and cosine where it is circular.
    """
    factor, labels = part.factors.factors[0], part.factors.values[:, 0]
    codes = pulled_in(part.codes)
    if factor.is_discrete:
        return codes, *residuals_by_class(codes, labels.astype(np.int64))
    design = measurements(factor, labels)
    return codes, *residuals_by_line(codes, pulled_in(design) if factor.kind == "continuous" else design)
