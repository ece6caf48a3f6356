"""Where large images are read and written: in a thread of their own, so that neither the loop nor the graphs wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from unweave.serving.metrics import Metrics
from unweave.serving.refusals import busy

SMALL = 128 * 128
"""Pixels up to which an image is read and written where it is computed, which takes about 0.3 ms."""

_MOST_WAITING = 16
"""Large images that wait for the thread at most. One at a time, so that memory holds one of them decoded."""

T = TypeVar("T")


class Coder:
    """Runs work on large images."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._thread = ThreadPoolExecutor(1, "images")
        self._waiting = 0

    async def run(self, stage: str, work: Callable[[], T]) -> T:
        """Do some work on an image.

        Args:
            stage: `read` or `write`, for the metrics.
            work: is called once.

        Raises:
            Refused: 503, too many large images wait already; and whatever the work raises.
        """
        began = time.perf_counter()
        try:
            if self._waiting >= _MOST_WAITING:
                self._metrics.refused.labels("images").inc()
                raise busy(1.0)
            self._waiting += 1
            try:
                return await asyncio.get_running_loop().run_in_executor(self._thread, work)
            finally:
                self._waiting -= 1
        finally:
            self._metrics.stage(stage).observe(time.perf_counter() - began)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=True, cancel_futures=True)
