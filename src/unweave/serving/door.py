"""The outermost layer: when the server is full, requests for the graphs are turned away before they are looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from starlette.types import ASGIApp, Receive, Scope, Send

from unweave.serving.flow import Flow
from unweave.serving.metrics import Metrics
from unweave.serving.refusals import SAFE_HEADERS, busy

_DRAINED = 1 << 20
_DRAIN_S = 1.0
"""A body up to so many bytes that comes within so many seconds is let run out, so that the connection can be kept; a
connection that is closed while something comes in may lose the answer."""


class Door:
    """ASGI middleware around everything else. It must cost next to nothing: under overload it is most of the work.

    Args:
        app: what it guards.
        flow: what is under way.
        metrics: of the server.
        paths: that need the graphs; all others always pass.
    """

    def __init__(self, app: ASGIApp, *, flow: Flow, metrics: Metrics, paths: Collection[str]) -> None:
        self._app, self._flow, self._paths = app, flow, frozenset(paths)
        self._count = metrics.refused.labels("busy").inc
        self._counts = {path: metrics.answered(path, 503).inc for path in paths}
        response = busy().response()
        self._body = {"type": "http.response.body", "body": response.body}
        headers = [*response.raw_headers, *SAFE_HEADERS]
        self._start = {"type": "http.response.start", "status": response.status_code, "headers": headers}
        self._last = {**self._start, "headers": [*headers, (b"connection", b"close")]}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or turn away one request."""
        if not self._flow.full or scope["type"] != "http" or scope["path"] not in self._paths:
            await self._app(scope, receive, send)
            return
        self._count()
        self._counts[scope["path"]]()
        await send(self._start if await _drained(scope, receive) else self._last)
        await send(self._body)


async def _drained(scope: Scope, receive: Receive) -> bool:
    """Whether the body came to its end; a long one, or one of which nobody says how long it is, is not waited for."""
    said = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    if not said.isdigit() or len(said) > 9 or int(said) > _DRAINED:
        return False
    try:
        async with asyncio.timeout(_DRAIN_S):
            while (message := await receive())["type"] == "http.request":
                if not message.get("more_body", False):
                    return True
    except TimeoutError:
        pass
    return False
