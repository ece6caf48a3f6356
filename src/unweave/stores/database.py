"""One database behind a URL: reads of one state, and transactions that are durable when they end."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator

from sqlalchemy import URL, Connection, make_url, text
from sqlalchemy.exc import ArgumentError

from unweave.core.errors import ConfigError
from unweave.stores.failures import store_errors
from unweave.stores.postgres import postgres_engine
from unweave.stores.sqlite import sqlite_engine

WAIT_S = 10.0
"""How long a statement waits for another process's writes, and a connection for the database."""

_MORE_S = 2.0
"""How much longer a silent server is waited for than its own limit, so that a lock is said to be one."""

_DURABLE = text(
    # Somebody may have turned it off for the role or the database; what is stronger than "on" stays.
    "SELECT CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', true) "
    f"END, set_config('lock_timeout', '{WAIT_S:.0f}s', true)"
)


class Database:
    """Reads and durable writes. Any number of threads may use one; processes have one each.

    Args:
        url: `sqlite:///path` or `postgresql+psycopg://user:password@host/name`.
        create: make the file of SQLite where there is none.

    Raises:
        ConfigError: the URL is none of these, or there is no file and none is to be made.
        MissingExtraError: psycopg is not installed.
        StorageError: the file or its folder cannot be made.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        self.url = _parse(url)
        self.where = self.url.set(query={}).render_as_string(hide_password=True)  # a query may hold one, too
        self.engine = (
            sqlite_engine(self.url, create=create, wait_s=WAIT_S)
            if self.is_sqlite
            else postgres_engine(self.url, wait_s=WAIT_S, patience_s=WAIT_S + _MORE_S)
        )

    def __repr__(self) -> str:
        return f"Database({self.where})"

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of SQLite."""
        return self.url.get_backend_name() == "sqlite"

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the database throughout.

        Raises:
            StoreUnavailableError: the database does not answer now.
            StoreError: it cannot be used.
        """
        with store_errors(self.where), self.engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction. When the block ends without an error, what it wrote survives a loss of power.

        Raises:
            StoreUnavailableError: it could not be made durable now: nothing is acknowledged, try again.
            StoreError: the database cannot be used.
        """
        with store_errors(self.where), self.engine.execution_options(writes=True).begin() as connection:
            if not self.is_sqlite:
                connection.execute(_DURABLE)
            yield connection

    @contextlib.contextmanager
    def unhurried(self, connection: Connection) -> Iterator[None]:
        """Let statements of a connection take any time, as those of a migration may on a large table."""
        driver = connection.connection.driver_connection
        patience = getattr(driver, "patience_s", None)
        if patience is None:
            yield
            return
        driver.patience_s = math.inf  # type: ignore[union-attr]  # a `PatientConnection`
        try:
            yield
        finally:
            driver.patience_s = patience  # type: ignore[union-attr]

    def close(self) -> None:
        """Close all connections that are not in use."""
        self.engine.dispose()


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None  # the error is left out: it may hold a password
    if parsed is not None:
        if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
            if not parsed.database or parsed.database == ":memory:" or parsed.query or parsed.host:
                raise ConfigError(
                    "store: expected a file without options, as in sqlite:///folder/store.db, got something else."
                )
            return parsed.set(drivername="sqlite")
        if parsed.drivername in ("postgresql", "postgresql+psycopg"):
            return parsed.set(drivername="postgresql+psycopg")
    raise ConfigError(
        "store: expected a URL as sqlite:///folder/store.db or postgresql+psycopg://user:password@host/name, got "
        + ("something else." if parsed is None else f"one of {parsed.drivername}.")
    )
