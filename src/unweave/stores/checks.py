"""What may be written into a store, so that both databases take the same and no image ends up in one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from unweave.core.errors import ConfigError

LONGEST = 200
"""Characters of a name: a model, a factor, a value, a study, a rater."""
MOST_EDITS = 100
"""Factors in one edit."""
MOST_NOTES = 100

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_KEY = re.compile(r"uw_[0-9a-fA-F]{12}_?[0-9a-fA-F]*")
_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{16,64}")


def check_name(what: str, value: str) -> str:
    """A name that people choose and programs read: a tenant, a scope.

    Raises:
        ConfigError: it is none.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ConfigError(
            f"{what}: expected 1 to 64 letters, digits, dots, dashes and underscores, the first a letter or digit, "
            f"got {shown(value)}."
        )
    return value


def is_identifier(value: str) -> bool:
    """Whether an edit may be named so. What may not is in no store, and need not be looked for."""
    return isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None


def check_identifier(what: str, value: str) -> str:
    """An identifier as `new_edit_id` makes them.

    Raises:
        ConfigError: it is none.
    """
    if not is_identifier(value):
        raise ConfigError(f"{what}: expected 16 to 64 letters, digits, dashes and underscores, got {shown(value)}.")
    return value


def check_text(what: str, value: str, *, longest: int = LONGEST, empty: bool = False) -> str:
    """Text that every database takes: Unicode without NUL and without halves of surrogate pairs.

    Raises:
        ConfigError: it is not, or it is empty or too long.
    """
    if not isinstance(value, str) or len(value) > longest or not (value or empty):
        least = 0 if empty else 1
        raise ConfigError(f"{what}: expected text of {least} to {longest} characters, got {shown(value)}.")
    if "\x00" in value or _SURROGATE.search(value):
        raise ConfigError(f"{what}: expected Unicode text without NUL and lone surrogates, got {shown(value)}.")
    return value


def check_number(what: str, value: float) -> float:
    """A finite number.

    Raises:
        ConfigError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(f"{what}: expected a finite number, got {shown(value)}.")
    return value


def check_edits(what: str, edits: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Factors and amounts: `{"factor": "smile", "by": 1.0}`, `{"factor": "pose", "to": "left"}` or, where the amount
    came from another image, `{"factor": "pose", "swap": True}`. Nothing else is stored, so no image can be.

    Raises:
        ConfigError: something else, or too much of it.
    """
    if isinstance(edits, str | bytes) or not isinstance(edits, Sequence) or not 0 < len(edits) <= MOST_EDITS:
        raise ConfigError(f"{what}: expected a list of 1 to {MOST_EDITS} edits, got {shown(edits)}.")
    return [_check_edit(f"{what}[{index}]", edit) for index, edit in enumerate(edits)]


def _check_edit(what: str, edit: Mapping[str, Any]) -> dict[str, Any]:
    keys = set(edit) if isinstance(edit, Mapping) else set()
    if keys not in ({"factor", "by"}, {"factor", "to"}, {"factor", "swap"}):
        raise ConfigError(f"{what}: expected `factor` and one of `by`, `to` and `swap`, got {shown(edit)}.")
    checked = {"factor": check_text(f"{what}.factor", edit["factor"])}
    if "by" in edit:
        return {**checked, "by": check_number(f"{what}.by", edit["by"])}
    if "swap" in edit:
        if edit["swap"] is not True:
            raise ConfigError(f"{what}.swap: expected true, got {shown(edit['swap'])}.")
        return {**checked, "swap": True}
    value = edit["to"]
    to = check_text(f"{what}.to", value) if isinstance(value, str) else check_number(f"{what}.to", value)
    return {**checked, "to": to}


def check_notes(what: str, notes: Sequence[str]) -> list[str]:
    """What an edit had to leave out, in words.

    Raises:
        ConfigError: they are no texts, or too many.
    """
    if isinstance(notes, str | bytes) or not isinstance(notes, Sequence) or len(notes) > MOST_NOTES:
        raise ConfigError(f"{what}: expected at most {MOST_NOTES} texts, got {shown(notes)}.")
    return [check_text(f"{what}[{index}]", note, longest=2000) for index, note in enumerate(notes)]


def shown(value: object) -> str:
    """A value as an error shows it: bytes and keys never, and not the whole of a long one."""
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value)} bytes"
    text = _KEY.sub("uw_…", ascii(value))
    return text if len(text) <= 80 else f"{text[:60]}… ({type(value).__name__})"
