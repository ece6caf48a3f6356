"""Forms with files, `multipart/form-data`, taken apart in memory (RFC 2046, 5.1.1, and RFC 7578)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from unweave.serving.refusals import Refused

_MOST_PARTS = 16
_LONGEST_HEAD = 4096
_LONGEST_BOUNDARY = 200

_PARAMETER = re.compile(
    rb""";[ \t]*([^\s()<>@,;:\\"/\[\]?=]+)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^\s;"]*)[ \t]*""", re.DOTALL
)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


def read_form(content_type: str, body: bytes) -> dict[str, bytes]:
    """Parts of a form by name; names of files are not looked at.

    Args:
        content_type: header of the request, which names the boundary.
        body: of the request.

    Raises:
        Refused: it is none, a name comes twice, or there are too many parts.
    """
    boundary = _parameters(content_type.encode("latin-1", "replace")).get(b"boundary", b"")
    if not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise _no_form("expected multipart/form-data with a boundary.")
    mark, found = b"\r\n--" + boundary, dict[str, bytes]()
    # What stands before the first boundary means nothing.
    place = len(mark) - 2 if body.startswith(mark[2:]) else _after(body, mark, 0)
    while body[place : place + 2] != b"--":
        if len(found) == _MOST_PARTS:
            raise _no_form(f"expected at most {_MOST_PARTS} parts.")
        line = body.find(b"\r\n", place)
        if line < 0 or body[place:line].strip(b" \t"):
            raise _no_form("the parts of the form cannot be told apart. Check the boundary.")
        start = body.find(b"\r\n\r\n", line, line + _LONGEST_HEAD)
        if start < 0:
            raise _no_form("a part of the form has too long a head, or none.")
        name = _name(body[line:start])
        if not name or name in found:
            raise _no_form("expected parts with a name, and each name once.")
        place = _after(body, mark, start + 2)
        found[name] = body[start + 4 : place - len(mark)]
    return found


def _after(body: bytes, mark: bytes, start: int) -> int:
    """The place behind the next boundary."""
    place = body.find(mark, start)
    if place < 0:
        raise _no_form("the form is cut off: its last boundary is missing.")
    return place + len(mark)


def _name(head: bytes) -> str:
    """The name that the head of a part gives it, or nothing."""
    for line in head.split(b"\r\n"):
        field, _, value = line.partition(b":")
        if field.strip().lower() == b"content-disposition":
            return _parameters(value).get(b"name", b"").decode("utf-8", "replace")[:100]
    return ""


def _parameters(value: bytes) -> Mapping[bytes, bytes]:
    """`; name=value` and `; name="value"` behind the first word of a header; of what comes twice, the first."""
    found: dict[bytes, bytes] = {}
    place = value.find(b";")
    while place >= 0 and (match := _PARAMETER.match(value, place)):
        name, text = match.groups()
        found.setdefault(name.lower(), _ESCAPED.sub(rb"\1", text[1:-1]) if text[:1] == b'"' else text)
        place = match.end()
    return found


def _no_form(message: str) -> Refused:
    return Refused(400, "not_a_form", message)
