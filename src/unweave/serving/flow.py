"""How much is under way in the whole server, and how long that will take: known before a request is even read."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

_MEMORY_S = 0.25
"""Busy seconds after which what was measured before counts for a third. Some batches, since those of one are answered
together: were each measured alone, the first of them would seem to have taken the time of all."""

_ENOUGH_S = 0.1
"""Busy seconds from which on there is an estimate at all."""

_LEAST = 0.01
"""Of the answers that are counted: where there was none for long, nobody knows."""

_MARGIN = 0.6
"""Share of the deadline that requests under way may take. What waits in sockets and what the estimate is behind by
comes on top; more requests under way than a few batches would not make the server any quicker."""


class Flow:
    """Counts requests under way and measures what one takes of the server's time while it is busy: reading, computing
    and writing, with whatever the machine does beside. For the event loop's thread.

    Args:
        deadline_s: after which a request must have been answered.
        clock: seconds that never go back.
    """

    def __init__(self, deadline_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_s, self._clock = _MARGIN * deadline_s, clock
        self._open = 0
        self._each: float | None = None
        self._since, self._busy, self._done = 0.0, 0.0, 0.0

    @property
    def ahead_s(self) -> float:
        """Seconds until what is under way, and one more request, would be answered."""
        return 0.0 if self._each is None else (self._open + 1) * self._each

    @property
    def full(self) -> bool:
        """Whether a request that comes now would be late. One that would be alone never is: it is how a time that was
        measured too long is corrected."""
        return self._open > 0 and self.ahead_s > self._most_s

    def enter(self) -> None:
        """A request is under way: it was read and will be computed."""
        if self._open == 0:
            self._since = self._clock()
        self._open += 1

    def leave(self, *, done: bool = True) -> None:
        """It was answered; or, not `done`, given up: that took time, too, and is no sign that all is well."""
        now = self._clock()
        gap, self._since = now - self._since, now
        kept = math.exp(-gap / _MEMORY_S)
        self._busy, self._done = kept * self._busy + gap, kept * self._done + done
        self._open -= 1
        if self._busy >= _ENOUGH_S:
            self._each = self._busy / max(self._done, _LEAST)
