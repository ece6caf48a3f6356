"""The store behind the server: its calls block, so they run in threads of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from unweave.core.errors import StoreError, StoreUnavailableError
from unweave.serving.metrics import Metrics
from unweave.stores.store import Store

_THREADS = 4
_MOST_WAITING = 64

PATIENCE_S = 5.0
"""How long a request waits for the store at most."""

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
        self._under_way: set[Future[Any]] = set()

    async def call(self, work: Callable[[Store], T], *, within: float | None = None) -> T:
        """What a call of the store returns.

        Args:
            work: the call.
            within: seconds after which nobody waits for it any longer, `PATIENCE_S` by default. A call that has begun
                goes on, so what it writes may be there all the same; one that has not does not begin.

        Raises:
            StoreUnavailableError: it does not answer now or in time, or too many calls are under way already.
            StoreError, NotFoundError, ConfigError: see the call.
        """
        within = PATIENCE_S if within is None else within
        try:
            if len(self._under_way) >= _MOST_WAITING:
                raise StoreUnavailableError("too many requests wait for the store. Try again.")
            future = self._threads.submit(work, self.store)
            self._under_way.add(future)
            future.add_done_callback(self._under_way.discard)
            try:
                async with asyncio.timeout(within):
                    return await asyncio.wrap_future(future)
            except TimeoutError as error:
                raise StoreUnavailableError(f"the store did not answer within {within:g} s. Try again.") from error
        except StoreError:
            self._metrics.store_failures.inc()
            raise

    def close(self) -> None:
        """Finish the calls that have begun, and close the store. Blocks."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self.store.close()
