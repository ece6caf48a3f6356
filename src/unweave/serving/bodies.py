"""Bodies of requests: read up to a limit and for a limited time, kept in memory alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from unweave.serving.refusals import Refused

Body = TypeVar("Body", bound=BaseModel)


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
