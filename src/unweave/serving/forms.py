"""Forms with files, `multipart/form-data` (RFC 7578), from bodies that are in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from unweave.serving.refusals import Refused

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_MOST_PARTS = 16
_LONGEST_HEAD = 4096
_LONGEST_BOUNDARY = 200


def read_form(content_type: str, body: bytes) -> dict[str, bytes]:
    """Parts of a form by name; names of files are not looked at.

    Args:
        content_type: header of the request, which names the boundary.
        body: of the request.

    Raises:
        Refused: it is none, a name comes twice, or there are too many parts.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise _no_form("expected multipart/form-data with a boundary.")
    parts = _Parts()
    try:
        parser = MultipartParser(boundary, parts.callbacks)
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise _no_form("the parts of the form cannot be told apart. Check the boundary.") from error
    if not parts.ended:
        raise _no_form("the form is cut off: its last boundary is missing.")
    return parts.found


class _Parts:
    """Collects what the parser calls out."""

    def __init__(self) -> None:
        self.found: dict[str, bytes] = {}
        self.ended = False
        self._disposition, self._head = b"", 0
        self._field, self._value, self._content = bytearray(), bytearray(), bytearray()
        self.callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin,
            "on_header_field": self._on_field,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header,
            "on_part_data": self._on_content,
            "on_part_end": self._end,
            "on_end": self._on_end,
        }

    def _begin(self) -> None:
        if len(self.found) == _MOST_PARTS:
            raise _no_form(f"expected at most {_MOST_PARTS} parts.")
        self._disposition, self._head, self._content = b"", 0, bytearray()

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]
        self._check(end - start)

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._check(end - start)

    def _check(self, more: int) -> None:
        self._head += more
        if self._head > _LONGEST_HEAD:
            raise _no_form("a part of the form has too long a head.")

    def _on_header(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._field, self._value = bytearray(), bytearray()

    def _on_content(self, data: bytes, start: int, end: int) -> None:
        self._content += data[start:end]

    def _end(self) -> None:
        name = parse_options_header(self._disposition)[1].get(b"name", b"").decode("utf-8", "replace")[:100]
        if not name or name in self.found:
            raise _no_form("expected parts with a name, and each name once.")
        self.found[name] = bytes(self._content)

    def _on_end(self) -> None:
        self.ended = True


def _no_form(message: str) -> Refused:
    return Refused(400, "not_a_form", message)
