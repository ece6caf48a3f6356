"""How long what waits will take, from what the same work took before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_NEW = 0.1
"""Share of the newest batch in the measured time of a row."""

_FIRST_S = 0.005
"""Seconds that a row is taken to cost before one was measured."""


class Load:
    """Measured times of rows by model, and the work that waits and is under way. Any thread may use it.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._costs: dict[str, float] = {}
        self._waiting, self._until = 0.0, 0.0

    def cost(self, digest: str) -> float:
        """Seconds that a row of a model takes."""
        return self._costs.get(digest, _FIRST_S)

    def wait_s(self) -> float:
        """Seconds until work that comes now would begin."""
        return max(0.0, self._until - self._clock()) + max(0.0, self._waiting)

    def queued(self, cost: float) -> None:
        """Work of so many seconds waits, or (below 0) waits no longer."""
        with self._lock:
            self._waiting += cost

    def began(self, cost: float) -> None:
        """Work of so many seconds is taken up."""
        with self._lock:
            self._waiting -= cost
            self._until = self._clock() + cost

    def ended(self, digest: str, rows: int, seconds: float) -> None:
        """Rows of a model took so long."""
        with self._lock:
            self._until = self._clock()
            each = seconds / rows
            before = self._costs.get(digest)
            self._costs[digest] = each if before is None else (1 - _NEW) * before + _NEW * each

    def forget(self, digests: set[str]) -> None:
        """Keep the times of these models alone."""
        with self._lock:
            self._costs = {digest: cost for digest, cost in self._costs.items() if digest in digests}
