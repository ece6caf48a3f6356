"""A circuit breaker: what keeps failing is left alone for a while."""

from __future__ import annotations

import time
from collections.abc import Callable


class Breaker:
    """Opens after failures in a row, and lets one try through when its rest is over.

    Args:
        failures: in a row, that open it.
        rest_s: for which it stays open at first; doubled with every try that fails, up to `longest_s`.
        longest_s: for which it stays open at most.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        *,
        failures: int = 3,
        rest_s: float = 0.5,
        longest_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures, self._rest, self._longest, self._clock = failures, rest_s, longest_s, clock
        self._failed, self._pause, self._until = 0, rest_s, 0.0

    @property
    def is_open(self) -> bool:
        """Whether it failed so often that it rests."""
        return self._failed >= self._failures

    def allows(self) -> bool:
        """Whether to try now; while it is open, that is once after each rest."""
        if not self.is_open:
            return True
        now = self._clock()
        if now < self._until:
            return False
        self._until = now + self._pause  # others wait for how this try ends
        return True

    def worked(self) -> None:
        """A try worked: all is well again."""
        self._failed, self._pause = 0, self._rest

    def failed(self) -> None:
        """A try failed."""
        if self.is_open:
            self._pause = min(2 * self._pause, self._longest)
        self._failed += 1
        if self.is_open:
            self._until = self._clock() + self._pause
