"""All parts of one running server."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator

from unweave.serving.cache import Cache
from unweave.serving.callers import Callers
from unweave.serving.edit_log import EditLog
from unweave.serving.flow import Flow
from unweave.serving.images.coder import Coder
from unweave.serving.metrics import Metrics
from unweave.serving.models import Models
from unweave.serving.remote import Remote
from unweave.serving.settings import Settings
from unweave.serving.stored import Stored
from unweave.serving.work.engine import Engine
from unweave.serving.work.process import Worker
from unweave.stores.store import Store

_LOG_S = 5.0
"""Seconds in which the edit log may be written at the end."""


class Server:
    """What handlers of requests work with.

    Args:
        settings: of the server.
        store: is closed with it.

    Raises:
        UnweaveError: a model cannot be loaded, or a setting cannot be used.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings, self.metrics = settings, Metrics()
        self.stored = Stored(store, self.metrics)
        self.flow, worker = Flow(settings.deadline_s), Worker(threads=settings.threads, batch=settings.batch)
        self.engine = Engine(
            worker, batch=settings.batch, queue=settings.queue, deadline_s=settings.deadline_s, metrics=self.metrics
        )
        remote = (
            None if settings.redis is None else Remote(settings.redis, seconds=settings.cache_s, metrics=self.metrics)
        )
        self.cache = Cache(settings.cache_bytes, remote, self.metrics)
        self.models = Models(settings, worker, self.metrics)
        self.coder = Coder(self.metrics)
        self.callers = Callers(settings, self.stored, self.metrics)
        self.edit_log = EditLog(store, settings.edit_log, self.metrics)
        self.stopping = False
        try:
            self.models.load()
        except BaseException:
            worker.end()
            raise

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything that runs beside requests; at the end what is under way is finished."""
        await self.engine.start()
        gc.freeze()
        self.edit_log.start()
        watch = asyncio.create_task(self.models.watch())
        try:
            yield
        finally:
            self.stopping = True
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            await self.engine.stop()
            await asyncio.to_thread(self._close)
            await self.cache.close()

    def publish(self) -> None:
        """Bring the gauges up to date."""
        self.metrics.waiting.set(self.engine.waiting)
        self.metrics.wait_estimate.set(self.flow.ahead_s)

    def _close(self) -> None:
        self.coder.close()
        self.models.close()
        self.edit_log.stop(_LOG_S)
        self.stored.close()
