"""How much else an edit will move, as the signatures' measured leakage predicts it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError
from unweave.core.targets import Target
from unweave.signatures.goals import Goal
from unweave.signatures.signature import Leakage, Signature

Floats = NDArray[np.float64]

_MEASURES = ("exact", "judge", "codes")
"""Who is believed, the best first."""


def between_rows(target: Target) -> float:
    """Change of a factor between two random rows whose labels spread evenly.

    In standard steps (a third of a range of √12 steps), radians (a quarter of a turn), or as the probability that two
    classes differ: the unit in which leakage is measured.
    """
    if target.factor.kind == "circular":
        return math.pi / 2
    if target.factor.kind == "categorical":
        return (target.classes - 1) / target.classes
    return 2 / math.sqrt(3)


def predicted(goals: Sequence[Goal], at: Sequence[Floats]) -> Floats:
    """Mean change of the factors that are not edited, (N,), in changes between two random rows.

    The sum over edited factors of the on-target change times the leakage per unit of it; the edited factors are left
    out, since they are brought to where they were asked to be.

    Raises:
        ConfigError: the leakage of a factor was not measured.
    """
    edited = {goal.signature.name for goal in goals}
    total: dict[str, Floats] = {}
    for goal, a in zip(goals, at, strict=True):
        row = measured(goal.signature)
        amount = goal.amount(a) / between_rows(goal.signature.chart.target)
        for name, value in zip(row.factors, row.values, strict=True):
            if name not in edited:
                total[name] = total.get(name, np.zeros(len(a))) + amount * value
    return np.asarray(np.mean(list(total.values()), axis=0)) if total else np.zeros(len(at[0]))


def measured(signature: Signature) -> Leakage:
    """The signature's leakage by the best measure that there is.

    Raises:
        ConfigError: there is none.
    """
    for measure in _MEASURES:
        for row in signature.leakage:
            if row.measure == measure:
                return row
    raise ConfigError(
        f"the leakage of {signature.name!r} was not measured, so no budget can be kept. Measure it with "
        "`unweave probe`, or edit without a budget."
    )
