"""One thread owns the graphs. While it computes, requests collect, and it takes them together next."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from unweave.serving.compute import compute
from unweave.serving.jobs import Job, Result
from unweave.serving.load import Load
from unweave.serving.metrics import Metrics
from unweave.serving.pulse import Pulse
from unweave.serving.refusals import busy
from unweave.serving.served import Served
from unweave.serving.warm import warm_jobs

_MARGIN = 0.8
"""Share of the deadline that the work ahead may take: the rest is for reading, writing and what nobody foresees."""


_TURNS = 3
"""On the event loop that a request waits for."""


@dataclass(eq=False)
class _Waiting:
    job: Job
    answer: asyncio.Future[Result]
    cost: float
    since: float
    deadline: float


class Engine:
    """Computes jobs in batches and never waits for a batch to fill: a request that comes alone is computed at once.

    Args:
        batch: rows at once at most.
        queue: jobs that wait at most.
        deadline_s: after which a job must have been answered.
        metrics: of the server.
        pulse: of the event loop.
    """

    def __init__(
        self, *, batch: int, queue: int, deadline_s: float, metrics: Metrics, pulse: Pulse | None = None
    ) -> None:
        self._batch, self._most, self._deadline_s, self._metrics = batch, queue, deadline_s, metrics
        self._pulse = pulse or Pulse()
        self._load = Load()
        self._queue: deque[_Waiting] = deque()
        self._change = threading.Condition()
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._work, name="graphs", daemon=True)

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def stop(self) -> None:
        """Finish what waits, and end the thread. Blocks."""
        with self._change:
            self._stopping = True
            self._change.notify()
        if self._thread.is_alive():
            self._thread.join()

    def warm(self, served: Served) -> None:
        """Measure what a row of a model takes, beside the work of the thread. Blocks."""
        jobs = warm_jobs(served)
        for _ in range(3):
            began = time.monotonic()
            compute(jobs)
            self._load.ended(served.digest, len(jobs), time.monotonic() - began)

    def forget(self, digests: set[str]) -> None:
        """Keep the measured times of these models alone."""
        self._load.forget(digests)

    def admit(self, served: Served, began: float) -> None:
        """Refuse a job that would end after its deadline, or that finds no room.

        Args:
            served: the model.
            began: when the request came, in `time.monotonic()`.

        Raises:
            Refused: 503, with the time after which there is room.
        """
        # A request waits for the loop before it is seen, when its result comes, and when it is written.
        wait = self._load.wait_s() + _TURNS * self._pulse.lag_s
        if len(self._queue) >= self._most:
            self._metrics.refused.labels("queue").inc()
            raise busy(wait)
        if time.monotonic() - began + wait + self._load.cost(served.digest) > _MARGIN * self._deadline_s:
            self._metrics.refused.labels("deadline").inc()
            raise busy(wait)

    async def run(self, job: Job, began: float) -> Result:
        """What came of a job, computed with others that wait.

        Args:
            job: what to do.
            began: when the request came, in `time.monotonic()`.

        Raises:
            Refused: 503, before the deadline.
            UnweaveError: the job cannot be done as asked.
        """
        self.admit(job.served, began)
        assert self._loop is not None
        now = time.monotonic()
        waiting = _Waiting(
            job, self._loop.create_future(), self._load.cost(job.served.digest), now, began + self._deadline_s
        )
        with self._change:
            if self._stopping:
                raise busy(1.0)
            self._load.queued(waiting.cost)
            self._queue.append(waiting)
            self._change.notify()
        late = self._loop.call_later(waiting.deadline - now, self._too_late, waiting)
        try:
            return await waiting.answer
        finally:
            late.cancel()

    def _too_late(self, waiting: _Waiting) -> None:
        """The deadline has come: nobody waits beyond it for an answer, whatever becomes of the work."""
        if not waiting.answer.done():
            self._metrics.refused.labels("deadline").inc()
            waiting.answer.set_exception(busy(self._load.wait_s()))

    def publish(self) -> None:
        """Bring the gauges up to date."""
        self._metrics.waiting.set(len(self._queue))
        self._metrics.wait_estimate.set(self._load.wait_s())
        self._metrics.lag.set(self._pulse.lag_s)

    def _work(self) -> None:
        while True:
            with self._change:
                while not self._queue and not self._stopping:
                    self._change.wait()
                if not self._queue:
                    return
                batch = self._take()
                self._load.began(sum(waiting.cost for waiting in batch))
            batch = [waiting for waiting in batch if not waiting.answer.done()]  # its deadline came
            late = [waiting for waiting in batch if time.monotonic() + waiting.cost > waiting.deadline]
            on_time = [waiting for waiting in batch if waiting not in late]
            answers = [(waiting, busy(self._load.wait_s())) for waiting in late]
            self._metrics.refused.labels("deadline").inc(len(late))
            self._deliver([*answers, *(self._computed(on_time) if on_time else ())])

    def _take(self) -> list[_Waiting]:
        """The oldest job, and with it those of the same model, up to the largest batch; the rest keep their order."""
        first = self._queue[0].job.served
        taken: list[_Waiting] = []
        left: deque[_Waiting] = deque()
        while self._queue and len(taken) < self._batch:
            waiting = self._queue.popleft()
            (taken if waiting.job.served is first else left).append(waiting)
        self._queue.extendleft(reversed(left))
        return taken

    def _computed(self, batch: Sequence[_Waiting]) -> list[tuple[_Waiting, Result | Exception]]:
        began = time.monotonic()
        answers: list[Result | Exception]
        try:
            answers = list(compute([waiting.job for waiting in batch]))
        except Exception as error:  # what breaks one of them must not break the others
            answers = [_alone(waiting.job) for waiting in batch] if len(batch) > 1 else [error]
        taken = time.monotonic() - began
        self._load.ended(batch[0].job.served.digest, len(batch), taken)
        self._metrics.batch_rows.observe(len(batch))
        self._metrics.stage("compute").observe(taken)
        for waiting in batch:
            self._metrics.stage("wait").observe(began - waiting.since)
        return list(zip(batch, answers, strict=True))

    def _deliver(self, answers: Sequence[tuple[_Waiting, Result | Exception]]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(_answer, answers)


def _alone(job: Job) -> Result | Exception:
    try:
        return compute([job])[0]
    except Exception as error:
        return error


def _answer(answers: Sequence[tuple[_Waiting, Result | Exception]]) -> None:
    for waiting, answer in answers:
        if waiting.answer.done():  # the request was given up
            continue
        if isinstance(answer, Exception):
            waiting.answer.set_exception(answer)
        else:
            waiting.answer.set_result(answer)
