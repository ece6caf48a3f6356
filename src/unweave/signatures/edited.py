"""Edited codes, with what was asked, what was done, and why they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from unweave.signatures.edit import Edit

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
