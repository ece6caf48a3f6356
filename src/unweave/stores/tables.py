"""The tables as they are now. Migrations lead here; a test compares the two on each database."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

VERSIONS = "unweave_schema"
"""The table of the schema's version. Names carry the project's, since MLflow may live in the same database."""

metadata = MetaData()


class Moment(TypeDecorator[datetime]):
    """A moment with a time zone, in UTC. SQLite keeps none, so it is taken off there and put on again."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC, without a zone where the database has none."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC, with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
_number = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only in an INTEGER column

keys = Table(
    "unweave_keys",
    metadata,
    Column("key_id", String(12), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("scopes", _json, nullable=False),
    Column("created", Moment, nullable=False),
    Column("revoked", Moment),
)

edits = Table(
    "unweave_edits",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("model", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("edits", _json, nullable=False),
    Column("notes", _json, nullable=False),
    Column("time", Moment, nullable=False),
    Index("unweave_edits_time", "time"),
)


def _edit(*columns: str) -> ForeignKeyConstraint:
    """An edit of the same tenant: the key holds both, so the database itself keeps tenants apart."""
    return ForeignKeyConstraint(columns, ["unweave_edits.tenant", "unweave_edits.id"])


feedback = Table(
    "unweave_feedback",
    metadata,
    Column("id", _number, primary_key=True, autoincrement=True),
    Column("tenant", String(64), nullable=False),
    Column("edit_id", String(64), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("edits", _json, nullable=False),
    Column("time", Moment, nullable=False),
    _edit("tenant", "edit_id"),
    CheckConstraint("verdict IN ('kept', 'undone', 'adjusted')", name="unweave_feedback_verdict"),
    Index("unweave_feedback_edit", "tenant", "edit_id"),
)

ratings = Table(
    "unweave_ratings",
    metadata,
    Column("id", _number, primary_key=True, autoincrement=True),
    Column("tenant", String(64), nullable=False),
    Column("study", Text, nullable=False),
    Column("rater", Text, nullable=False),
    Column("edit_id", String(64), nullable=False),
    Column("score", Integer),
    Column("other_id", String(64)),
    Column("chosen", String(16)),
    Column("time", Moment, nullable=False),
    _edit("tenant", "edit_id"),
    _edit("tenant", "other_id"),
    CheckConstraint(
        "(score BETWEEN 1 AND 5 AND other_id IS NULL AND chosen IS NULL) OR "
        "(score IS NULL AND other_id IS NOT NULL AND chosen IN ('left', 'right', 'neither'))",
        name="unweave_ratings_kind",
    ),
    Index("unweave_ratings_study", "tenant", "study"),
)
