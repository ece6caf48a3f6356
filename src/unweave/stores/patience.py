"""A connection to PostgreSQL that does not wait forever for a server that keeps it open and says nothing."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg

T = TypeVar("T")


class PatientConnection(psycopg.Connection[Any]):
    """Closes itself where the server was silent for too long within one statement.

    A server whose processes are stopped still has a kernel that acknowledges what is sent, so neither TCP nor a limit
    of the server's own ends the wait.
    """

    patience_s: float = 60.0
    """Seconds of silence."""

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **options: Any) -> T:  # noqa: ANN401 - those of psycopg
        """What a conversation with the server comes to.

        Raises:
            psycopg.OperationalError: the server was silent for too long. The connection is closed.
        """
        try:
            return super().wait(_until_silent(gen, self.patience_s), *args, **options)
        except _Silent as error:
            self.close()
            raise psycopg.OperationalError(f"it said nothing for {self.patience_s:g} s") from error


class _Silent(Exception):
    pass


def _until_silent(gen: Generator[Any, Any, T], seconds: float) -> Generator[Any, Any, T]:
    """The same conversation; psycopg says ten times a second when there is nothing to read."""
    try:
        state, heard = next(gen), time.monotonic()
        while True:
            ready = yield state
            now = time.monotonic()
            if ready:
                heard = now
            elif now - heard > seconds:
                raise _Silent
            state = gen.send(ready)
    except StopIteration as done:
        result: T = done.value
        return result
