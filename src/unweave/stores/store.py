"""A store: everything that a server remembers, behind one URL."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from sqlalchemy import select

from unweave.stores.database import Database
from unweave.stores.edits import Edits
from unweave.stores.feedback import FeedbackStore
from unweave.stores.keys import Keys
from unweave.stores.ratings import Ratings
from unweave.stores.schema import bring_up_to_date
from unweave.stores.tables import keys


class Store:
    """Keys, edits, feedback and ratings. Calls block, and any number of threads may make them.

    After a failure with `StoreUnavailableError` the same store works again as soon as its database does.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.keys = Keys(database)
        self.edits = Edits(database)
        self.feedback = FeedbackStore(database)
        self.ratings = Ratings(database)

    def __repr__(self) -> str:
        return f"Store({self._database.where})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ping(self) -> None:
        """Return if the database answers.

        Raises:
            StoreUnavailableError: it does not now.
            StoreError: it cannot be used.
        """
        with self._database.read() as connection:
            connection.execute(select(keys.c.key_id).limit(1)).first()

    def close(self) -> None:
        """Close the connections. A store that is used again opens new ones."""
        self._database.close()


def open_store(url: str, *, create: bool = True) -> Store:
    """Open a store and bring its schema up to date.

    Args:
        url: `sqlite:///folder/store.db`, or `postgresql+psycopg://user:password@host/name`.
        create: make the file of SQLite where there is none.

    Raises:
        ConfigError: the URL is none of these, or there is no file and none is to be made.
        MissingExtraError: the driver is not installed.
        StorageError: the file or its folder cannot be made.
        StoreError: the schema is newer than this code, or the database cannot be used.
        StoreUnavailableError: the database does not answer now.
    """
    database = Database(url, create=create)
    try:
        bring_up_to_date(database)
    except BaseException:
        database.close()
        raise
    return Store(database)
