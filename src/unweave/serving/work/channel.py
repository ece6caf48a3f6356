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
        self._end, self._file = end, end.makefile("rb")

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
        content = self._read(_LENGTH.size)
        return pickle.loads(self._read(_LENGTH.unpack(content)[0]))

    def close(self) -> None:
        """Let go of it."""
        self._file.close()
        self._end.close()

    def _read(self, size: int) -> bytes:
        content = self._file.read(size)
        if len(content) < size:
            raise EOFError
        return content


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
        while len(self._buffer) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._buffer)[0]
            if len(self._buffer) < end:
                return
            message = pickle.loads(memoryview(self._buffer)[_LENGTH.size : end].tobytes())
            del self._buffer[:end]
            self._came(message)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._lost()
