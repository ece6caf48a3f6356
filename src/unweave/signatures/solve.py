"""Edits of several factors at once, so that the probes of all of them are satisfied together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError
from unweave.signatures.goals import Goal, Linear

Floats = NDArray[np.float64]

_STEPS = 60
"""Newton steps at most. Straight paths take one, classes and bent paths a few."""

_DONE = 1e-10
_DEPENDENT = 1e-7
"""Smallest singular value of the system, with every factor in its own unit, at which it still has a solution."""


def solve(codes: Floats, goals: Sequence[Goal]) -> tuple[list[Floats], Floats]:
    """Parameters (N, p) of every goal, and what they add to codes (N, D) together.

    Each factor goes along its own signature only. Its directions are in general seen by the probes of the others, so
    the amounts are the solution of one small linear system per code: rows are what the probes read, columns the
    directions. Classes and bent paths make it piecewise linear; Newton's method walks through the pieces.

    Raises:
        ConfigError: a signature does not move what its probe reads, or two of them move the same.
    """
    at = [np.zeros((len(codes), goal.width)) for goal in goals]
    straight = all(goal.straight for goal in goals)
    moved = codes
    for _ in range(_STEPS):
        step = _newton([goal.linear(a, moved) for goal, a in zip(goals, at, strict=True)], goals)
        after = [goal.allowed(a + s) for goal, a, s in zip(goals, at, _parts(step, goals), strict=True)]
        before, at = at, after
        shift = np.asarray(sum(goal.shift(a) for goal, a in zip(goals, at, strict=True)))
        if straight or max(float(np.abs(b - a).max(initial=0)) for a, b in zip(before, at, strict=True)) <= _DONE:
            break
        moved = codes + shift
    return at, shift


def _parts(step: Floats, goals: Sequence[Goal]) -> Sequence[Floats]:
    """The parameters of each goal, of those of all (N, P)."""
    if len(goals) == 1:
        return [step]
    return np.split(step, np.cumsum([goal.width for goal in goals[:-1]]), axis=1)


def _newton(parts: Sequence[Linear], goals: Sequence[Goal]) -> Floats:
    """One step of all parameters, (N, P)."""
    if len(goals) == 1 and goals[0].width == 1:
        return _newton_of_one(parts[0], goals[0])
    tangent, read = (np.concatenate([getattr(part, n) for part in parts], axis=1) for n in ("tangent", "read"))
    rest, pinned = (np.concatenate([getattr(part, n) for part in parts], axis=1) for n in ("rest", "pinned"))
    system = np.einsum("nid,njd->nij", read, tangent)
    width = system.shape[1]
    system = np.where(pinned[:, :, None], np.eye(width), system)
    # Rows and columns in units of what each factor does to its own probe.
    own = np.abs(np.einsum("nii->ni", system))
    reach = np.linalg.norm(read, axis=2) * np.linalg.norm(tangent, axis=2)
    weak = ~pinned & (own <= _DEPENDENT * reach)
    owner = np.concatenate([np.full(goal.width, k) for k, goal in enumerate(goals)])
    for k, goal in enumerate(goals):
        # A point on the circle has two outputs: either of its directions may serve either.
        if weak[:, owner == k].any() and goal.width == 1:
            raise _unmoved(goal)
    unit = np.sqrt(np.where(own > 0, own, 1.0))
    scaled = system / unit[:, :, None] / unit[:, None, :]
    least = np.linalg.svd(scaled, compute_uv=False)[:, -1] if len(scaled) else np.ones(0)
    if (least <= _DEPENDENT).any():
        names = " and ".join(repr(goal.signature.name) for goal in goals)
        raise ConfigError(
            f"the signatures of {names} move the same in the code, so their probes cannot be satisfied together. "
            "Edit them one after the other, or fit the signatures on more labels."
        )
    found = np.linalg.solve(scaled, (rest / unit)[:, :, None])[:, :, 0]
    return np.asarray(found / unit)


def _newton_of_one(part: Linear, goal: Goal) -> Floats:
    """The same of one parameter, (N, 1): one division. Most edits that are served are of one factor."""
    read, tangent = part.read[:, 0], part.tangent[:, 0]
    own = np.einsum("nd,nd->n", read, tangent)
    reach = np.sqrt(np.einsum("nd,nd->n", read, read) * np.einsum("nd,nd->n", tangent, tangent))
    free = ~part.pinned[:, 0]
    if (free & (np.abs(own) <= _DEPENDENT * reach)).any():
        raise _unmoved(goal)
    return np.asarray(part.rest / np.where(free, own, 1.0)[:, None])


def _unmoved(goal: Goal) -> ConfigError:
    return ConfigError(f"the signature of {goal.signature.name!r} does not move what its probe reads.")
