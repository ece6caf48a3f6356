"""Edits applied to codes: what was asked, what was done, and why they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError, DataError, ShapeError
from unweave.signatures.asked import goal_of, goal_to
from unweave.signatures.budget import predicted
from unweave.signatures.edit import Change, Edit
from unweave.signatures.goals import Goal
from unweave.signatures.signatures import Signatures
from unweave.signatures.solve import solve

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

Beyond = Literal["clip", "refuse"]
Over = Literal["trim", "refuse"]


@dataclass(frozen=True)
class Done:
    """What became of one factor, row by row, in the units of its labels.

    Attributes:
        factor: its name.
        before, after: labels (N,) that its probe reads off the codes.
        wanted: labels (N,) that were asked for.
        reached: (N,), whether the probe says what was asked for; a move from class to class asks nothing of it.
    """

    factor: str
    before: Floats
    wanted: Floats
    after: Floats
    reached: Flags


@dataclass(frozen=True)
class Edited:
    """Edited codes with what was done.

    Attributes:
        codes: float32 (N, D).
        done: per factor, in the order of the signatures.
        asked: what was asked, by factor; None where labels were given row by row.
        kept: share (N,) of the edit that budget and safe range left, 1 for all.
        leakage: predicted mean change (N,) of the other factors, or None without a budget.
        notes: in words, what was not done as asked.
    """

    codes: NDArray[np.float32]
    done: tuple[Done, ...]
    asked: Edit | None
    kept: Floats
    leakage: Floats | None
    notes: tuple[str, ...]

    def __getitem__(self, factor: str) -> Done:
        return next(done for done in self.done if done.factor == factor)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary, without the codes."""
        return {
            "asked": None if self.asked is None else self.asked.to_json(),
            "factors": {
                d.factor: {n: getattr(d, n).tolist() for n in ("before", "wanted", "after", "reached")}
                for d in self.done
            },
            "kept": self.kept.tolist(),
            "leakage": None if self.leakage is None else self.leakage.tolist(),
            "notes": list(self.notes),
        }


def edit_codes(
    signatures: Signatures,
    codes: NDArray[Any],
    edit: Edit,
    *,
    others: NDArray[Any] | None = None,
    model: str | None = None,
    budget: float | None = None,
    over: Over = "trim",
    beyond: Beyond = "clip",
) -> Edited:
    """Move, set and swap factors of codes.

    All factors of the edit are solved for together, so their order means nothing: every probe says what was asked.

    Args:
        signatures: of the model.
        codes: (N, D).
        edit: what to do.
        others: codes (N, D) or (1, D) to take the factors of `Swap` from.
        model: hash of the model that the codes are of, where it is known.
        budget: the mean change of the other factors that measured leakage may predict, in changes between two random
            rows.
        over: `trim` edits over the budget down to it, or `refuse` them.
        beyond: `clip` edits that leave the data (`Density`) where they would, or `refuse` them.

    Raises:
        ConfigError: a factor or a label is unknown, the codes are of another model, or the edit is refused.
        ShapeError, DataError: the codes have another width, or hold NaN or infinity.
    """
    if model is not None:
        signatures.check_model(model)
    known: dict[str, Change] = {signatures[name].name: change for name, change in edit.changes.items()}
    z = _checked("codes", codes, signatures.latent)
    if edit.swaps and others is None:
        raise ConfigError("`swap` takes factors from other codes: give `others`.")
    other = None if others is None else _checked("others", others, signatures.latent)
    if other is not None:
        if len(other) not in (1, len(z)):
            raise ShapeError("others", want=f"({len(z)} or 1, {signatures.latent})", got=other.shape)
        other = np.broadcast_to(other, z.shape)
    # Always in the order of the signatures, so that not even rounding depends on the order of the edit.
    goals = [goal_of(signatures[n], known[n], z, other) for n in signatures.names if n in known]
    return _apply(signatures, z, goals, edit, budget, over, beyond)


def set_labels(
    signatures: Signatures,
    codes: NDArray[Any],
    labels: dict[str, NDArray[np.float64]],
    *,
    budget: float | None = None,
    over: Over = "trim",
    beyond: Beyond = "clip",
) -> Edited:
    """Set factors row by row to labels (N,): class codes, or numbers in their units. Otherwise as `edit_codes`."""
    z = _checked("codes", codes, signatures.latent)
    wanted = {signatures[name].name: np.asarray(values, dtype=np.float64) for name, values in labels.items()}
    for name, values in wanted.items():
        if values.shape != (len(z),):
            raise ShapeError(f"labels of {name}", want=f"({len(z)},)", got=values.shape)
        missing = set(values.astype(int)) - set(signatures[name].classes)
        if signatures[name].path == "classes" and missing:
            raise ConfigError(f"labels of {name}: no labelled row was of class {min(missing)}, so no way leads there.")
    goals = [goal_to(signatures[n], wanted[n], z) for n in signatures.names if n in wanted]
    return _apply(signatures, z, goals, None, budget, over, beyond)


