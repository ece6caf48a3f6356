"""A cache in Redis that replicas share. When it fails, it is as if it were empty."""

from __future__ import annotations

import asyncio
from typing import Any

from unweave.core.errors import ConfigError, MissingExtraError
from unweave.serving.breaker import Breaker
from unweave.serving.metrics import Metrics

_PREFIX = b"unweave:1:"
_CONNECT_S, _ANSWER_S = 0.1, 0.05
_CONNECTIONS = 16
_MOST_WRITES = 64
"""Writes under way at once; more are left out."""

_MOST_VALUE = 16 << 20
"""Bytes of an entry at most; longer ones are neither written nor believed."""


class Remote:
    """Entries in Redis. No call raises because Redis does not answer.

    Args:
        url: such as `redis://localhost:6379/0`.
        seconds: that an entry lives.
        metrics: of the server.

    Raises:
        MissingExtraError: the client is not installed.
        ConfigError: the URL is none.
    """

    def __init__(self, url: str, *, seconds: int, metrics: Metrics) -> None:
        try:
            from redis.asyncio import BlockingConnectionPool, Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff
        except ImportError as error:
            raise MissingExtraError("redis", "redis", "A cache in Redis") from error
        try:
            pool = BlockingConnectionPool.from_url(
                url,
                max_connections=_CONNECTIONS,
                timeout=_ANSWER_S,
                socket_connect_timeout=_CONNECT_S,
                socket_timeout=_ANSWER_S,
                retry=Retry(NoBackoff(), 0),
            )
        except ValueError as error:
            raise ConfigError("redis: expected a URL as redis://host:6379/0, got something else.") from error
        self._redis: Any = Redis.from_pool(pool)
        self._seconds, self._metrics = seconds, metrics
        self._breaker = Breaker()
        self._writes: set[asyncio.Task[None]] = set()

    async def get(self, key: bytes) -> bytes | None:
        """The value, or None: also where Redis does not answer in time."""
        value = await self._call("get", _PREFIX + key)
        return value if isinstance(value, bytes) and len(value) <= _MOST_VALUE else None

    def put(self, key: bytes, value: bytes) -> None:
        """Begin to write; nobody waits for it."""
        if len(self._writes) >= _MOST_WRITES or len(value) > _MOST_VALUE:
            return
        task = asyncio.get_running_loop().create_task(self._write(key, value))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def close(self) -> None:
        """End what is under way, and the connections."""
        if self._writes:
            await asyncio.wait(self._writes, timeout=2 * _ANSWER_S)
        try:
            async with asyncio.timeout(1.0):
                await self._redis.aclose()
        except Exception:  # it is gone already
            return

    async def _write(self, key: bytes, value: bytes) -> None:
        await self._call("set", _PREFIX + key, value, ex=self._seconds)

    async def _call(self, name: str, *args: object, **options: object) -> object:
        if not self._breaker.allows():
            return None
        try:
            async with asyncio.timeout(_CONNECT_S + _ANSWER_S):
                found: object = await getattr(self._redis, name)(*args, **options)
        except Exception:  # the client raises errors of its own, of the system, of time and of damaged answers
            self._breaker.failed()
            self._metrics.redis_failures.inc()
            self._metrics.redis_resting.set(self._breaker.is_open)
            return None
        self._breaker.worked()
        self._metrics.redis_resting.set(0)
        return found
