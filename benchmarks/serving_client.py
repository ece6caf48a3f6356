"""A small load generator for this machine: raw HTTP/1.1 on kept connections, bounded in count and time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Load:
    """What came back.

    Attributes:
        seconds: latencies of answers with status 200: from when a request was sent.
        statuses: how many of each.
        wall_s: from the first request to the last answer.
        wrong: answers that `check` did not like.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    wall_s: float = 0.0
    wrong: int = 0

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.statuses[200] / self.wall_s if self.wall_s else 0.0

    def ms(self, quantile: float) -> float:
        """A quantile of the latencies in milliseconds."""
        return 1000 * float(np.quantile(self.seconds, quantile)) if self.seconds else float("nan")

    def __str__(self) -> str:
        said = ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        wrong = f", WRONG {self.wrong}" if self.wrong else ""
        return f"{self.rate:7.0f}/s, p50 {self.ms(0.5):6.2f} ms, p99 {self.ms(0.99):6.2f} ms ({said}{wrong})"


def form(path: str, image: bytes, texts: dict[str, str], host: str = "127.0.0.1") -> bytes:
    """A request with an image as a form."""
    parts = [
        f'--X\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
        for name, text in texts.items()
    ]
    head = b'--X\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
    body = b"".join((head, image, b"\r\n", *parts, b"--X--\r\n"))
    lines = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: multipart/form-data; boundary=X\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return lines.encode() + body


class _Connection:
    """One kept connection, opened again where it was closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body; status 0 where the connection broke."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            reader, writer = self._streams
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            lower = head.lower()
            at = lower.find(b"content-length:")
            size = int(lower[at + 15 : lower.index(b"\r", at)]) if at >= 0 else 0
            body = await reader.readexactly(size)
            if b"connection: close" in lower:
                self.close()
            return int(head[9:12]), body
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return 0, b""

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _closed(
    port: int, requests: Iterator[bytes], clients: int, seconds: float, check: Callable[[bytes], bool]
) -> Load:
    load, end = Load(), time.perf_counter() + seconds

    async def client() -> None:
        connection = _Connection(port)
        while time.perf_counter() < end:
            began = time.perf_counter()
            status, body = await connection.ask(next(requests))
            _count(load, status, body, began, check)
        connection.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    load.wall_s = time.perf_counter() - began
    return load


def _count(load: Load, status: int, body: bytes, began: float, check: Callable[[bytes], bool]) -> None:
    load.statuses[status] += 1
    if status == 200:
        load.seconds.append(time.perf_counter() - began)
        load.wrong += not check(body)


def closed_loop(
    port: int, requests: Iterator[bytes], *, clients: int, seconds: float, check: Callable[[bytes], bool] = bool
) -> Load:
    """Clients that each send the next request when they have their answer."""
    return asyncio.run(_closed(port, requests, clients, seconds, check))
