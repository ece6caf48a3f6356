"""The models of a server, each in its newest version that can be loaded."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from unweave.core.errors import DataError, StorageError, UnweaveError
from unweave.serving.metrics import Metrics
from unweave.serving.places import Found, Place, place_of
from unweave.serving.refusals import Refused
from unweave.serving.served import Served, read_served
from unweave.serving.settings import Settings
from unweave.serving.work.process import Worker

_LOG = logging.getLogger("unweave.serving")
_FIRST_REST_S, _LONGEST_REST_S = 2.0, 60.0

_MORE_S = 5.0
"""Seconds beyond the deadline that a version before is kept."""


@dataclass(frozen=True)
class Standing:
    """One model as it stands.

    Attributes:
        served: what answers.
        version: of the place that it was loaded from.
        problem: why a newer version is not served, or None.
        tried: version that has the problem.
        again: when it is tried again, in `time.monotonic()`.
        rest_s: between tries.
    """

    served: Served
    version: str
    problem: str | None = None
    tried: str | None = None
    again: float = 0.0
    rest_s: float = _FIRST_REST_S


class Models:
    """Loads models, looks for new versions, and puts each in the place of the old one between two requests.

    A request keeps the version that it began with. A version that cannot be loaded changes nothing but `problem`.
    """

    def __init__(self, settings: Settings, worker: Worker, metrics: Metrics) -> None:
        self._settings, self._worker, self._metrics = settings, worker, metrics
        self._places: dict[str, Place] = {
            name: place_of(source, registry=settings.registry) for name, source in settings.models.items()
        }
        self._standing: dict[str, Standing] = {}
        self._before: dict[str, float] = {}
        self._thread = ThreadPoolExecutor(1, "reload")

    def load(self) -> None:
        """Load all models. Blocks.

        Raises:
            UnweaveError: one cannot be found or loaded.
        """
        for name, place in self._places.items():
            found = place.find()
            self._standing[name] = Standing(self._loaded(name, found), found.version)

    @property
    def standing(self) -> Mapping[str, Standing]:
        """All models by name, as they stand."""
        return self._standing

    def get(self, tenant: str, name: str | None) -> Served:
        """A tenant's model: the named one, or its default.

        Raises:
            Refused: 404, in the same words whether there is no such model or it is another tenant's.
        """
        own = self._settings.models_of(tenant)
        chosen = name if name is not None else next(iter(own), None)
        if chosen is None or chosen not in own:
            known = ", ".join(own) or "none"
            what = "any model" if chosen is None else "a model of that name"
            raise Refused(404, "unknown_model", f"there is not {what} here. There are: {known}.", where="model")
        return self._standing[chosen].served

    async def watch(self) -> None:
        """Look for new versions, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._settings.poll_s)
            try:
                await loop.run_in_executor(self._thread, self.look)
            except Exception:
                _LOG.exception("looking for new versions failed")

    def look(self) -> None:
        """Look once for a new version of every model. Blocks."""
        for name in self._places:
            self._standing[name] = self._looked(name, self._standing[name])
            self._metrics.stale.labels(name).set(self._standing[name].problem is not None)
        self._let_go()

    def close(self) -> None:
        """End the thread, and leave nothing behind."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        for place in self._places.values():
            place.close()

    def _looked(self, name: str, now: Standing) -> Standing:
        try:
            found = self._places[name].find()
        except UnweaveError as error:
            if now.problem is None:
                self._failed(name, error)
            return replace(now, problem=str(error), tried=None, again=0.0)
        if found.version == now.version:
            return Standing(now.served, now.version)
        if found.version == now.tried and time.monotonic() < now.again:
            return now
        try:
            served = self._loaded(name, found)
        except Exception as error:  # a bundle may come from anybody: whatever it raises, the last good one stays
            self._failed(name, error)
            # The rest of a folder may still be on its way, so it is tried again.
            rest = min(2 * now.rest_s, _LONGEST_REST_S) if found.version == now.tried else _FIRST_REST_S
            return Standing(now.served, now.version, str(error), found.version, time.monotonic() + rest, rest)
        self._metrics.loaded.remove(name, now.served.digest)
        self._metrics.loaded.labels(name, served.digest).set(1)
        self._metrics.reloads.labels(name, "loaded").inc()
        self._before[now.served.digest] = time.monotonic()
        _LOG.info("model changed", extra={"fields": {"model": served.label, "before": now.served.label}})
        return Standing(served, found.version)

    def _let_go(self) -> None:
        """Free the memory of versions before these, once no request can be under way that began with one."""
        old = time.monotonic() - self._settings.deadline_s - _MORE_S
        self._before = {digest: since for digest, since in self._before.items() if since > old}
        with contextlib.suppress(StorageError):  # the process has ended, and the next one does not have them
            self._worker.keep({one.served.digest for one in self._standing.values()} | set(self._before))

    def _failed(self, name: str, error: Exception) -> None:
        self._metrics.reloads.labels(name, "broken").inc()
        _LOG.error("model cannot be loaded", extra={"fields": {"model": name, "problem": str(error)}})

    def _loaded(self, name: str, found: Found) -> Served:
        served = read_served(name, found.folder, share_decoder=self._settings.decoder_shared)
        if self._worker.load(found.folder) != served.digest:
            raise DataError(f"the bundle {found.folder} changed while it was loaded. It is tried again.")
        if name not in self._standing:
            self._metrics.loaded.labels(name, served.digest).set(1)
            self._metrics.stale.labels(name).set(0)
        return served
