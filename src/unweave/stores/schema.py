"""The schema's version: brought up to date when a store is opened, refused when it is newer than the code."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, column, inspect, select, table, text

from unweave.core.errors import StoreError
from unweave.stores.database import Database
from unweave.stores.tables import VERSIONS

_STEPS = Path(__file__).parent / "migrations"
_LOCK = 7092614813402255  # any number that other programs do not take; whoever migrates PostgreSQL holds it


def bring_up_to_date(database: Database, *, version: str = "head") -> None:
    """Run the migrations that are missing. Processes that start at once do so one after another.

    Args:
        version: where to stop; tests stop early.

    Raises:
        StoreError: the schema is newer than this code, or not ours; nothing is changed then.
        StoreUnavailableError: the database does not answer.
    """
    config = Config(attributes={})
    config.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    steps = ScriptDirectory.from_config(config)
    with database.read() as connection:
        if _known(connection, steps, database) == steps.get_current_head():
            return
    with database.write() as connection:
        if not database.is_sqlite:  # a write to SQLite is alone from its first statement
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if _known(connection, steps, database) != steps.get_current_head():
            config.attributes["connection"] = connection
            with database.unhurried(connection):
                command.upgrade(config, version)


def current_version(connection: Connection) -> str | None:
    """The version of the schema that is there, or None where there is none."""
    if not inspect(connection).has_table(VERSIONS):
        return None
    return connection.execute(select(column("version_num")).select_from(table(VERSIONS))).scalar()


def _known(connection: Connection, steps: ScriptDirectory, database: Database) -> str | None:
    found = current_version(connection)
    known = [step.revision for step in steps.walk_revisions()]
    if found is not None and found not in known:
        raise StoreError(
            f"the store {database.where} has schema {found}, and this version of unweave knows schemas up to "
            f"{known[0]}. Nothing was changed. Update unweave, or name another store."
        )
    return found
