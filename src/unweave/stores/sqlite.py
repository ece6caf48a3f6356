"""A store in a file of SQLite: made safely, durable, and never written to once it is gone."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from unweave.core.errors import ConfigError, StoreError
from unweave.core.files import storage_errors

_AGAIN_S = 0.02
"""How long to rest before SQLite is asked again for what it refused without waiting."""


def sqlite_engine(url: URL, *, create: bool, wait_s: float) -> Engine:
    """Connections to a file. Nothing is written to one that was deleted or replaced meanwhile.

    Args:
        url: names the file.
        create: make it where there is none.
        wait_s: how long a statement waits for another process's writes, and a thread for a connection.

    Raises:
        ConfigError: there is no file and none is to be made.
        StorageError: the file or its folder cannot be made.
    """
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
    engine = create_engine(existing, hide_parameters=True, connect_args={"timeout": wait_s}, pool_timeout=wait_s)

    def remember(connection: Any, record: ConnectionPoolEntry) -> None:  # noqa: ANN401 - the driver's own connection
        _prepare(connection, wait_s)
        record.info["file"] = _identity(path)

    def look(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        # An open connection goes on writing to a file that was deleted or replaced, and nobody would find it again.
        if record.info["file"] != _identity(path):
            raise DisconnectionError(f"{path} is another file than before")

    event.listen(engine, "connect", remember)
    event.listen(engine, "checkout", look)
    event.listen(engine, "begin", _begin)
    return engine


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _prepare(connection: sqlite3.Connection, wait_s: float) -> None:
    connection.isolation_level = None  # the driver would begin by itself, and late; `_begin` does it
    cursor = connection.cursor()
    try:
        mode = _begin_log(cursor, wait_s)
        if mode != "wal":
            raise StoreError(
                f"SQLite cannot keep a write-ahead log there (it says {mode!r}); network folders are no place for "
                "a store. Take a local folder, or PostgreSQL."
            )
        cursor.execute("PRAGMA synchronous = FULL")  # a commit is on the disk when it returns
        cursor.execute("PRAGMA foreign_keys = ON")
    finally:
        cursor.close()


def _begin_log(cursor: sqlite3.Cursor, wait_s: float) -> str:
    # While another process turns the same new file to a log, SQLite refuses at once, whatever its timeout says.
    end = time.monotonic() + wait_s
    while True:
        try:
            return str(cursor.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
        time.sleep(_AGAIN_S)


def _begin(connection: Connection) -> None:
    # A writer that began as a reader cannot wait for another one: SQLite refuses it at once.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
