"""All parts of one running server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from unweave.serving.cache import Cache
from unweave.serving.callers import Callers
from unweave.serving.coder import Coder
from unweave.serving.edit_log import EditLog
from unweave.serving.engine import Engine
from unweave.serving.flow import Flow
from unweave.serving.metrics import Metrics
from unweave.serving.models import Models
from unweave.serving.pulse import Pulse
from unweave.serving.remote import Remote
from unweave.serving.settings import Settings
from unweave.serving.stored import Stored
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
        self.pulse, self.flow = Pulse(), Flow(settings.deadline_s)
        self.engine = Engine(
            batch=settings.batch,
            queue=settings.queue,
            deadline_s=settings.deadline_s,
            metrics=self.metrics,
            pulse=self.pulse,
        )
        remote = (
            None if settings.redis is None else Remote(settings.redis, seconds=settings.cache_s, metrics=self.metrics)
        )
        self.cache = Cache(settings.cache_bytes, remote, self.metrics)
        self.models = Models(settings, self.engine, self.metrics)
        self.coder = Coder(self.metrics)
        self.callers = Callers(settings, self.stored, self.metrics)
        self.edit_log = EditLog(store, settings.edit_log, self.metrics)
        self.stopping = False
        self.models.load()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything that runs beside requests; at the end what is under way is finished."""
        self.engine.start()
        self.edit_log.start()
        beside = [asyncio.create_task(self.models.watch()), asyncio.create_task(self.pulse.run(self.engine.publish))]
        try:
            yield
        finally:
            self.stopping = True
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await asyncio.to_thread(self._close)
            await self.cache.close()

    def _close(self) -> None:
        self.engine.stop()
        self.coder.close()
        self.models.close()
        self.edit_log.stop(_LOG_S)
        self.stored.close()
