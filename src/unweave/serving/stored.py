"""The store behind the server: its calls block, so they run in threads of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from unweave.core.errors import StoreError, StoreUnavailableError
from unweave.serving.metrics import Metrics
from unweave.stores.store import Store

_THREADS = 4
_MOST_WAITING = 64

T = TypeVar("T")


class Stored:
    """Calls of a store off the loop; a few at once, and a bounded number that wait.

    Args:
        store: is closed with this.
        metrics: of the server.
    """

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self.store, self._metrics = store, metrics
        self._threads = ThreadPoolExecutor(_THREADS, "store")
        self._waiting = 0

    async def call(self, work: Callable[[Store], T]) -> T:
        """What a call of the store returns.

        Raises:
            StoreUnavailableError: it does not answer now, or too many calls wait for it already.
            StoreError, NotFoundError, ConfigError: see the call.
        """
        if self._waiting >= _MOST_WAITING:
            self._metrics.store_failures.inc()
            raise StoreUnavailableError("too many requests wait for the store. Try again.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, self.store)
        except StoreError:
            self._metrics.store_failures.inc()
            raise
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Finish the calls that wait, and close the store. Blocks."""
        self._threads.shutdown(wait=True)
        self.store.close()
