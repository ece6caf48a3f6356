"""What is asked of an edit, as data: factors to move, to set, or to take from another code."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from unweave.core.errors import ConfigError


@dataclass(frozen=True)
class Move:
    """Move a factor from where it is.

    Attributes:
        amount: standard steps of a level or a measurement, units of the labels of an angle (degrees), or multiples of
            the way from the first to the second of two classes.
    """

    amount: float

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {"move": self.amount}


@dataclass(frozen=True)
class Set:
    """Set a factor to a label, whatever it is.

    Attributes:
        value: name of a class or a level, or a number in the units of the labels.
    """

    value: float | str

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {"set": self.value}


@dataclass(frozen=True)
class Swap:
    """Set a factor to what another code says; the other codes are given beside the edit."""

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {"swap": True}


Change = Move | Set | Swap


@dataclass(frozen=True)
class Edit:
    """Changes by factor; their order means nothing.

    In JSON: `{"smile": {"move": 1.0}, "pose": {"set": "left"}, "hair": {"swap": true}}`.
    """

    changes: Mapping[str, Change]

    def __post_init__(self) -> None:
        if not self.changes:
            raise ConfigError("an edit names at least one factor, for example smile=+1 or pose=left.")
        for name, change in self.changes.items():
            number = change.amount if isinstance(change, Move) else change.value if isinstance(change, Set) else 0.0
            if not isinstance(number, str) and not math.isfinite(number):
                raise ConfigError(f"{name}: expected a finite number, got {number}.")

    @property
    def swaps(self) -> bool:
        """Whether it needs other codes."""
        return any(isinstance(change, Swap) for change in self.changes.values())

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {name: change.to_json() for name, change in self.changes.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`.

        Raises:
            ConfigError: a change is none of move, set and swap, or its value is of the wrong type.
        """
        return cls({name: _change(name, given) for name, given in data.items()})

    @classmethod
    def of(cls, **changes: float | str | Change) -> Self:
        """`Edit.of(smile=+1, pose="left", x=Set(0.5))`: a number moves, a text sets.

        Raises:
            ConfigError: a value is neither.
        """
        return cls({name: _of_python(name, value) for name, value in changes.items()})

    @classmethod
    def parse(cls, *, moves: Iterable[str] = (), sets: Iterable[str] = (), swaps: Iterable[str] = ()) -> Self:
        """An edit from words of a command line: moves `smile=+1`, sets `pose=left`, swaps `hair`.

        Raises:
            ConfigError: a word has no `=`, an amount is no number, or a factor is named twice.
        """
        found: dict[str, Change] = {}
        given = [(word, Move) for word in moves] + [(word, Set) for word in sets]
        for word, kind in given:
            name, equals, value = word.partition("=")
            if not (name and equals and value):
                raise ConfigError(f"{word!r}: expected FACTOR=VALUE, for example smile=+1 or pose=left.")
            _once(name, found)
            found[name] = Move(_amount(name, value)) if kind is Move else Set(value)
        for name in swaps:
            _once(name, found)
            found[name] = Swap()
        return cls(found)


def _once(name: str, found: Mapping[str, Change]) -> None:
    if name in found:
        raise ConfigError(f"{name} is edited twice. Name each factor once.")


def _amount(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ConfigError(
            f"{name}: expected a number of steps to move by, got {value!r}. To give it a value, set it instead."
        ) from None


def _of_python(name: str, value: object) -> Change:
    if isinstance(value, Move | Set | Swap):
        return value
    if isinstance(value, str):
        return Set(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Move(float(value))
    raise ConfigError(
        f"{name}: expected a number to move by, a text to set to, or Move(…), Set(…), Swap(); got {value!r}."
    )


def _change(name: str, given: object) -> Change:
    if isinstance(given, Mapping) and len(given) == 1:
        (kind, value), *_ = given.items()
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if kind == "move" and number:
            return Move(float(value))
        if kind == "set" and (number or isinstance(value, str)):
            return Set(value)
        if kind == "swap" and value is True:
            return Swap()
    raise ConfigError(
        f'{name}: expected {{"move": a number}}, {{"set": a number or a name}} or {{"swap": true}}, got {given!r}.'
    )
