"""The edit log: what was edited by how much, for whom and by which model. Never the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects import postgresql, sqlite

from unweave.core.errors import NotFoundError
from unweave.stores.checks import is_identifier, shown
from unweave.stores.database import Database
from unweave.stores.records import EditRecord
from unweave.stores.tables import edits

_AT_ONCE = 1000
"""Records in one statement."""


class Edits:
    """The log of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database
        dialect = sqlite if database.is_sqlite else postgresql
        self._insert = dialect.insert(edits).on_conflict_do_nothing()

    def log(self, records: Sequence[EditRecord]) -> None:
        """Write records, all or none. One that is there already stays as it is, so a failed call may be made again.

        Raises:
            StoreError: see `Database.write`.
        """
        rows = [_row(record) for record in records]
        with self._database.write() as connection:
            for first in range(0, len(rows), _AT_ONCE):
                connection.execute(self._insert, rows[first : first + _AT_ONCE])

    def get(self, tenant: str, edit_id: str) -> EditRecord | None:
        """The edit of that name, or None where this tenant has none.

        Raises:
            StoreError: see `Database.read`.
        """
        if not is_identifier(edit_id):
            return None
        wanted = select(edits).where(edits.c.tenant == tenant, edits.c.id == edit_id)
        with self._database.read() as connection:
            row = connection.execute(wanted).first()
        return None if row is None else record_of(row)


def require(connection: Connection, tenant: str, *edit_ids: str) -> None:
    """Refuse edits that are not in the tenant's log.

    Raises:
        NotFoundError: one is not. Another tenant's is not either, and nothing tells the two apart.
    """
    wanted = select(edits.c.id).where(edits.c.tenant == tenant, edits.c.id.in_(filter(is_identifier, edit_ids)))
    found = {row.id for row in connection.execute(wanted)}
    for edit_id in edit_ids:
        if edit_id not in found:
            raise NotFoundError(f"there is no edit {shown(edit_id)}. Give the identifier that came with its answer.")


def record_of(row: Row[Any]) -> EditRecord:
    """The record in a row that holds all columns of the log."""
    return EditRecord(
        tenant=row.tenant,
        model=row.model,
        digest=row.digest,
        edits=row.edits,
        notes=row.notes,
        id=row.id,
        time=row.time,
    )


def _row(record: EditRecord) -> dict[str, Any]:
    return {
        "tenant": record.tenant,
        "id": record.id,
        "model": record.model,
        "digest": record.digest,
        "edits": list(record.edits),
        "notes": list(record.notes),
        "time": record.time,
    }
