"""What Alembic runs; the connection and its transaction belong to whoever opens the state."""

from alembic import context
from sqlalchemy import Connection

from patchstand.store.tables import METADATA


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        transactional_ddl=True,  # SQLite too: the opener has begun the transaction itself
    )
    with context.begin_transaction():
        context.run_migrations()


_run(context.config.attributes["connection"])
