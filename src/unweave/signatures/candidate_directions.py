"""Directions found without labels, each with its proof of stability and, if somebody knows it, its name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError, StorageError
from unweave.core.files import atomic_file, write_text
from unweave.signatures.axes import Floats, How
from unweave.signatures.density import Density

FILE, ARRAYS = "candidates.json", "candidates.npz"
_FORMAT = 2

ALIKE = 0.9
"""Absolute cosine from which two directions are called the same."""

REACH = 2.0
"""Steps to either side that a strip shows."""


@dataclass(frozen=True)
class Candidate:
    """One direction that may be a factor.

    Attributes:
        number: what the user calls it by.
        how: what found it.
        share: what it explains: of the variance of the codes, or of the change of the picture (`jacobian`).
        step: length of one standard step, in units of the code.
        stability, interval: mean absolute cosine with what bootstraps find in its place, and 95 % of them.
        chance: what directions that mean nothing score.
        like: numbers of candidates that others found and that point the same way.
        changes: for vectors, the components that change most from end to end, and by how much; empty for images.
        name: that the user gave it, or None.
    """

    number: int
    how: How
    share: float
    step: float
    stability: float
    interval: tuple[float, float]
    chance: float
    like: tuple[int, ...] = ()
    changes: tuple[tuple[int, float], ...] = ()
    name: str | None = None


@dataclass(frozen=True)
class Discovery:
    """All candidates of one model.

    Attributes:
        model: hash of the model that the codes are of.
        centre: the code from which strips start, (D,).
        directions: unit vectors (M, D), in the order of the candidates.
        readers: weights (M, D) that read steps along each off a code; see `axes.readings`.
        density: of the codes that were searched.
        candidates: M of them.
        provenance: data hash, rows, seed: whatever repeats the search.
    """

    model: str
    centre: Floats
    directions: Floats
    readers: Floats
    density: Density
    candidates: tuple[Candidate, ...]
    provenance: Mapping[str, Any]

    def path(self, number: int, frames: int = 9) -> NDArray[np.float32]:
        """Codes (frames, D) from -2 to 2 steps along a candidate, through the centre."""
        place = self.place(number)
        along = np.linspace(-REACH, REACH, frames) * self.candidates[place].step
        codes: NDArray[np.float32] = (self.centre + along[:, None] * self.directions[place]).astype(np.float32)
        return codes

    def place(self, number: int) -> int:
        """Place of a candidate among all.

        Raises:
            ConfigError: there is none of this number.
        """
        for place, candidate in enumerate(self.candidates):
            if candidate.number == number:
                return place
        raise ConfigError(f"there is no candidate {number}. They are numbered 0 to {len(self.candidates) - 1}.")

    def named(self, names: Mapping[int, str | None]) -> Self:
        """The same with names given, or taken away by None.

        Raises:
            ConfigError: there is no such candidate, or two would have one name.
        """
        changed = list(self.candidates)
        for number, name in names.items():
            place = self.place(number)
            changed[place] = replace(changed[place], name=name)
        given = [c.name for c in changed if c.name is not None]
        twice = next((name for name in given if given.count(name) > 1), None)
        if twice is not None:
            numbers = ", ".join(str(c.number) for c in changed if c.name == twice)
            raise ConfigError(f"candidates {numbers} would both be called {twice!r}. Give each name once.")
        return replace(self, candidates=tuple(changed))

    def with_names_of(self, earlier: Discovery) -> tuple[Self, tuple[str, ...]]:
        """Names of an earlier search for directions that point the same way, and names that found none."""
        names: dict[int, str | None] = {}
        lost = []
        for place, candidate in enumerate(earlier.candidates):
            if candidate.name is None:
                continue
            cosines = np.abs(self.directions @ earlier.directions[place])
            same = [c.how == candidate.how for c in self.candidates]
            best = int(np.where(same, cosines, cosines - 1).argmax())
            if cosines[best] >= ALIKE and self.candidates[best].number not in names:
                names[self.candidates[best].number] = candidate.name
            else:
                lost.append(candidate.name)
        return self.named(names), tuple(lost)

    def check_model(self, model: str) -> None:
        """Refuse directions of another model.

        Raises:
            ConfigError: they are.
        """
        if model != self.model:
            raise ConfigError(
                f"these candidates are of model {self.model[:8]}, and the run's model is {model[:8]} now. Type "
                "`unweave discover` to find those of the model as it is."
            )

    def to_json(self) -> dict[str, Any]:
        """Everything but the arrays."""
        return {
            "format": _FORMAT,
            "model": self.model,
            **self.provenance,
            "candidates": [asdict(candidate) for candidate in self.candidates],
        }

    def save(self, folder: Path) -> None:
        """Write `candidates.npz` and `candidates.json`, each whole or not at all."""
        with atomic_file(folder / ARRAYS) as part, part.open("wb") as file:
            density = self.density
            np.savez(
                file,
                centre=self.centre,
                directions=self.directions,
                readers=self.readers,
                mean=density.mean,
                covariance=density.covariance,
                radius=density.radius,
            )
        write_text(folder / FILE, json.dumps(self.to_json(), indent=2))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The inverse of `save`.

        Raises:
            ConfigError: nothing was discovered yet.
            StorageError: the files are damaged.
        """
        if not (folder / FILE).exists():
            raise ConfigError(f"{folder} holds no candidates yet. Type `unweave discover` first.")
        try:
            content = json.loads((folder / FILE).read_text(encoding="utf-8"))
            with (folder / ARRAYS).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                centre, directions, readers = arrays["centre"], arrays["directions"], arrays["readers"]
                density = Density(arrays["mean"], arrays["covariance"], float(arrays["radius"]))
            candidates = tuple(_candidate(c) for c in content.pop("candidates"))
            model, format_ = content.pop("model"), content.pop("format")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StorageError(f"{folder} is damaged: {error}. Type `unweave discover` again.") from error
        if format_ != _FORMAT or len(candidates) != len(directions):
            raise StorageError(f"{folder} is of another version, or damaged. Type `unweave discover` again.")
        return cls(model, centre, directions, readers, density, candidates, content)


def _candidate(content: Mapping[str, Any]) -> Candidate:
    tuples = {
        "interval": tuple(content["interval"]),
        "like": tuple(content["like"]),
        "changes": tuple((int(k), float(v)) for k, v in content["changes"]),
    }
    return Candidate(**{**content, **tuples})