def _apply(
    signatures: Signatures,
    codes: Floats,
    goals: Sequence[Goal],
    edit: Edit | None,
    budget: float | None,
    over: Over,
    beyond: Beyond,
) -> Edited:
    at, shift = solve(codes, goals)
    notes: list[str] = []
    kept, leakage = np.ones(len(codes)), None
    if budget is not None:
        share, leakage = _within_budget(predicted(goals, at), budget, over, goals, notes)
        if (share < 1).any():
            _, shift = solve(codes, [goal.scaled(share, a) for goal, a in zip(goals, at, strict=True)])
        kept = kept * share
    share = _within_data(signatures, codes, shift, beyond, goals, notes)
    kept = kept * share
    leakage = None if leakage is None else leakage * share
    edited = (codes + share[:, None] * shift).astype(np.float32)
    done = tuple(_done(goal, codes, edited) for goal in goals)
    for one in done:
        missed = (~one.reached & (kept >= 1)).sum()
        if missed:
            notes.append(f"{one.factor}: {_rows(missed, len(codes))} moved all the way, and the probe does not say so")
    return Edited(edited, done, edit, kept, leakage, tuple(notes))


def _within_budget(
    found: Floats, budget: float, over: Over, goals: Sequence[Goal], notes: list[str]
) -> tuple[Floats, Floats]:
    """Shares (N,) of the edit that keep the budget, and the leakage that is then predicted."""
    if not budget >= 0:
        raise ConfigError(f"budget: expected 0 or more, got {budget}.")
    excess = found > budget
    if not excess.any():
        return np.ones(len(found)), found
    names = " and ".join(goal.signature.name for goal in goals)
    worst = float(found.max())
    if over == "refuse":
        raise ConfigError(
            f"editing {names} is predicted to change the other factors by {worst:.3g} of the change between two random "
            f"rows, over the budget of {budget:g} ({_rows(int(excess.sum()), len(found))}). Ask for at most "
            f"{budget / worst:.0%} of the way, or for a larger budget."
        )
    share = np.where(excess, budget / np.where(excess, found, 1.0), 1.0)
    notes.append(
        f"{names}: {_rows(int(excess.sum()), len(found))} trimmed to the budget of {budget:g}, to "
        f"{float(share.min()):.0%} of the way at least"
    )
    return share, found * share


def _within_data(
    signatures: Signatures, codes: Floats, shift: Floats, beyond: Beyond, goals: Sequence[Goal], notes: list[str]
) -> Floats:
    """Shares (N,) of the shift that stay within the data."""
    _, furthest = signatures.density.reach(codes, shift)
    share = np.clip(furthest, 0, 1)
    outside = share < 1
    if not outside.any():
        return share
    names = " and ".join(goal.signature.name for goal in goals)
    if beyond == "refuse":
        raise ConfigError(
            f"editing {names} as asked leaves the data ({_rows(int(outside.sum()), len(codes))}): at most "
            f"{float(share.min()):.0%} of the way lies within the data. Ask for less, or let it be clipped."
        )
    notes.append(
        f"{names}: {_rows(int(outside.sum()), len(codes))} clipped to where the data end, at "
        f"{float(share.min()):.0%} of the way at least"
    )
    return share


def _done(goal: Goal, codes: Floats, edited: NDArray[np.float32]) -> Done:
    reader = goal.signature.reader
    return Done(goal.signature.name, reader.read(codes), goal.wanted, reader.read(edited), goal.says(reader(edited)))


def _checked(name: str, codes: NDArray[Any], latent: int) -> Floats:
    values = np.asarray(codes, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != latent:
        hint = "Add a row axis with z[None]." if values.shape == (latent,) else ""
        raise ShapeError(name, want=f"(rows, {latent})", got=values.shape, hint=hint)
    bad = ~np.isfinite(values).all(axis=1)
    if bad.any():
        raise DataError(
            f"{name}: row {int(bad.argmax())} holds NaN or infinity ({int(bad.sum())} of {len(values)} rows do). "
            "Check the images that they are of."
        )
    return values


def _rows(count: int, total: int) -> str:
    return "the code is" if total == 1 else f"{count} of {total} codes are"
