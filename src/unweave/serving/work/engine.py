"""The way to the process that computes. It takes up what came to it while it was busy, and computes that together."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from unweave.core.errors import UnweaveError
from unweave.serving.metrics import Metrics
from unweave.serving.refusals import busy
from unweave.serving.work.channel import Messages, packed
from unweave.serving.work.jobs import Answer, Broke, Job, Result
from unweave.serving.work.process import Worker

_LOG = logging.getLogger("unweave.serving")

_HUNG_S = 30.0
"""Seconds beyond the deadline after which a process that does not answer is taken for dead."""

_BATCHES = 2
"""What the process may have: a batch that it computes, and one at hand, so that it can go on without waiting for the
loop."""

_FIRST_REST_S, _LONGEST_REST_S = 0.5, 30.0


@dataclass(eq=False)
class _Waiting:
    job: Job
    answer: asyncio.Future[Result]
    since: float = field(default_factory=time.monotonic)


class Engine:
    """Computes jobs in batches and never waits for a batch to fill: a request that comes alone is computed at once.

    Args:
        worker: computes; it is started again when it ends.
        batch: rows at once at most, as the worker has it.
        queue: jobs that wait at most.
        deadline_s: after which a job must have been answered.
        metrics: of the server.
    """

    def __init__(self, worker: Worker, *, batch: int, queue: int, deadline_s: float, metrics: Metrics) -> None:
        self._worker, self._batch, self._most, self._deadline_s = worker, batch, queue, deadline_s
        self._metrics = metrics
        self._queue: deque[_Waiting] = deque()
        self._flying: deque[Sequence[_Waiting]] = deque()
        self._line: asyncio.WriteTransport | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._restart: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def ready(self) -> bool:
        """Whether there is a process that computes."""
        return self._line is not None

    @property
    def waiting(self) -> int:
        """Jobs that wait for it."""
        return len(self._queue)

    async def start(self) -> None:
        """Begin, in the running event loop."""
        loop = asyncio.get_running_loop()
        self._line, _ = await loop.create_connection(lambda: Messages(self._came, self._lost), sock=self._worker.jobs)
        self._feed()

    async def stop(self) -> None:
        """Finish what waits, and end the process."""
        self._stopping = True
        end = time.monotonic() + self._deadline_s
        while (self._queue or self._flying) and self.ready and time.monotonic() < end:
            await asyncio.sleep(0.01)
        if self._restart is not None:
            self._restart.cancel()
        if self._patience is not None:
            self._patience.cancel()
        if self._line is not None:
            self._line.close()
        await asyncio.to_thread(self._worker.end)

    async def run(self, job: Job, began: float) -> Result:
        """What came of a job, computed with others that wait.

        Args:
            job: what to do.
            began: when the request came, in `time.monotonic()`.

        Raises:
            Refused: 503 before the deadline, or 422 where the job cannot be done as asked.
        """
        if self._stopping or self._restart is not None:
            raise busy()
        if len(self._queue) >= self._most:
            self._metrics.refused.labels("queue").inc()
            raise busy()
        loop = asyncio.get_running_loop()
        waiting = _Waiting(job, loop.create_future())
        self._queue.append(waiting)
        self._feed()
        late = loop.call_later(began + self._deadline_s - waiting.since, self._too_late, waiting)
        try:
            return await waiting.answer
        finally:
            late.cancel()

    def _too_late(self, waiting: _Waiting) -> None:
        """The deadline has come: nobody waits beyond it for an answer, whatever becomes of the work."""
        if not waiting.answer.done():
            self._metrics.refused.labels("deadline").inc()
            waiting.answer.set_exception(busy())

    def _feed(self) -> None:
        """Give the process what waits, as much as it may have."""
        while self._line is not None and self._queue and (room := self._room()) > 0:
            batch = self._take(min(room, self._batch))
            if batch:
                self._line.write(packed([waiting.job for waiting in batch]))
                self._flying.append(batch)
        if self._flying and self._patience is None:
            wait = self._deadline_s + _HUNG_S
            self._patience = asyncio.get_running_loop().call_later(wait, self._hung, self._flying[0])

    def _room(self) -> int:
        """Jobs that the process may still get. More than it can take up next would only be out of reach there, once
        nobody waits for them any more."""
        return _BATCHES * self._batch - sum(len(batch) for batch in self._flying)

    def _take(self, most: int) -> Sequence[_Waiting]:
        """The oldest job, and with it those of the same model, up to `most`; the rest keep their order. What nobody
        waits for any more is left out."""
        first = self._queue[0].job.digest
        taken: list[_Waiting] = []
        left: deque[_Waiting] = deque()
        while self._queue and len(taken) < most:
            waiting = self._queue.popleft()
            if not waiting.answer.done():
                (taken if waiting.job.digest == first else left).append(waiting)
        self._queue.extendleft(reversed(left))
        return taken

    def _came(self, message: tuple[float, int, Sequence[Answer]]) -> None:
        """The process answers the oldest of what it got, some of it together."""
        seconds, parts, answers = message
        batch = [waiting for _ in range(parts) for waiting in self._flying.popleft()]
        self._feed()
        now = time.monotonic()
        self._metrics.batch_rows.observe(len(batch))
        self._metrics.stage("compute").observe(seconds)
        wait = self._metrics.stage("wait")
        for waiting, answer in zip(batch, answers, strict=True):
            wait.observe(max(0.0, now - waiting.since - seconds))
            _deliver(waiting, answer)

    def _hung(self, batch: Sequence[_Waiting]) -> None:
        """See whether the process still has a batch that it had long ago."""
        self._patience = None
        if batch in self._flying:
            _LOG.error("the process that computes hangs, and is ended")
            self._worker.kill()  # `_lost` comes of it
        else:
            self._feed()

    def _lost(self) -> None:
        """The process is gone, and with it what it had. Who asked may try again; another one is started."""
        self._line = None
        for waiting in [*(one for batch in self._flying for one in batch), *self._queue]:
            _deliver(waiting, busy())
        self._flying.clear()
        self._queue.clear()
        if not self._stopping:
            _LOG.error("the process that computes has ended")
            self._metrics.restarts.inc()
            self._restart = asyncio.get_running_loop().create_task(self._start_again())

    async def _start_again(self) -> None:
        rest = _FIRST_REST_S
        while True:
            try:
                await asyncio.to_thread(self._worker.restart)
                await self.start()
            except (UnweaveError, OSError) as error:
                _LOG.error("the process that computes cannot be started", extra={"fields": {"problem": str(error)}})
                await asyncio.sleep(rest)
                rest = min(2 * rest, _LONGEST_REST_S)
            else:
                self._restart = None
                _LOG.info("the process that computes runs again")
                return


def _deliver(waiting: _Waiting, answer: Answer) -> None:
    if waiting.answer.done():  # the request was given up
        return
    if isinstance(answer, Result):
        waiting.answer.set_result(answer)
    elif isinstance(answer, Broke):
        waiting.answer.set_exception(RuntimeError(f"the process that computes met with {answer.kind}"))
    else:
        waiting.answer.set_exception(answer)
