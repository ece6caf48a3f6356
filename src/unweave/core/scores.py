"""A number that can be trusted: its interval, the score of random codes, and the protocol behind it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Stamp:
    """The protocol of a score. Two scores may be compared only when their stamps are equal.

    Attributes:
        definition: which definition was computed, for example "mig".
        mode: "reference" (the published definition) or "robust" (known defects removed).
        settings: everything that moves the number: bins, split rule, seed, learner, ….
        rows: number of rows that were scored (train and test where there is a split).
        factors: names of the factors that were scored.
        versions: versions of the libraries that computed it.
    """

    definition: str
    mode: str
    settings: Mapping[str, Any]
    rows: int
    factors: tuple[str, ...]
    versions: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {
            "definition": self.definition,
            "mode": self.mode,
            "settings": dict(self.settings),
            "rows": self.rows,
            "factors": list(self.factors),
            "versions": dict(self.versions),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(**{**data, "factors": tuple(data["factors"])})


@dataclass(frozen=True)
class Score:
    """One score of one model.

    Attributes:
        name: for example "mig" or "dci.disentanglement".
        value: the score, or None when it cannot be computed; then `reason` says why in words.
        interval: bootstrap interval at 95 %, or None where none was asked for.
        null: mean score of random codes (the same codes, rows permuted), or None.
        null_interval: central 95 % range of the scores of random codes, or None.
        matrix: the array behind the value, rows are codes and columns are factors unless said, or None.
        dropped_codes: indices of codes left out, for example dead dimensions.
        dropped_factors: names of factors left out, for example constant ones.
        stamp: the protocol.
    """

    name: str
    value: float | None
    stamp: Stamp
    interval: tuple[float, float] | None = None
    null: float | None = None
    null_interval: tuple[float, float] | None = None
    matrix: NDArray[np.float64] | None = None
    dropped_codes: tuple[int, ...] = ()
    dropped_factors: tuple[str, ...] = ()
    reason: str | None = None

    def __post_init__(self) -> None:
        if self.value is not None and not math.isfinite(self.value):
            raise AssertionError(f"{self.name}: a score is a finite number or None with a reason, got {self.value}")
        if (self.value is None) != (self.reason is not None):
            raise AssertionError(f"{self.name}: exactly one of `value` and `reason` must be given")

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {
            "value": self.value,
            "interval": None if self.interval is None else list(self.interval),
            "null": self.null,
            "null_interval": None if self.null_interval is None else list(self.null_interval),
            "reason": self.reason,
            "dropped_codes": list(self.dropped_codes),
            "dropped_factors": list(self.dropped_factors),
            "stamp": self.stamp.to_json(),
            "matrix": None if self.matrix is None else self.matrix.tolist(),
        }

    @classmethod
    def from_json(cls, name: str, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(
            name=name,
            value=data["value"],
            stamp=Stamp.from_json(data["stamp"]),
            interval=_pair(data["interval"]),
            null=data["null"],
            null_interval=_pair(data["null_interval"]),
            matrix=None if data["matrix"] is None else np.asarray(data["matrix"], dtype=np.float64),
            dropped_codes=tuple(data["dropped_codes"]),
            dropped_factors=tuple(data["dropped_factors"]),
            reason=data["reason"],
        )


def _pair(data: list[float] | None) -> tuple[float, float] | None:
    return None if data is None else (data[0], data[1])


@dataclass(frozen=True)
class Scorecard(Mapping[str, Score]):
    """The scores of one model, by name, in the order in which they should be read."""

    scores: Mapping[str, Score] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Score:
        return self.scores[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.scores)

    def __len__(self) -> int:
        return len(self.scores)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary `{"scores": {name: …}}`."""
        return {"scores": {name: score.to_json() for name, score in self.scores.items()}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls({name: Score.from_json(name, score) for name, score in data["scores"].items()})
