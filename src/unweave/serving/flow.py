"""How much is under way in the whole server, and how long that will take: known before a request is even read."""

from __future__ import annotations

import time
from collections.abc import Callable

_WINDOW_S = 0.1
"""Busy seconds after which what was answered in them is counted."""

_NEW = 0.5
"""Share of the newest window in the measured time."""

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
        self._since, self._busy, self._done = 0.0, 0.0, 0

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
        self._open -= 1
        self._done += done
        self._busy += now - self._since
        self._since = now
        if self._busy >= _WINDOW_S:
            each = self._busy / max(self._done, 1)
            self._each = each if self._each is None else (1 - _NEW) * self._each + _NEW * each
            self._busy, self._done = 0.0, 0
