"""What Alembic runs: the steps, on the connection and inside the transaction of whoever asked."""

from __future__ import annotations

from alembic import context

from unweave.stores.tables import VERSIONS, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSIONS,
    transactional_ddl=True,
)
context.run_migrations()
