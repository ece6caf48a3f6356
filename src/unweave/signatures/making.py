"""From goals to edited codes: what is solved for, what budget and data leave of it, and what there is to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError
from unweave.signatures.budget import predicted
from unweave.signatures.density import Density
from unweave.signatures.edit import Edit
from unweave.signatures.edited import Beyond, Done, Edited, Over
from unweave.signatures.goals import Flags, Goal
from unweave.signatures.solve import solve

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Made:
    """Edits of N codes, before anything is said of them.

    Attributes:
        codes: edited, float32 (N, D).
        done: per factor.
        names: of the factors, as notes say them.
        trimmed, clipped: shares (N,) of the edit that the budget and the data left, 1 for all.
        unlike: whether a code that was clipped was outside the data from the start, (N,).
        leakage: predicted mean change (N,) of the other factors, or None without a budget.
        budget: that held, or None.
    """

    codes: NDArray[np.float32]
    done: tuple[Done, ...]
    names: str
    trimmed: Floats
    clipped: Floats
    unlike: Flags
    leakage: Floats | None
    budget: float | None

    def edited(self, rows: slice, asked: Edit | None) -> Edited:
        """Some of the rows, with notes on those alone.

        Args:
            rows: which of them.
            asked: what was asked of these rows.
        """
        kept = self.trimmed[rows] * self.clipped[rows]
        done = tuple(
            Done(one.factor, one.before[rows], one.wanted[rows], one.after[rows], one.reached[rows])
            for one in self.done
        )
        leakage = None if self.leakage is None else self.leakage[rows]
        return Edited(self.codes[rows], done, asked, kept, leakage, self._notes(rows, done, kept))

    def _notes(self, rows: slice, done: Sequence[Done], kept: Floats) -> tuple[str, ...]:
        notes, total = [], len(kept)
        limits = [(self.clipped[rows], "clipped to where the data end, at")]
        if self.budget is not None:
            limits.insert(0, (self.trimmed[rows], f"trimmed to the budget of {self.budget:g}, to"))
        for shares, what in limits:
            short = int((shares < 1).sum())
            if short:
                least = f"{float(shares.min()):.0%} of the way at least"
                notes.append(f"{self.names}: {_rows(short, total)} {what} {least}")
        unlike = int(self.unlike[rows].sum())
        if unlike:
            notes.append(f"{_rows(unlike, total)} outside the data before the edit: the model knows little like it")
        for one in done:
            missed = int((~one.reached & (kept >= 1)).sum())
            if missed:
                said = f"{_rows(missed, total)} moved all the way, and the probe does not say so"
                notes.append(f"{one.factor}: {said}")
        return tuple(notes)


def make(
    density: Density, codes: Floats, goals: Sequence[Goal], *, budget: float | None, over: Over, beyond: Beyond
) -> Made:
    """Solve for goals of codes (N, D) and keep within budget and data.

    Args:
        density: of the model's codes.
        codes: to be edited.
        goals: one per factor, in the order of the signatures.
        budget, over, beyond: see `edit_codes`.

    Raises:
        ConfigError: it cannot be solved, or is refused.
    """
    at, shift = solve(codes, goals)
    names = " and ".join(goal.signature.name for goal in goals)
    trimmed, leakage = np.ones(len(codes)), None
    if budget is not None:
        trimmed, leakage = _within_budget(predicted(goals, at), budget, over, names)
        if (trimmed < 1).any():
            _, shift = solve(codes, [goal.scaled(trimmed, a) for goal, a in zip(goals, at, strict=True)])
    clipped, unlike = _within_data(density, codes, shift, beyond, names)
    leakage = None if leakage is None else leakage * clipped
    edited = (codes + clipped[:, None] * shift).astype(np.float32)
    done = tuple(_done(goal, codes, edited) for goal in goals)
    return Made(edited, done, names, trimmed, clipped, unlike, leakage, budget)


def _within_budget(found: Floats, budget: float, over: Over, names: str) -> tuple[Floats, Floats]:
    """Shares (N,) of the edit that keep the budget, and the leakage that is then predicted."""
    if not budget >= 0:
        raise ConfigError(f"budget: expected 0 or more, got {budget}.")
    excess = found > budget
    if not excess.any():
        return np.ones(len(found)), found
    if over == "refuse":
        worst = float(found.max())
        raise ConfigError(
            f"editing {names} is predicted to change the other factors by {worst:.3g} of the change between two random "
            f"rows, over the budget of {budget:g} ({_rows(int(excess.sum()), len(found))}). Ask for at most "
            f"{budget / worst:.0%} of the way, or for a larger budget."
        )
    share = np.where(excess, budget / np.where(excess, found, 1.0), 1.0)
    return share, found * share


def _within_data(density: Density, codes: Floats, shift: Floats, beyond: Beyond, names: str) -> tuple[Floats, Flags]:
    """Shares (N,) of the shift that stay within the data, and which of those cut short were outside from the start."""
    if (density.distance(codes + shift) <= density.radius).all():  # so do the ways there: it is an ellipsoid
        return np.ones(len(codes)), np.zeros(len(codes), dtype=bool)
    _, furthest = density.reach(codes, shift)
    share = np.minimum(np.maximum(furthest, 0), 1)
    leaves = share < 1
    unlike = leaves & (density.distance(codes) > density.radius)
    if beyond == "refuse" and leaves.any():
        some, already = int(leaves.sum()), int(unlike.sum())
        before = "" if not already else ", from the start" if already == some else f", {already} from the start"
        raise ConfigError(
            f"editing {names} as asked leaves the data ({_rows(some, len(codes))}{before}): at most "
            f"{float(share.min()):.0%} of the way lies within the data. Ask for less, or let it be clipped."
        )
    return share, unlike


def _done(goal: Goal, codes: Floats, edited: NDArray[np.float32]) -> Done:
    reader = goal.signature.reader
    after = reader(edited)
    return Done(goal.signature.name, reader.read(codes), goal.wanted, reader.labels(after), goal.says(after))


def _rows(count: int, total: int) -> str:
    return "the code is" if total == 1 else f"{count} of {total} codes are"
