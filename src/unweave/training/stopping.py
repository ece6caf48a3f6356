"""Reasons to end early: Ctrl-C or a polite kill, and a time limit."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any, Literal, Self

Reason = Literal["interrupted", "out of time"]


class Stopper:
    """Says after each step whether to stop. A second Ctrl-C stops at once."""

    def __init__(self, max_seconds: float | None = None) -> None:
        self._deadline = None if max_seconds is None else time.monotonic() + max_seconds
        self._asked = False
        self._previous: dict[int, Any] = {}

    def reason(self) -> Reason | None:
        """Why to stop now, or None."""
        if self._asked:
            return "interrupted"
        return "out of time" if self._deadline is not None and time.monotonic() >= self._deadline else None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
