"""Linear support vector machines on one code: the exact optimum that LIBLINEAR looks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Classes = NDArray[np.int64]

COST = 0.01
"""Weight of the loss beside the penalty in SAP (disentanglement_lib: `LinearSVC(C=0.01)`)."""

STEPS = 100
"""Newton steps at most; about ten are taken."""


@dataclass(frozen=True)
class Margins:
    """Machines that tell S classes apart by one code; one machine for two classes, else one per class.

    Attributes:
        slope, offset: of each machine, (P,).
    """

    slope: Floats
    offset: Floats

    def predict(self, code: Floats) -> Classes:
        """Class of each value (n,): the machine with the largest output."""
        told = np.outer(code, self.slope) + self.offset
        return np.asarray((told[:, 0] > 0).astype(np.int64) if told.shape[1] == 1 else told.argmax(axis=1))


def fit_margins(code: Floats, labels: Classes, classes: int) -> Margins:
    """Fit scikit-learn's `LinearSVC(C=0.01, class_weight="balanced")` on one code (n,) and classes (n,).

    Minimises (a² + b²) / 2 + C sum_i c_i max(0, 1 - y_i (a x_i + b))² per machine by Newton's method, all machines at
    once: the active rows of a machine are a prefix or a suffix of the sorted code, so prefix sums give its derivatives.
    As in LIBLINEAR the offset is penalised, and of a machine "class against rest" only the class has the weight
    n / (S n_class). LIBLINEAR itself stops at a relative gradient of 1e-4: accuracies differ by up to 0.002.

    Args:
        code: finite values.
        labels: integers in 0..classes-1, each of which occurs.
        classes: S, at least 2.
    """
    sums = _Sums.of(code, labels)
    counts = np.bincount(labels, minlength=classes)
    balanced = len(labels) / (classes * counts)
    if classes == 2:
        own, rest, targets = balanced[1:], balanced[:1], np.array([1])
    else:
        own, rest, targets = balanced, np.ones(classes), np.arange(classes)
    own, rest = COST * own, COST * rest
    place = np.zeros((2, len(targets)))
    loss, gradient, curvature = sums.derivatives(place, targets, own, rest)
    for _ in range(STEPS):
        step = np.linalg.solve(curvature, gradient.T[..., None])[..., 0].T
        length = np.ones(len(targets))
        slope = (gradient * step).sum(axis=0)
        if (slope <= 1e-14 * loss).all():
            break
        for _ in range(40):
            new = sums.derivatives(place - length * step, targets, own, rest)
            short = new[0] > loss - 1e-4 * length * slope + 1e-14 * loss
            if not short.any():
                break
            length = np.where(short, length / 2, length)
        place = place - length * step
        loss, gradient, curvature = new
    return Margins(place[0], place[1])


@dataclass(frozen=True)
class _Sums:
    """The sorted code, and sums of its powers 0, 1, 2 over prefixes: of all rows, and of the rows of each class.

    Attributes:
        ordered: the code, (n,).
        total: sums over the first rows, (3, n + 1).
        grouped: the same with rows grouped by class, (3, n + 1).
        keys: class * (n + 1) + position in `ordered` of the grouped rows, ascending, (n,).
    """

    ordered: Floats
    total: Floats
    grouped: Floats
    keys: Classes

    @classmethod
    def of(cls, code: Floats, labels: Classes) -> Self:
        order = np.argsort(code, kind="stable")
        ordered, classes_of = code[order].astype(np.float64), labels[order]
        position = np.argsort(classes_of, kind="stable")
        keys = classes_of[position] * (len(code) + 1) + position
        return cls(ordered, _prefix_sums(ordered), _prefix_sums(ordered[position]), keys)

    def derivatives(self, place: Floats, targets: Classes, own: Floats, rest: Floats) -> tuple[Floats, Floats, Floats]:
        """Loss (P,), gradient (2, P) and second derivatives (P, 2, 2) of machines at slopes and offsets (2, P).

        `targets` are the classes on the positive side; `own` and `rest` weigh both sides.
        """
        slope, offset = place
        inside = self.active(slope, 1 - offset, targets)[0]
        every, member = self.active(-slope, 1 + offset, targets)[::-1]
        outside = every - member
        a, b = 1 - offset, 1 + offset
        loss = own * (inside[0] * a**2 - 2 * a * slope * inside[1] + slope**2 * inside[2])
        loss += rest * (outside[0] * b**2 + 2 * b * slope * outside[1] + slope**2 * outside[2])
        pulls = [
            own * (slope * inside[i + 1] - a * inside[i]) + rest * (slope * outside[i + 1] + b * outside[i])
            for i in (1, 0)
        ]
        both = own * inside + rest * outside
        curvature = np.stack([[1 + 2 * both[2], 2 * both[1]], [2 * both[1], 1 + 2 * both[0]]]).transpose(2, 0, 1)
        return 0.5 * (place**2).sum(axis=0) + loss, place + 2 * np.stack(pulls), curvature

    def active(self, slope: Floats, bound: Floats, targets: Classes) -> tuple[Floats, Floats]:
        """Sums (3, P) over the rows with slope * x < bound: of those of the target class, and of all."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            cut = np.where(slope == 0, np.inf, bound / slope)
        reach = np.searchsorted(self.ordered, cut)
        low, high = np.where(slope < 0, reach, 0), np.where(slope < 0, len(self.ordered), reach)
        high = np.where((slope == 0) & (bound <= 0), 0, high)
        shift = targets * (len(self.ordered) + 1)
        first, last = (np.searchsorted(self.keys, shift + edge) for edge in (low, high))
        return self.grouped[:, last] - self.grouped[:, first], self.total[:, high] - self.total[:, low]


def _prefix_sums(values: Floats) -> Floats:
    """Sums of 1, x and x² over the first 0..n values: (3, n + 1)."""
    powers = np.stack([np.ones_like(values), values, values**2])
    return np.hstack([np.zeros((3, 1)), np.cumsum(powers, axis=1)])
