"""From a request to what it asks for, whether it comes as a form or as JSON."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel
from starlette.requests import Request

from unweave.serving.bodies import media_type, read_body, validated
from unweave.serving.callers import Caller
from unweave.serving.forms import read_form
from unweave.serving.gate import note_of
from unweave.serving.refusals import Refused, busy
from unweave.serving.server import Server

Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True)
class Asked:
    """A request that was read.

    Attributes:
        server: that got it.
        caller: who asks.
        began: when it came, in `time.monotonic()`.
        content: its body.
        request: as it came.
    """

    server: Server
    caller: Caller
    began: float
    content: bytes
    request: Request

    @property
    def is_form(self) -> bool:
        """Whether it is a form; otherwise it is JSON."""
        return media_type(self.request) == "multipart/form-data"

    def form(self, kind: type[Body], files: Sequence[str], texts: Sequence[str]) -> tuple[Body, Sequence[bytes]]:
        """Options and files of a form.

        Args:
            kind: of the options.
            files: names of parts that are files; all are needed.
            texts: names of parts that are JSON; the others are plain text.

        Raises:
            Refused: something is missing, or not as it should be.
        """
        parts = read_form(self.request.headers.get("content-type", ""), self.content)
        found = []
        for name in files:
            if name not in parts:
                raise Refused(422, "missing", f"expected a part {name!r} with a file.", where=name)
            found.append(parts.pop(name))
        values = {name: _value(name, content, name in texts) for name, content in parts.items()}
        return validated(kind, values), found

    def json(self, kind: type[Body]) -> Body:
        """The body as JSON."""
        return validated(kind, self.content)


async def read_request(request: Request, *, forms: bool = False, scope: str = "edit") -> Asked:
    """Who asks, within the limits of how much and how often, and the whole body.

    Args:
        request: as it came.
        forms: whether it may be a form; else only JSON.
        scope: that the key must allow.

    Raises:
        Refused: 400, 401, 403, 408, 413, 415, 429, 503.
    """
    server = server_of(request)
    note = note_of(request)
    caller = await caller_of(request, scope=scope)
    kind = media_type(request)
    if kind != "application/json" and not (forms and kind == "multipart/form-data"):
        wanted = "application/json or multipart/form-data" if forms else "application/json"
        raise Refused(415, "wrong_type", f"expected {wanted} as Content-Type.")
    settings = server.settings
    content = await read_body(request, most=settings.body_bytes(caller.tenant), seconds=settings.limits.body_s)
    return Asked(server, caller, note.began, content, request)


async def read_work(request: Request, *, forms: bool = False) -> Asked:
    """A request for the graphs, which from now on is under way (`Flow`).

    Raises:
        Refused: see `read_request`; 503 where others came meanwhile.
    """
    asked = await read_request(request, forms=forms)
    flow, note = asked.server.flow, note_of(request)
    if flow.full:
        asked.server.metrics.refused.labels("busy").inc()
        raise busy()
    flow.enter()
    note.ended = lambda status: flow.leave(done=0 < status < 500)
    return asked


async def caller_of(request: Request, *, scope: str = "edit") -> Caller:
    """Who asks, counted.

    Raises:
        Refused: 401, 403, 429, 503.
    """
    server = server_of(request)
    caller = await server.callers.caller(request.headers, scope)
    note_of(request).fields |= {"tenant": caller.tenant, "key": caller.key_id}
    server.callers.take(caller.tenant)
    return caller


def server_of(request: Request) -> Server:
    """The server that got a request."""
    found: Server = request.app.state.server
    return found


def from_base64(text: str, where: str) -> bytes:
    """The bytes of a text.

    Raises:
        Refused: it is no base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(422, "not_base64", "expected a file in base64, without line breaks.", where=where) from None


def _value(name: str, content: bytes, is_json: bool) -> Any:  # noqa: ANN401 - whatever the JSON holds
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise Refused(422, "invalid", "expected text in UTF-8.", where=name) from None
    if not is_json:
        return text
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refused(422, "not_json", 'expected JSON, such as [{"factor": "x", "by": 1.0}].', where=name) from None


def _no_constant(name: str) -> Mapping[str, str]:
    raise ValueError(name)
