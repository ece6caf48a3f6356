"""What is known about a probe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from unweave.core.scores import Score
from unweave.signatures.probes.task import ProbeKind
from unweave.signatures.reader import Reader

Pair = tuple[float, float]


@dataclass(frozen=True)
class NonLinear:
    """The same probe with bent features beside the codes, on the same folds: what a straight reading leaves.

    Attributes:
        score: of the main score's kind; without a null of its own.
        difference: how far it lies above the linear probe's.
        interval: of the difference at 95 %, both scores resampled alike; None without bootstrap.
    """

    score: Score
    difference: float
    interval: Pair | None

    @property
    def costs(self) -> bool:
        """Whether linearity surely costs something."""
        return self.interval is not None and self.interval[0] > 0


@dataclass(frozen=True)
class ProbeReport:
    """A probe of one factor, with its scores on rows that it did not learn from.

    Attributes:
        reader: fitted on all rows with the chosen penalty.
        kind: the probe.
        scores: by name, with interval and the score of permuted labels.
        primary: name of the main score.
        nonlinear: the non-linear probe beside it, None where it was not asked for.
        reliable: whether the main score's interval lies above the range of permuted labels.
        penalty: chosen by cross-validation.
        rows: labels learnt from.
        groups: number of groups that were held out as a whole, None without groups.
        notes: what to know when reading the scores, in sentences.
    """

    reader: Reader
    kind: ProbeKind
    scores: Mapping[str, Score]
    primary: str
    nonlinear: NonLinear | None
    reliable: bool
    penalty: float
    rows: int
    groups: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def main(self) -> Score:
        """The main score."""
        return self.scores[self.primary]

    def noting(self, notes: tuple[str, ...]) -> ProbeReport:
        """The same report with more notes."""
        return replace(self, notes=(*self.notes, *notes))

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        bent = self.nonlinear
        return {
            "reader": self.reader.to_json(),
            "kind": self.kind,
            "scores": {name: score.to_json() for name, score in self.scores.items()},
            "primary": self.primary,
            "nonlinear": None
            if bent is None
            else {
                "score": bent.score.to_json(),
                "difference": bent.difference,
                "interval": None if bent.interval is None else list(bent.interval),
            },
            "reliable": self.reliable,
            "penalty": self.penalty,
            "rows": self.rows,
            "groups": self.groups,
            "notes": list(self.notes),
        }
