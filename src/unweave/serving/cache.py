"""The caches of encodings and of edits: in this process, and in Redis where replicas share one."""

from __future__ import annotations

from typing import Literal

from unweave.serving.lru import LeastRecentlyUsed
from unweave.serving.metrics import Metrics
from unweave.serving.remote import Remote

Kind = Literal["encoding", "edit"]


class Cache:
    """Bytes by key, the nearest place first.

    Args:
        most_bytes: in this process.
        remote: in Redis, or None.
        metrics: of the server.
    """

    def __init__(self, most_bytes: int, remote: Remote | None, metrics: Metrics) -> None:
        self._local, self._remote, self._metrics = LeastRecentlyUsed(most_bytes), remote, metrics

    async def get(self, kind: Kind, key: bytes) -> bytes | None:
        """The value, or None."""
        value = self._local.get(key)
        self._count(kind, "process", value)
        if value is not None or self._remote is None:
            return value
        value = await self._remote.get(key)
        self._count(kind, "redis", value)
        if value is not None:
            self._keep(key, value)
        return value

    def put(self, key: bytes, value: bytes) -> None:
        """Keep a value in both places."""
        self._keep(key, value)
        if self._remote is not None:
            self._remote.put(key, value)

    async def close(self) -> None:
        """End the connections."""
        if self._remote is not None:
            await self._remote.close()

    def _keep(self, key: bytes, value: bytes) -> None:
        self._local.put(key, value)
        self._metrics.cache_bytes.set(self._local.size)

    def _count(self, kind: Kind, layer: str, value: bytes | None) -> None:
        self._metrics.looked(kind, layer, "miss" if value is None else "hit").inc()
