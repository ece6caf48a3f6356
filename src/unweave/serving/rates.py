"""How many requests a tenant may send: a token bucket each."""

from __future__ import annotations

import time
from collections.abc import Callable


class Bucket:
    """Holds up to `burst` tokens and gains `per_s` a second; a request takes one.

    Args:
        per_s: tokens a second.
        burst: tokens that it holds at most, and at first.
        clock: seconds that never go back.
    """

    def __init__(self, per_s: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s, self._burst, self._clock = per_s, burst, clock
        self._tokens, self._at = float(burst), clock()

    def take(self) -> float:
        """Take a token. Returns 0, or the seconds until there will be one."""
        now = self._clock()
        self._tokens = min(float(self._burst), self._tokens + (now - self._at) * self._per_s)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._per_s
