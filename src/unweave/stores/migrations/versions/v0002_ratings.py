"""Ratings of studies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table of ratings."""
    edit = ["unweave_edits.tenant", "unweave_edits.id"]
    op.create_table(
        "unweave_ratings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("study", sa.Text, nullable=False),
        sa.Column("rater", sa.Text, nullable=False),
        sa.Column("edit_id", sa.String(64), nullable=False),
        sa.Column("score", sa.Integer),
        sa.Column("other_id", sa.String(64)),
        sa.Column("chosen", sa.String(16)),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant", "edit_id"], edit),
        sa.ForeignKeyConstraint(["tenant", "other_id"], edit),
        sa.CheckConstraint(
            "(score BETWEEN 1 AND 5 AND other_id IS NULL AND chosen IS NULL) OR "
            "(score IS NULL AND other_id IS NOT NULL AND chosen IN ('left', 'right', 'neither'))",
            name="unweave_ratings_kind",
        ),
    )
    op.create_index("unweave_ratings_study", "unweave_ratings", ["tenant", "study"])
