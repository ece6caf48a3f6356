"""What people said of edits, kept for later learning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select

from unweave.core.errors import ConfigError
from unweave.stores.checks import check_edits, shown
from unweave.stores.database import Database
from unweave.stores.edits import record_of, require
from unweave.stores.records import VERDICTS, Feedback, Verdict, now
from unweave.stores.tables import edits as log
from unweave.stores.tables import feedback


class FeedbackStore:
    """Verdicts on edits. One edit may have several; the last one counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, tenant: str, edit_id: str, verdict: Verdict, edits: Sequence[Mapping[str, Any]] | None = None) -> int:
        """Keep a verdict; when this returns its number, it is durable.

        Args:
            edits: what the edit was adjusted to, as in `checks.check_edits`; with the verdict "adjusted" only.

        Raises:
            ConfigError: the verdict is none, or `edits` does not go with it.
            NotFoundError: this tenant has no such edit.
            StoreUnavailableError: it is not known to be durable; after a lost connection it may be there all the same.
            StoreError: see `Database.write`.
        """
        if verdict not in VERDICTS:
            raise ConfigError(f"verdict: expected {', '.join(VERDICTS)}, got {shown(verdict)}.")
        if (verdict == "adjusted") != bool(edits):
            raise ConfigError(
                "edits: expected what the edit was adjusted to with the verdict adjusted, and nothing with others, "
                f"got {shown(edits)} with {verdict}."
            )
        adjusted = check_edits("edits", edits) if edits else []
        row = {"tenant": tenant, "edit_id": edit_id, "verdict": verdict, "edits": adjusted, "time": now()}
        with self._database.write() as connection:
            require(connection, tenant, edit_id)
            number: int = connection.execute(insert(feedback).values(row).returning(feedback.c.id)).scalar_one()
        return number

    def list(self, tenant: str, *, after: int = 0, limit: int | None = None) -> list[Feedback]:
        """Feedback of a tenant with the edits that it is about, the oldest first.

        Args:
            after: only what has a greater number.
            limit: at most so many; all by default.

        Raises:
            StoreError: see `Database.read`.
        """
        said = feedback.c
        about = (log.c.tenant == said.tenant) & (log.c.id == said.edit_id)
        columns = (said.id.label("number"), said.verdict, said.edits.label("adjusted"), said.time.label("said"))
        wanted = (
            select(*columns, log)
            .join_from(feedback, log, about)
            .where(said.tenant == tenant, said.id > after)
            .order_by(said.id)
            .limit(limit)
        )
        with self._database.read() as connection:
            rows = connection.execute(wanted).all()
        return [Feedback(row.number, record_of(row), row.verdict, tuple(row.adjusted), row.said) for row in rows]
