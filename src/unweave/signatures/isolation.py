"""How well directions move one factor and nothing else, as readers that took no part in finding them see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from unweave.core.factors import FactorTable
from unweave.core.targets import Target
from unweave.signatures.chart import Chart
from unweave.signatures.signature import Signature

Floats = NDArray[np.float64]

Response = Callable[[Floats], Floats]
"""From edited codes (N, D) to the codes of what they decode to, (N, D); the identity for codes without a decoder."""

UNMOVED = 0.02
"""On-target change, in changes between two random rows, below which directions do not move their factor."""


WAYS = (-1, 1)
"""Ways in which a factor without classes is moved."""


def signed(target: Target, before: Floats, after: Floats) -> Floats:
    """How far coordinates (N, m) of a factor without classes went up, (N,): standard steps, or radians."""
    if target.factor.kind == "circular":
        turn = np.arctan2(after[:, 1], after[:, 0]) - np.arctan2(before[:, 1], before[:, 0])
        return np.asarray(np.mod(turn + np.pi, 2 * np.pi) - np.pi)
    return np.asarray((after - before)[:, 0])


def change(target: Target, before: Floats, after: Floats) -> Floats:
    """How far coordinates (N, m) went, (N,): standard steps, radians, or the share of a class that another took."""
    if target.factor.kind == "categorical":
        return np.asarray(np.abs(after - before).sum(axis=1)) / 2
    return np.abs(signed(target, before, after))


def gain(target: Target, before: Floats, ways: tuple[Floats, ...]) -> float:
    """How far coordinates (N, m) went to where the edits of `moves` should bring them, on average.

    What goes the wrong way counts against it; of a class, any other counts.
    """
    if target.factor.kind == "categorical":
        return float(np.mean([change(target, before, after).mean() for after in ways]))
    return float(np.mean([way * signed(target, before, after).mean() for way, after in zip(WAYS, ways, strict=True)]))


def moves(signature: Signature, codes: Floats, amount: float = 1.0) -> tuple[Floats, ...]:
    """Codes (N, D) with the factor moved both ways: a standard step, an eighth of a turn, or to each other class."""
    factor, target = signature.factor, signature.chart.target
    if factor.kind == "categorical":
        read = np.array(signature.classes)[signature.reader(codes)[:, list(signature.classes)].argmax(axis=1)]
        steps = range(1, len(signature.classes))
        place = np.searchsorted(signature.classes, read)
        others = (np.array(signature.classes)[(place + step) % len(signature.classes)] for step in steps)
        return tuple(codes + amount * signature.offset(read.astype(float), other.astype(float)) for other in others)
    read = signature.reader.read(codes) if signature.path != "line" else np.full(len(codes), target.centre)
    step = amount * (factor.period / 8 if factor.kind == "circular" else target.scale)
    return tuple(codes + signature.offset(read, read + way * step) for way in WAYS)


def leak(
    signature: Signature,
    codes: Floats,
    read: Callable[[Floats], Mapping[str, Floats]],
    targets: Mapping[str, Target],
    skill: Mapping[str, float],
    response: Response,
) -> float:
    """Mean change of the other factors per gain of the signature's own, each in changes between two random rows.

    Factors count by the skill of their reading: one that is mostly noise changes with every movement.

    Args:
        signature: with the directions to judge.
        codes: where edits start, (N, D).
        read: from codes to coordinates by factor, found from rows that the directions are not from.
        targets: the factors to look at by name, the signature's own among them.
        skill: share of each reading's variance that its labels explain on other rows, in [0, 1].
        response: of the model.

    Returns:
        0 for perfect isolation, 1 where the others change as much; infinite where the factor does not move.
    """
    before = read(response(codes))
    after = [read(response(one)) for one in moves(signature, codes)]
    changed, own = {}, 0.0
    for name, target in targets.items():
        apart = float(change(target, before[name], np.roll(before[name], len(codes) // 2, axis=0)).mean())
        if apart <= 0:
            continue
        if name == signature.name:
            own = gain(target, before[name], tuple(one[name] for one in after)) / apart
        else:
            changed[name] = float(np.mean([change(target, before[name], one[name]).mean() for one in after])) / apart
    if own < UNMOVED:
        return float("inf")
    total = sum(skill[name] for name in changed)
    return sum(skill[name] * value for name, value in changed.items()) / total / own if total > 0 else 0.0


def skills(read: Mapping[str, Floats], charts: Mapping[str, Chart], table: FactorTable) -> dict[str, float]:
    """Squared correlation of read coordinates (N, m) and those of the labels, by factor; 0 where too few are known."""
    found = {}
    for name, chart in charts.items():
        k = table.index(name)
        known = table.known[:, k]
        found[name] = _explained(read[name][known], chart.of(table.values[known, k])) if known.sum() > 2 else 0.0
    return found


def _explained(read: Floats, truth: Floats) -> float:
    """Share of the variance of readings (n, m) that lies along the labels' coordinates (n, m), best scaled."""
    read, truth = read - read.mean(axis=0), truth - truth.mean(axis=0)
    whole = float((read**2).sum() * (truth**2).sum())
    return max(0.0, float((read * truth).sum())) ** 2 / whole if whole > 0 else 0.0
