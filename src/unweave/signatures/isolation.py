"""How well directions move one factor and nothing else, as readers that took no part in finding them see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from unweave.core.targets import Target
from unweave.signatures.signature import Signature

Floats = NDArray[np.float64]

Response = Callable[[Floats], Floats]
"""From edited codes (N, D) to the codes of what they decode to, (N, D); the identity for codes without a decoder."""

UNMOVED = 0.02
"""On-target change, in changes between two random rows, below which directions do not move their factor."""


def change(target: Target, before: Floats, after: Floats) -> Floats:
    """How far coordinates (N, m) went, (N,): standard steps, radians, or the share of a class that another took."""
    kind = target.factor.kind
    if kind == "circular":
        turn = np.arctan2(after[:, 1], after[:, 0]) - np.arctan2(before[:, 1], before[:, 0])
        return np.abs(np.mod(turn + np.pi, 2 * np.pi) - np.pi)
    return np.asarray(np.abs(after - before).sum(axis=1)) / (2 if kind == "categorical" else 1)


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
    return tuple(codes + signature.offset(read, read + way * step) for way in (-1, 1))


def leak(
    signature: Signature,
    codes: Floats,
    read: Callable[[Floats], Mapping[str, Floats]],
    targets: Sequence[Target],
    response: Response,
) -> float:
    """Mean change of the other factors per change of the signature's own, each in changes between two random rows.

    Args:
        signature: with the directions to judge.
        codes: where edits start, (N, D).
        read: from codes to coordinates by factor, found from rows that the directions are not from.
        targets: the factors to look at, the signature's own among them.
        response: of the model.

    Returns:
        0 for perfect isolation, 1 where the others change as much; infinite where the factor does not move.
    """
    before = read(response(codes))
    after = [read(response(one)) for one in moves(signature, codes)]
    changed = {}
    for target in targets:
        name = target.factor.name
        apart = float(change(target, before[name], np.roll(before[name], len(codes) // 2, axis=0)).mean())
        if apart > 0:
            changed[name] = float(np.mean([change(target, before[name], one[name]).mean() for one in after])) / apart
    own = changed.pop(signature.name, 0.0)
    if own < UNMOVED:
        return float("inf")
    return float(np.mean(list(changed.values()))) / own if changed else 0.0
