"""uvicorn's HTTP protocol with limits on the head of a request: its bytes, and the time in which it has to come."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_LONGEST_HEAD = 64 << 10


def limited_protocol(seconds: float) -> type[asyncio.Protocol]:
    """The protocol for a server.

    A parser in C keeps whatever comes until a head is complete, and uvicorn waits for that as long as it takes: a
    client could fill memory, or hold all connections, with heads that never end.

    Args:
        seconds: in which a head has to come, from the connection's or its own first byte.
    """

    class LimitedProtocol(HttpToolsProtocol):
        def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's own
            super().__init__(*args, **kwargs)
            self._head_bytes = 0
            self._in_head = False
            self._timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._wait_for_head()

        def connection_lost(self, exc: Exception | None) -> None:
            self._head_came()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._in_head:
                self._head_bytes += len(data)
                if self._head_bytes > _LONGEST_HEAD and not self.transport.is_closing():
                    self.send_400_response("The head of the request is too long.")

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._in_head, self._head_bytes = True, 0
            self._wait_for_head()

        def on_headers_complete(self) -> None:
            self._head_came()
            super().on_headers_complete()

        def _wait_for_head(self) -> None:
            if self._timer is None:
                self._timer = self.loop.call_later(seconds, self._too_slow)

        def _head_came(self) -> None:
            self._in_head = False
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _too_slow(self) -> None:
            self._timer = None
            if not self.transport.is_closing():
                self.transport.close()

    return LimitedProtocol
