"""What goes into a store and comes out of it. Plain values: nothing here needs a database."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from unweave.core.errors import ConfigError
from unweave.stores.checks import (
    check_edits,
    check_identifier,
    check_name,
    check_notes,
    check_text,
    shown,
)

Verdict = Literal["kept", "undone", "adjusted"]
Side = Literal["left", "right", "neither"]

VERDICTS: tuple[Verdict, ...] = ("kept", "undone", "adjusted")
SIDES: tuple[Side, ...] = ("left", "right", "neither")


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def new_edit_id() -> str:
    """An identifier that nobody can guess: 128 random bits, 22 letters, digits, dashes and underscores."""
    return secrets.token_urlsafe(16)


class NewKey(NamedTuple):
    """A key that was just made. Its secret is here and nowhere else, and does not show when this is printed."""

    key_id: str
    secret: str

    def __repr__(self) -> str:
        return f"NewKey(key_id={self.key_id!r}, secret=…)"


@dataclass(frozen=True)
class Identity:
    """Who a request comes from."""

    tenant: str
    key_id: str
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class KeyInfo:
    """What is known of a key: everything but its secret, of which there is only a hash.

    Attributes:
        revoked: when it ceased to be valid, or None.
    """

    key_id: str
    tenant: str
    note: str
    scopes: tuple[str, ...]
    created: datetime
    revoked: datetime | None

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {
            "key_id": self.key_id,
            "tenant": self.tenant,
            "note": self.note,
            "scopes": list(self.scopes),
            "created": self.created.isoformat(),
            "revoked": None if self.revoked is None else self.revoked.isoformat(),
        }


@dataclass(frozen=True)
class EditRecord:
    """One edit as it is remembered: what moved, by how much, never the image.

    Attributes:
        tenant, model, digest: for whom, by which model; `digest` is that of the bundle.
        edits: see `checks.check_edits`.
        notes: what the edit had to leave out, in words.
        id: what feedback names it by.
        time: when it was made, with a time zone.

    Raises:
        ConfigError: something in it cannot be stored.
    """

    tenant: str
    model: str
    digest: str
    edits: Sequence[Mapping[str, Any]]
    notes: Sequence[str] = ()
    id: str = field(default_factory=new_edit_id)
    time: datetime = field(default_factory=now)

    def __post_init__(self) -> None:
        check_name("tenant", self.tenant)
        check_text("model", self.model)
        check_text("digest", self.digest)
        check_identifier("id", self.id)
        object.__setattr__(self, "edits", tuple(check_edits("edits", self.edits)))
        object.__setattr__(self, "notes", tuple(check_notes("notes", self.notes)))
        if self.time.tzinfo is None:
            raise ConfigError(f"time: expected a time with a time zone, got {self.time.isoformat()}.")


@dataclass(frozen=True)
class Feedback:
    """What somebody said of an edit.

    Attributes:
        edit: the edit that it is about.
        edits: what it was adjusted to; empty for the other verdicts.
    """

    id: int
    edit: EditRecord
    verdict: Verdict
    edits: tuple[Mapping[str, Any], ...]
    time: datetime


@dataclass(frozen=True)
class Naturalness:
    """How natural an edited image looked to a rater, from 1 (not at all) to 5.

    Attributes:
        study: the name under which ratings are summed up.
        rater: an opaque name; ratings without one count as those of a single rater.

    Raises:
        ConfigError: a value is none of the above.
    """

    study: str
    edit: str
    score: int
    rater: str = ""

    def __post_init__(self) -> None:
        _check_rating(self.study, self.rater, self.edit)
        if isinstance(self.score, bool) or self.score not in (1, 2, 3, 4, 5) or not isinstance(self.score, int):
            raise ConfigError(f"score: expected a whole number from 1 to 5, got {shown(self.score)}.")


@dataclass(frozen=True)
class Choice:
    """Which of two edited images a rater took, without knowing which model made which.

    Raises:
        ConfigError: a value is not usable.
    """

    study: str
    left: str
    right: str
    chosen: Side
    rater: str = ""

    def __post_init__(self) -> None:
        _check_rating(self.study, self.rater, self.left, self.right)
        if self.left == self.right:
            raise ConfigError(f"right: expected another edit than left, got {shown(self.right)} for both.")
        if self.chosen not in SIDES:
            raise ConfigError(f"chosen: expected {', '.join(SIDES)}, got {shown(self.chosen)}.")


Rating = Naturalness | Choice


@dataclass(frozen=True)
class Rated:
    """A rating with the models that made what was rated.

    Attributes:
        models: NAME@DIGEST, with twelve digits, of the edit, or of left and right.
    """

    rating: Rating
    models: tuple[str, ...]
    time: datetime


def _check_rating(study: str, rater: str, *edits: str) -> None:
    check_text("study", study)
    check_text("rater", rater, empty=True)
    for edit in edits:
        check_identifier("edit", edit)
