"""Takes a server out of the state, down to the pages of its file."""

import sqlite3
from typing import Any

from sqlalchemy import Connection, select, text, update

from patchstand.errors import StoreError
from patchstand.store.database import Database
from patchstand.store.erase import Names
from patchstand.store.tables import server_events, servers


def blot_nodes(connection: Connection, names: Names) -> int:
    """Blot names out of the back ends of other servers; in how many rows."""
    named = {
        row.id: nodes
        for row in connection.execute(select(servers.c.id, servers.c.nodes))
        if (nodes := names.blot(row.nodes)) != row.nodes
    }
    for server, nodes in named.items():
        connection.execute(update(servers).where(servers.c.id == server).values(nodes=nodes))
    return len(named)


def scrub(database: Database) -> None:
    """Overwrite what deleted rows left in the database's files.

    Raises:
        StoreError: another process holds the state open.
    """
    if database.is_sqlite:
        _scrub_sqlite(database)
        return
    with database.engine.connect() as connection:
        alone: Any = connection.execution_options(isolation_level="AUTOCOMMIT")
        for table in (servers, server_events):
            alone.execute(text(f"VACUUM {table.name}"))


def _scrub_sqlite(database: Database) -> None:
    """VACUUM writes the file anew, without free pages; the write-ahead log is emptied."""
    raw = database.engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("VACUUM")
        busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        cursor.close()
    except sqlite3.Error as error:
        raise StoreError(f"the state could not be cleaned ({error}); erase again") from error
    finally:
        raw.close()
    if busy:
        raise StoreError("another process reads the state; erase again when it has ended")
