"""What a database's refusals mean: try again, or repair something first."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from sqlalchemy import exc

from unweave.core.errors import StoreError, StoreUnavailableError

_AGAIN = {
    sqlite3.SQLITE_BUSY: "another process has been writing for too long",
    sqlite3.SQLITE_LOCKED: "another process has been writing for too long",
    sqlite3.SQLITE_PROTOCOL: "another process has been writing for too long",
    sqlite3.SQLITE_FULL: "there is no room left on the disk",
    sqlite3.SQLITE_IOERR: "the disk refuses",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
}
_LATER = ("08", "40", "53", "55P03", "57", "58")
"""SQLSTATE classes of PostgreSQL that pass: connection, serialisation, resources, locks, operator, system."""


@contextlib.contextmanager
def store_errors(where: str) -> Iterator[None]:
    """Turn what the driver raises into a `StoreError` without any value of a statement in it.

    Args:
        where: the store, without its password.
    """
    try:
        yield
    except exc.TimeoutError as error:
        raise StoreUnavailableError(f"the store {where} has no free connection. Nothing was acknowledged.") from error
    except exc.DBAPIError as error:
        raise _translated(error, where) from error


def _translated(error: exc.DBAPIError, where: str) -> StoreError:
    cause = error.orig
    code = getattr(cause, "sqlite_errorcode", None)
    if isinstance(code, int):
        why = _AGAIN.get(code & 0xFF)
        said = str(cause)
        if why is not None:
            return StoreUnavailableError(
                f"the store {where} cannot be used now: {why} ({said}). Nothing was acknowledged."
            )
        return StoreError(f"the store {where} cannot be used: {said}. Check the file and its rights.")
    state = getattr(cause, "sqlstate", None)
    if (state is None and isinstance(error, exc.OperationalError)) or (state or "").startswith(_LATER):
        return StoreUnavailableError(
            f"the store {where} does not answer: {_first_line(cause)}. Nothing was acknowledged."
        )
    return StoreError(f"the store {where} cannot be used: {_first_line(cause)}. Check the database and its rights.")


def _first_line(cause: BaseException | None) -> str:
    return next(iter(str(cause).strip().splitlines()), type(cause).__name__)
