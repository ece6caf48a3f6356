"""What a report is made of: plain values and arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unweave.core.scores import Scorecard
from unweave.projects.report.signatures import Shown

Series = Mapping[str, tuple[Sequence[int], Sequence[float]]]
"""Name to steps and values."""


class Row(Protocol):
    """One row of the traversal grid."""

    @property
    def latent(self) -> int:
        """Number of the dimension."""

    @property
    def kl(self) -> float | None:
        """Information that it carries, in nats, or None where that is not known."""

    @property
    def used(self) -> bool:
        """Whether it carries any."""

    @property
    def label(self) -> str:
        """The factor that it moves, in short."""

    @property
    def factor(self) -> str | None:
        """Name of that factor, or None."""


@dataclass(frozen=True)
class Reconstructions:
    """Originals uint8 (N, H, W, C) and what the model makes of them, float32 (N, H, W, C) in [0, 1]."""

    originals: NDArray[Any]
    decoded: NDArray[np.float32]


@dataclass(frozen=True)
class Traversals:
    """Rows ordered by information, and their images float32 (D, frames, H, W, C) in [0, 1]."""

    rows: Sequence[Row]
    images: NDArray[np.float32]


@dataclass(frozen=True)
class ReportContent:
    """Everything that a report may show; what is absent is left out or explained.

    Attributes:
        title, run: names of the project and the run.
        asked: the run's `asked.json`: settings, data hash, versions, device.
        status: its `status.json`: how training ended, and the diagnoses.
        data: the data report as plain values.
        series: the run's history.
        notes: what happened, with its step.
        scorecard: scores on held-out rows.
        gates: results of `accept:`.
        reconstructions, traversals: pictures; None for vectors.
        information: share of each factor's entropy that each dimension knows, (D, K); None without labels.
        factors: names of the K factors.
        signatures: what was found by `unweave probe`; None before.
        no_pictures: why there are none, where there are none.
    """

    title: str
    run: str
    asked: Mapping[str, Any]
    status: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    series: Series = field(default_factory=dict)
    notes: Sequence[tuple[int, str]] = ()
    scorecard: Scorecard | None = None
    gates: Sequence[Mapping[str, Any]] = ()
    reconstructions: Reconstructions | None = None
    traversals: Traversals | None = None
    information: NDArray[np.float64] | None = None
    factors: Sequence[str] = ()
    signatures: Shown | None = None
    no_pictures: str = ""

    @property
    def imported(self) -> Mapping[str, Any] | None:
        """What an imported model is; None for one that was trained here."""
        return self.asked.get("imported")
