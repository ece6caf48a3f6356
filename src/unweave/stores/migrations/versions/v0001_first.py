"""Keys, edits and feedback."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first three tables."""
    json = sa.JSON().with_variant(JSONB(), "postgresql")
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "unweave_keys",
        sa.Column("key_id", sa.String(12), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("scopes", json, nullable=False),
        sa.Column("created", moment, nullable=False),
        sa.Column("revoked", moment),
    )
    op.create_table(
        "unweave_edits",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("edits", json, nullable=False),
        sa.Column("notes", json, nullable=False),
        sa.Column("time", moment, nullable=False),
    )
    op.create_index("unweave_edits_time", "unweave_edits", ["time"])
    op.create_table(
        "unweave_feedback",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("edit_id", sa.String(64), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("edits", json, nullable=False),
        sa.Column("time", moment, nullable=False),
        sa.ForeignKeyConstraint(["tenant", "edit_id"], ["unweave_edits.tenant", "unweave_edits.id"]),
        sa.CheckConstraint("verdict IN ('kept', 'undone', 'adjusted')", name="unweave_feedback_verdict"),
    )
    op.create_index("unweave_feedback_edit", "unweave_feedback", ["tenant", "edit_id"])
