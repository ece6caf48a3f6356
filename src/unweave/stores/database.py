"""One database behind a URL: reads of one state, and transactions that are durable when they end."""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from unweave.core.errors import ConfigError, MissingExtraError, StoreError
from unweave.core.files import storage_errors
from unweave.stores.failures import store_errors

WAIT_S = 10.0
"""How long a statement waits for another process's writes, and a connection for the database."""

_MORE_S = 2.0
"""How much longer a silent server is waited for than its own limit, so that a lock is said to be one."""

_AGAIN_S = 0.02
"""How long to rest before SQLite is asked again for what it refused without waiting."""

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
        self.engine = _sqlite(self.url, create=create) if self.is_sqlite else _postgres(self.url)

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


def _sqlite(url: URL, *, create: bool) -> Engine:
    path = Path(str(url.database)).absolute()
    if not path.exists():
        if not create:
            raise ConfigError(f"there is no store at {path}. `unweave keys add` and `unweave serve` make one.")
        with storage_errors(path, "make"):
            path.parent.mkdir(parents=True, exist_ok=True)
            # Nobody else's to read, and so are the files that SQLite puts beside it.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    # In this mode SQLite makes no new file where the old one vanished.
    existing = url.set(database=f"file:{quote(str(path))}", query={"mode": "rw", "uri": "true"})
    engine = create_engine(existing, hide_parameters=True, connect_args={"timeout": WAIT_S}, pool_timeout=WAIT_S)

    def remember(connection: Any, record: ConnectionPoolEntry) -> None:  # noqa: ANN401 - the driver's own connection
        _prepare_sqlite(connection)
        record.info["file"] = _identity(path)

    def look(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        # An open connection goes on writing to a file that was deleted or replaced, and nobody would find it again.
        if record.info["file"] != _identity(path):
            raise DisconnectionError(f"{path} is another file than before")

    event.listen(engine, "connect", remember)
    event.listen(engine, "checkout", look)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _prepare_sqlite(connection: sqlite3.Connection) -> None:
    connection.isolation_level = None  # the driver would begin by itself, and late; `_begin_sqlite` does it
    cursor = connection.cursor()
    try:
        mode = _begin_log(cursor)
        if mode != "wal":
            raise StoreError(
                f"SQLite cannot keep a write-ahead log there (it says {mode!r}); network folders are no place for "
                "a store. Take a local folder, or PostgreSQL."
            )
        cursor.execute("PRAGMA synchronous = FULL")  # a commit is on the disk when it returns
        cursor.execute("PRAGMA foreign_keys = ON")
    finally:
        cursor.close()


def _begin_log(cursor: sqlite3.Cursor) -> str:
    # While another process turns the same new file to a log, SQLite refuses at once, whatever its timeout says.
    end = time.monotonic() + WAIT_S
    while True:
        try:
            return str(cursor.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
        time.sleep(_AGAIN_S)


def _begin_sqlite(connection: Connection) -> None:
    # A writer that began as a reader cannot wait for another one: SQLite refuses it at once.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgres(url: URL) -> Engine:
    patience = {
        "connect_timeout": int(WAIT_S),
        "tcp_user_timeout": int(1000 * WAIT_S),
        # A machine that vanished while it computed is missed soon, not after the two hours of the kernel.
        "keepalives_idle": int(WAIT_S),
        "keepalives_interval": max(1, int(WAIT_S / 3)),
        "keepalives_count": 3,
        "application_name": "unweave",
    }
    try:
        # A connection is tried before it is used: one that died with its server is replaced, not handed out.
        engine = create_engine(
            url, hide_parameters=True, pool_pre_ping=True, pool_timeout=WAIT_S, connect_args=patience
        )
    except ModuleNotFoundError as error:
        raise MissingExtraError("psycopg", "postgres", "A store in PostgreSQL") from error

    def connect(_dialect: object, _record: object, args: Any, options: Any) -> object:  # noqa: ANN401 - the driver's
        from unweave.stores.patience import PatientConnection

        made = PatientConnection.connect(*args, **options)
        made.patience_s = WAIT_S + _MORE_S
        return made

    event.listen(engine, "do_connect", connect)
    return engine
