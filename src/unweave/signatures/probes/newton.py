"""Newton's method for the convex losses of the probes, without ever forming a Hessian."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_STEPS = 100
MOST_PRODUCTS = 200
_HALVINGS = 40
_ENOUGH = 1e-4


class Loss(Protocol):
    """A convex loss of parameters of one shape, and its derivatives where it was last looked at.

    Attributes:
        penalty: the loss has the term penalty / 2 |`penalised`(parameters)|².
    """

    penalty: float

    def penalised(self, parameters: Floats) -> Floats:
        """The parameters, with 0 for those that are free."""

    def defined(self, parameters: Floats) -> bool:
        """Whether the loss is finite there."""

    def at(self, parameters: Floats) -> tuple[float, Floats]:
        """Value and gradient; infinite where the loss is not defined."""

    def product(self, direction: Floats) -> Floats:
        """The Hessian, where `at` was asked last, times a direction."""

    def precondition(self, gradient: Floats) -> Floats:
        """Roughly the inverse of that Hessian times a gradient."""


def follow(loss: Loss, start: Floats, penalties: Floats, tolerance: float) -> Iterator[Floats]:
    """The best parameters under each penalty in turn; see `minimise`."""
    parameters = start
    for penalty in penalties:
        ahead = parameters
        if parameters is not start:
            # At the best parameters only the change of the penalty pulls: one step of the preconditioner answers it.
            ahead = parameters + loss.precondition((loss.penalty - penalty) * loss.penalised(parameters))
        loss.penalty = float(penalty)
        parameters = minimise(loss, ahead if loss.defined(ahead) else parameters, tolerance)
        yield parameters


def minimise(loss: Loss, start: Floats, tolerance: float) -> Floats:
    """The parameters at which a loss is least.

    Truncated Newton method (Nocedal and Wright 2006, algorithm 7.1): steps by preconditioned conjugate gradients, to a
    residual that shrinks with the gradient, and a backtracking line search.

    Args:
        loss: what to minimise.
        start: where to begin; the loss must be finite there.
        tolerance: the loss that the last Newton step may still have to gain, in the units of the loss.
    """
    parameters = start
    value, gradient = loss.at(parameters)
    for _ in range(MOST_STEPS):
        step, gain = _newton_step(loss, gradient, 2 * tolerance)
        if gain <= 2 * tolerance:
            return parameters + step if loss.defined(parameters + step) else parameters
        size = 1.0
        for _ in range(_HALVINGS):
            ahead, slope = loss.at(parameters + size * step)
            if ahead <= value - _ENOUGH * size * gain:
                break
            size /= 2
        else:  # Rounding hides what is left to gain.
            return parameters
        parameters, value, gradient = parameters + size * step, ahead, slope
    return parameters


def _newton_step(loss: Loss, gradient: Floats, enough: float) -> tuple[Floats, float]:
    """A step that roughly solves H step = -gradient, and the slope that it goes down, -gradient · step.

    A gain of less than `enough` needs no better solution than the preconditioner's.
    """
    step, residual = np.zeros_like(gradient), -gradient
    ready = loss.precondition(residual)
    direction, power = ready, float((residual * ready).sum())
    if power <= enough:
        return ready, power
    # Squared relative residual: quadratic convergence in the end, cheap steps at first.
    wanted = max(min(0.01, power) * power, 0.01 * enough)
    for _ in range(MOST_PRODUCTS):
        if power <= wanted or power <= 0:
            break
        pushed = loss.product(direction)
        curvature = float((direction * pushed).sum())
        if curvature <= 0:
            break
        length = power / curvature
        step = step + length * direction
        residual = residual - length * pushed
        ready = loss.precondition(residual)
        previous, power = power, float((residual * ready).sum())
        direction = ready + (power / previous) * direction
    return step, -float((gradient * step).sum())
