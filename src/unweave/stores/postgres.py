"""A store in PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Engine, create_engine, event

from unweave.core.errors import MissingExtraError


def postgres_engine(url: URL, *, wait_s: float, patience_s: float) -> Engine:
    """Connections to a server, which are tried before they are used and given up when it falls silent.

    Args:
        url: of the database.
        wait_s: how long a connection is waited for, and a machine that does not answer.
        patience_s: how long a statement may take, as `PatientConnection` has it.

    Raises:
        MissingExtraError: psycopg is not installed.
    """
    patience = {
        "connect_timeout": int(wait_s),
        "tcp_user_timeout": int(1000 * wait_s),
        # A machine that vanished while it computed is missed soon, not after the two hours of the kernel.
        "keepalives_idle": int(wait_s),
        "keepalives_interval": max(1, int(wait_s / 3)),
        "keepalives_count": 3,
        "application_name": "unweave",
    }
    try:
        # A connection is tried before it is used: one that died with its server is replaced, not handed out.
        engine = create_engine(
            url, hide_parameters=True, pool_pre_ping=True, pool_timeout=wait_s, connect_args=patience
        )
    except ModuleNotFoundError as error:
        raise MissingExtraError("psycopg", "postgres", "A store in PostgreSQL") from error

    def connect(_dialect: object, _record: object, args: Any, options: Any) -> object:  # noqa: ANN401 - the driver's
        from unweave.stores.patience import PatientConnection

        made = PatientConnection.connect(*args, **options)
        made.patience_s = patience_s
        return made

    event.listen(engine, "do_connect", connect)
    return engine
