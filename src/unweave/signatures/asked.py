"""From what is asked of each factor to the goals of each code."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError
from unweave.core.factors import Factor
from unweave.signatures.edit import Change, Move, Set
from unweave.signatures.goals import Goal
from unweave.signatures.goals_of_angles import LoopGoal, TurnGoal
from unweave.signatures.goals_of_classes import ClassGoal
from unweave.signatures.goals_of_readings import ReadingGoal
from unweave.signatures.signature import Signature

Floats = NDArray[np.float64]


def goal_of(signature: Signature, changes: Sequence[Change], codes: Floats, others: Floats | None) -> Goal:
    """The goal of one factor.

    Args:
        signature: of the factor.
        changes: what is asked of all codes, or of each; all of the same kind.
        codes: to be edited, (N, D).
        others: codes (N, D) to take the factor from, for `Swap`.

    Raises:
        ConfigError: the factor has no such label, or no way leads there.
    """
    moves = [change.amount for change in changes if isinstance(change, Move)]
    labels = [label_of(signature, change.value) for change in changes if isinstance(change, Set)]
    if moves:
        return _moved(signature, _each(moves, codes), codes)
    if labels:
        return goal_to(signature, _each(labels, codes), codes)
    assert others is not None
    if signature.path == "classes":
        return goal_to(signature, signature.reader.read(others), codes)
    own, outputs = signature.reader(codes), signature.reader(others)
    if signature.turns:
        return _turned(signature, own, _angle(outputs) - _angle(own))
    return ReadingGoal(signature, own[:, 0], outputs[:, 0])


def goal_to(signature: Signature, labels: Floats, codes: Floats) -> Goal:
    """The goal that the probe says labels (N,), in the units of the factor, of codes (N, D)."""
    outputs = signature.reader(codes)
    target = signature.chart.target
    if signature.path == "classes":
        to = labels.astype(np.int64)
        ranked = np.argsort(outputs, axis=1)
        # Where the class is read already, but not by the margin, the way leads away from the next.
        start = np.where(ranked[:, -1] == to, ranked[:, -2], ranked[:, -1])
        return ClassGoal(signature, start, to, np.full(len(codes), np.nan))
    numbers = (labels - target.centre) / target.scale
    if signature.turns:
        turn = np.mod(numbers - _angle(outputs) + math.pi, 2 * math.pi) - math.pi
        return _turned(signature, outputs, turn)
    return ReadingGoal(signature, outputs[:, 0], numbers)


def label_of(signature: Signature, value: float | str) -> float:
    """A name or a number as a label: a class code, or a number in the units of the factor.

    Raises:
        ConfigError: the factor has no such label, or no labelled row had it.
    """
    factor = signature.factor
    if factor.is_discrete:
        return float(_class(signature, value))
    try:
        number = float(value)
    except ValueError:
        unit = f" from {factor.range[0]:g} to {factor.range[1]:g}" if factor.range else ""
        raise ConfigError(
            f"factor {factor.name!r} is {factor.kind}: expected a number{unit} to set it to, got {value!r}."
        ) from None
    if not math.isfinite(number):
        raise ConfigError(f"factor {factor.name!r}: expected a finite number, got {value}.")
    if factor.range and factor.kind != "circular" and not factor.range[0] <= number <= factor.range[1]:
        raise ConfigError(
            f"factor {factor.name!r}: {number:g} lies outside its range [{factor.range[0]:g}, {factor.range[1]:g}]."
        )
    return number


def _class(signature: Signature, value: float | str) -> int:
    factor = signature.factor
    names = signature.chart.target.factor.values or ()
    code = _named(names, value)
    present = [names[c] for c in signature.classes] if signature.path == "classes" else list(names)
    if code is None:
        near = difflib.get_close_matches(str(value), names, n=1)
        raise ConfigError(
            f"factor {factor.name!r} has no value {value!r}. It can be set to: {', '.join(present)}."
            + (f" Did you mean {near[0]!r}?" if near else "")
        )
    if names[code] not in present:
        raise ConfigError(
            f"factor {factor.name!r}: no labelled row was {names[code]!r} when the signature was found, so no way "
            f"leads there. It can be set to: {', '.join(present)}. Label some rows and run `unweave probe` again."
        )
    return code


def _named(names: tuple[str, ...], value: float | str) -> int | None:
    """Code of a class by its name, or by the number that its name is: 3 for "3.0"."""
    if isinstance(value, str) and value in names:
        return names.index(value)
    for code, name in enumerate(names):
        try:
            if float(name) == float(value):
                return code
        except ValueError:
            continue
    return None


def _each(values: Sequence[float], codes: Floats) -> Floats:
    """One number for each code."""
    found = np.array(values, dtype=np.float64)
    return found if len(found) == len(codes) else np.repeat(found, len(codes))


def _moved(signature: Signature, amounts: Floats, codes: Floats) -> Goal:
    outputs = signature.reader(codes)
    if signature.path == "classes":
        first, second = _two_classes(signature.factor, signature.classes)
        ways = np.full((2, len(codes)), [[first], [second]], dtype=np.int64)
        return ClassGoal(signature, ways[0], ways[1], amounts)
    if signature.turns:
        return _turned(signature, outputs, amounts / signature.chart.target.scale)
    # What the probe sees of the way: all of it, unless isolation could leave only a part.
    restore, start = signature.chart.target.restore, outputs[:, 0]
    way = signature.offset(restore(start), restore(start + amounts))
    return ReadingGoal(signature, start, start + way @ signature.linear.weights[:, 0])


def _turned(signature: Signature, start: Floats, turn: Floats) -> Goal:
    """The goal that points (N, 2) turn by radians (N,)."""
    if signature.path == "loop":
        return LoopGoal(signature, _angle(start), turn)
    return TurnGoal.of(signature, start, turn)


def _two_classes(factor: Factor, classes: tuple[int, ...]) -> tuple[int, int]:
    names = factor.values or ()
    if len(classes) != 2:
        known = ", ".join(names[c] for c in classes)
        raise ConfigError(
            f"factor {factor.name!r} has {len(classes)} classes ({known}), so a number does not say where to move. "
            f"Set it to one of them: {factor.name}={names[classes[0]] if classes else '…'}."
        )
    return classes[0], classes[1]


def _angle(points: Floats) -> Floats:
    return np.asarray(np.arctan2(points[:, 1], points[:, 0]))
