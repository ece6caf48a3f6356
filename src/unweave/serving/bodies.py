"""Bodies of requests: read up to a limit and for a limited time, kept in memory alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from unweave.serving.refusals import Refused

Body = TypeVar("Body", bound=BaseModel)

_MOST_PARTS = 16
_LONGEST_HEAD = 4096


async def read_body(request: Request, *, most: int, seconds: float) -> bytes:
    """The whole body.

    Raises:
        Refused: it is longer than `most` bytes, took longer than some seconds, or is compressed.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(415, "compressed", "expected a body that is not compressed. Leave Content-Encoding out.")
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said[:20]) > most:
        raise _too_large(most)
    parts, size = [], 0
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise _too_large(most)
                parts.append(part)
    except TimeoutError:
        raise Refused(408, "too_slow", f"the body did not arrive within {seconds:g} s.") from None
    except ClientDisconnect:
        raise Refused(400, "cut_off", "the connection ended before the body did.") from None
    return b"".join(parts)


def media_type(request: Request) -> str:
    """Content type without its options, in lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def read_form(request: Request, body: bytes) -> Mapping[str, bytes]:
    """Parts of a `multipart/form-data` body by name; file names are not looked at.

    Raises:
        Refused: it is none, a name comes twice, or there are too many parts.
    """
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if not boundary or len(boundary) > 200:
        raise Refused(400, "not_a_form", "expected multipart/form-data with a boundary.")
    form = _Form()
    try:
        parser = MultipartParser(boundary, form.callbacks)
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise Refused(400, "not_a_form", "the parts of the form cannot be told apart. Check the boundary.") from error
    if not form.ended:
        raise Refused(400, "not_a_form", "the form is cut off: its last boundary is missing.")
    return form.parts


def validated(kind: type[Body], content: bytes | Mapping[str, Any]) -> Body:
    """A body of a kind, of JSON text or of values by name.

    Raises:
        Refused: 422, with the first place that is wrong.
    """
    try:
        return kind.model_validate_json(content) if isinstance(content, bytes) else kind.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        code = "not_json" if first["type"] == "json_invalid" else "invalid"
        where = _place(first["loc"])
        raise Refused(400 if code == "not_json" else 422, code, f"{first['msg']}.", where=where or None) from None


def _place(parts: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.removeprefix(".")[:200]


def _too_large(most: int) -> Refused:
    return Refused(413, "too_large", f"expected a body of at most {most:,} bytes. Make the image smaller.")


class _Form:
    """What python_multipart calls while it walks through a body."""

    def __init__(self) -> None:
        self.parts: dict[str, bytes] = {}
        self.ended = False
        self._head, self._value, self._content = bytearray(), bytearray(), bytearray()
        self._heads: dict[bytes, bytes] = {}
        self._part = ""
        self.callbacks: Any = {
            "on_part_begin": self._begin,
            "on_header_field": self._field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        if len(self.parts) >= _MOST_PARTS:
            raise Refused(400, "not_a_form", f"expected at most {_MOST_PARTS} parts.")
        self._heads, self._content = {}, bytearray()

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._head += data[start:end]
        self._check()

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._check()

    def _check(self) -> None:
        if len(self._head) + len(self._value) > _LONGEST_HEAD or len(self._heads) > _MOST_PARTS:
            raise Refused(400, "not_a_form", "a part of the form has too long a head.")

    def _header_end(self) -> None:
        self._heads[bytes(self._head).lower()] = bytes(self._value)
        self._head, self._value = bytearray(), bytearray()

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._heads.get(b"content-disposition", b""))
        name = options.get(b"name", b"")
        self._part = name.decode("utf-8", "replace")[:100]
        if not name or self._part in self.parts:
            raise Refused(400, "not_a_form", "expected parts with a name, and each name once.")

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._content += data[start:end]

    def _end(self) -> None:
        self.parts[self._part] = bytes(self._content)

    def _finish(self) -> None:
        self.ended = True
