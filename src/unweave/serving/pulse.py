"""How far the event loop is behind: work that waits there is in no queue that could be counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_EVERY_S = 0.05


class Pulse:
    """Sleeps for a short time again and again, and sees how much longer it took.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due: float | None = None
        self._last = 0.0

    @property
    def lag_s(self) -> float:
        """Seconds that something took lately to get its turn on the loop; also while it is still waiting."""
        late = 0.0 if self._due is None else self._clock() - self._due
        return max(self._last, late, 0.0)

    def beat(self) -> None:
        """A turn came; the next one is due in a moment."""
        now = self._clock()
        # One good turn after bad ones does not mean that all is well.
        self._last = 0.0 if self._due is None else max(now - self._due, 0.5 * self._last)
        self._due = now + _EVERY_S

    async def run(self, after: Callable[[], None]) -> None:
        """Beat until cancelled, and call something after each."""
        while True:
            self.beat()
            after()
            await asyncio.sleep(_EVERY_S)
