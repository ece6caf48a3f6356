"""Ratings of user studies: how natural an edit looks, and which of two is better."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select

from unweave.stores.checks import check_text
from unweave.stores.database import Database
from unweave.stores.edits import require
from unweave.stores.records import Choice, Naturalness, Rated, Rating, now
from unweave.stores.tables import edits, ratings


class Ratings:
    """The ratings of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, tenant: str, rating: Rating) -> int:
        """Keep a rating; when this returns its number, it is durable.

        Raises:
            NotFoundError: this tenant has no such edit.
            StoreError: see `Database.write`.
        """
        row: dict[str, Any] = {"tenant": tenant, "study": rating.study, "rater": rating.rater, "time": now()}
        if isinstance(rating, Naturalness):
            row |= {"edit_id": rating.edit, "score": rating.score}
            rated = [rating.edit]
        else:
            row |= {"edit_id": rating.left, "other_id": rating.right, "chosen": rating.chosen}
            rated = [rating.left, rating.right]
        with self._database.write() as connection:
            require(connection, tenant, *rated)
            number: int = connection.execute(insert(ratings).values(row).returning(ratings.c.id)).scalar_one()
        return number

    def list(self, study: str, tenant: str) -> list[Rated]:
        """The ratings of a study among one tenant's, the oldest first.

        Raises:
            ConfigError: the study is no name.
            StoreError: see `Database.read`.
        """
        check_text("study", study)
        left, right = edits.alias(), edits.alias()
        wanted = (
            select(
                ratings,
                left.c.model.label("model"),
                left.c.digest.label("digest"),
                right.c.model.label("other_model"),
                right.c.digest.label("other_digest"),
            )
            .join(left, (left.c.tenant == ratings.c.tenant) & (left.c.id == ratings.c.edit_id))
            .outerjoin(right, (right.c.tenant == ratings.c.tenant) & (right.c.id == ratings.c.other_id))
            .where(ratings.c.tenant == tenant, ratings.c.study == study)
            .order_by(ratings.c.id)
        )
        with self._database.read() as connection:
            rows = connection.execute(wanted).all()
        return [_rated(row) for row in rows]


def _rated(row: Row[Any]) -> Rated:
    first = f"{row.model}@{row.digest[:12]}"
    if row.score is not None:
        return Rated(Naturalness(row.study, row.edit_id, row.score, row.rater), (first,), row.time)
    second = f"{row.other_model}@{row.other_digest[:12]}"
    return Rated(Choice(row.study, row.edit_id, row.other_id, row.chosen, row.rater), (first, second), row.time)
