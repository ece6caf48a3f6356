"""What every request passes: the host's name, safe headers, the access log, metrics, the last line of defence."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unweave.serving.logs import ACCESS
from unweave.serving.metrics import Metrics
from unweave.serving.refusals import SAFE_HEADERS, Refused, broken

_LOG = logging.getLogger("unweave.serving")

NOTE = "unweave.note"
"""Key in the scope of a request under which its `Note` lies."""


@dataclass
class Note:
    """What is known of a request, for the log.

    Attributes:
        id: of the request, also in the header `X-Request-Id`.
        began: in `time.monotonic()`.
        fields: what its handling adds: tenant, key, model, cache.
        ended: what its handling wants called with the status when it is answered, or with 0 when it is given up.
    """

    id: str = field(default_factory=lambda: secrets.token_hex(8))
    began: float = field(default_factory=time.monotonic)
    fields: dict[str, Any] = field(default_factory=dict)
    ended: Callable[[int], None] | None = None


def note_of(request: Request) -> Note:
    """The note of a request."""
    found: Note = request.scope[NOTE]
    return found


class Gate:
    """ASGI middleware around the whole application.

    Args:
        app: what it guards.
        metrics: of the server.
        hosts: names that `Host` may give, in lower case; None for any. On loopback this keeps pages of other sites out
            whose names were made to lead here.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, hosts: frozenset[str] | None) -> None:
        self._app, self._metrics, self._hosts = app, metrics, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        note = scope[NOTE] = Note()
        passage = _Passage(send, receive, scope, note)
        self._metrics.open_requests.inc()
        try:
            if self._hosts is not None and _host(scope) not in self._hosts:
                refused = Refused(400, "unknown_host", "the header Host gives a name that is not served here.")
                await refused.response()(scope, receive, passage.send)
            else:
                await self._app(scope, passage.receive, passage.send)
        except asyncio.CancelledError:
            raise
        except Exception:
            _LOG.exception("a request broke", extra={"fields": {"id": note.id}})
            if not passage.status:
                await broken(note.id).response()(scope, receive, passage.send)
        finally:
            self._metrics.open_requests.dec()
            if note.ended is not None:
                note.ended(passage.status)
            self._done(scope, passage, note)

    def _done(self, scope: Scope, passage: _Passage, note: Note) -> None:
        route = getattr(scope.get("route"), "path", None) or "other"
        seconds = time.monotonic() - note.began
        self._metrics.answered(route, passage.status).inc()
        self._metrics.took(route).observe(seconds)
        if ACCESS.disabled:
            return
        fields = {
            "id": note.id,
            "method": scope["method"],
            "route": route,
            "status": passage.status,
            "ms": round(1000 * seconds, 2),
            "in": passage.bytes_in,
            "out": passage.bytes_out,
            **note.fields,
        }
        ACCESS.info("request", extra={"fields": fields})


class _Passage:
    """One request's messages: counted, and its answer's head completed."""

    def __init__(self, send: Send, receive: Receive, scope: Scope, note: Note) -> None:
        self._send, self._receive, self._scope, self._note = send, receive, scope, note
        self.status = 0
        self.bytes_in = self.bytes_out = 0
        names = {name for name, _ in scope["headers"]}
        self._whole = not names & {b"content-length", b"transfer-encoding"}

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self.bytes_in += len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": self._headers(list(message.get("headers", ())))}
        elif message["type"] == "http.response.body":
            self.bytes_out += len(message.get("body", b""))
        await self._send(message)

    def _headers(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        names = {name.lower() for name, _ in headers}
        headers += [(name, value) for name, value in SAFE_HEADERS if name not in names]
        headers.append((b"x-request-id", self._note.id.encode()))
        if not self._whole:
            # The rest of a request that was refused is not read.
            headers.append((b"connection", b"close"))
        return headers


def _host(scope: Scope) -> str:
    given = next((value for name, value in scope["headers"] if name == b"host"), b"")
    text = given.decode("latin-1").lower()
    if text.startswith("["):
        return text.partition("]")[0] + "]"
    return text.partition(":")[0]
