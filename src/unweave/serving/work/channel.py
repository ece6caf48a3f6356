"""Messages between the server and the process that computes: a length in eight bytes, then a pickle.

Pickles are safe here alone: both ends are this code, and nobody else holds the socket. Nothing that came from outside
is ever unpickled; it goes through as bytes within a message.
"""

from __future__ import annotations

import asyncio
import pickle
import socket
import struct
from collections.abc import Callable
from typing import Any

_LENGTH = struct.Struct(">Q")


def packed(message: Any) -> bytes:  # noqa: ANN401 - whatever both ends know
    """A message as it is sent."""
    content = pickle.dumps(message, protocol=5)
    return _LENGTH.pack(len(content)) + content


class Line:
    """One end of a channel that waits for messages.

    Args:
        end: is kept open as long as the line is used.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end, self._buffer = end, bytearray()

    def send(self, message: Any) -> None:  # noqa: ANN401 - as above
        """Send a message. Blocks.

        Raises:
            OSError: the other end is gone.
        """
        self._end.sendall(packed(message))

    def receive(self) -> Any:  # noqa: ANN401 - as above
        """The next message. Blocks.

        Raises:
            EOFError, OSError: the other end is gone.
        """
        while (message := _first(self._buffer)) is None:
            self._take_up(0)
        return pickle.loads(message)

    def at_hand(self) -> Any | None:  # noqa: ANN401 - as above
        """The next message if it is here already, or None. Never blocks.

        Raises:
            EOFError, OSError: the other end is gone.
        """
        try:
            while (message := _first(self._buffer)) is None:
                self._take_up(socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        return pickle.loads(message)

    def close(self) -> None:
        """Let go of it."""
        self._end.close()

    def _take_up(self, flags: int) -> None:
        content = self._end.recv(1 << 16, flags)
        if not content:
            raise EOFError
        self._buffer += content


def _first(buffer: bytearray) -> bytes | None:
    """Cut the first whole message off, if there is one."""
    if len(buffer) < _LENGTH.size:
        return None
    end = _LENGTH.size + _LENGTH.unpack_from(buffer)[0]
    if len(buffer) < end:
        return None
    message = bytes(memoryview(buffer)[_LENGTH.size : end])
    del buffer[:end]
    return message


class Messages(asyncio.Protocol):
    """The other end, in an event loop.

    Args:
        came: is called with every message.
        lost: is called when the other end is gone.
    """

    def __init__(self, came: Callable[[Any], None], lost: Callable[[], None]) -> None:
        self._came, self._lost = came, lost
        self._buffer = bytearray()

    def data_received(self, data: bytes) -> None:
        """Take up bytes."""
        self._buffer += data
        while (message := _first(self._buffer)) is not None:
            self._came(pickle.loads(message))

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._lost()
