"""Edits applied to codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError, DataError, ShapeError, UnweaveError
from unweave.signatures.asked import goal_of, goal_to
from unweave.signatures.edit import Edit
from unweave.signatures.edited import Beyond, Edited, Over
from unweave.signatures.making import Made, make
from unweave.signatures.signatures import Signatures

Floats = NDArray[np.float64]


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
    z = _checked("codes", codes, signatures.latent)
    other = None if others is None else _checked("others", others, signatures.latent)
    if other is not None:
        if len(other) not in (1, len(z)):
            raise ShapeError("others", want=f"({len(z)} or 1, {signatures.latent})", got=other.shape)
        other = np.broadcast_to(other, z.shape)
    made = _make(signatures, z, [edit], other, budget, over, beyond)
    return made.edited(slice(None), edit)


def edit_each(
    signatures: Signatures,
    codes: NDArray[Any],
    edits: Sequence[Edit],
    *,
    others: NDArray[Any] | None = None,
    budget: float | None = None,
    over: Over = "trim",
    beyond: Beyond = "clip",
) -> list[Edited | UnweaveError]:
    """Another edit for each code, as `edit_codes` makes it of that code alone; one that is asked wrongly fails alone.

    Edits that change the same factors in the same ways, by whatever amounts, are solved for together, which takes
    little more time than one of them.

    Args:
        signatures: of the model.
        codes: (N, D).
        edits: one per code.
        others: codes (N, D) to take the factors of `Swap` from.
        budget, over, beyond: see `edit_codes`.
    """
    alike: dict[tuple[tuple[str, type], ...], list[int]] = {}
    for row, edit in enumerate(edits):
        alike.setdefault(tuple((name, type(edit.changes[name])) for name in sorted(edit.changes)), []).append(row)
    found: dict[int, Edited | UnweaveError] = {}
    for rows in alike.values():
        some = [edits[row] for row in rows]
        theirs = None if others is None else others[rows]
        try:
            z = _checked("codes", codes[rows], signatures.latent)
            other = None if theirs is None else _checked("others", theirs, signatures.latent)
            made = _make(signatures, z, some, other, budget, over, beyond)
            found |= {row: made.edited(slice(k, k + 1), edits[row]) for k, row in enumerate(rows)}
        except UnweaveError as error:
            if len(rows) == 1:
                found[rows[0]] = error
                continue
            for row in rows:  # who of them asked wrongly is found by asking each
                one = slice(row, row + 1)
                (found[row],) = edit_each(
                    signatures,
                    codes[one],
                    edits[one],
                    others=None if others is None else others[one],
                    budget=budget,
                    over=over,
                    beyond=beyond,
                )
    return [found[row] for row in range(len(edits))]


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
    made = make(signatures.density, z, goals, budget=budget, over=over, beyond=beyond)
    return made.edited(slice(None), None)


def _make(
    signatures: Signatures,
    codes: Floats,
    edits: Sequence[Edit],
    others: Floats | None,
    budget: float | None,
    over: Over,
    beyond: Beyond,
) -> Made:
    """One edit of all codes (N, D), or one of each; all change the same factors in the same ways."""
    known = {signatures[name].name: [edit.changes[name] for edit in edits] for name in edits[0].changes}
    if others is None and any(edit.swaps for edit in edits):
        raise ConfigError("`swap` takes factors from other codes: give `others`.")
    # Always in the order of the signatures, so that not even rounding depends on the order of the edit.
    goals = [goal_of(s, known[s.name], codes, others) for s in signatures.signatures if s.name in known]
    return make(signatures.density, codes, goals, budget=budget, over=over, beyond=beyond)


def _checked(name: str, codes: NDArray[Any], latent: int) -> Floats:
    values = np.asarray(codes, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != latent:
        hint = "Add a row axis with z[None]." if values.shape == (latent,) else ""
        raise ShapeError(name, want=f"(rows, {latent})", got=values.shape, hint=hint)
    if not np.isfinite(values).all():
        bad = ~np.isfinite(values).all(axis=1)
        raise DataError(
            f"{name}: row {int(bad.argmax())} holds NaN or infinity ({int(bad.sum())} of {len(values)} rows do). "
            "Check the images that they are of."
        )
    return values
