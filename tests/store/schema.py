"""What holds for the migrations on every database."""

from datetime import UTC, datetime

from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from patchstand.store import migrate
from patchstand.store.batches import find
from patchstand.store.database import Database

REVISIONS = ["0001", "0002"]


def schema(connection: Connection) -> dict[str, object]:
    """Everything the database says of its tables."""
    inspector = inspect(connection)
    return {
        table: (
            [{**column, "type": repr(column["type"])} for column in inspector.get_columns(table)],
            inspector.get_pk_constraint(table),
            inspector.get_foreign_keys(table),
            sorted(inspector.get_indexes(table), key=lambda index: str(index["name"])),
        )
        for table in sorted(inspector.get_table_names())
        if table != "alembic_version"
    }


def move(database: Database, revision: str) -> dict[str, object]:
    """Bring the tables to a revision; what they look like then."""
    database.write(lambda connection: migrate.move(connection, revision))
    return database.read(schema)


def moves_both_ways(database: Database) -> None:
    """Base to head to base to head, and step by step: every revision looks the same again."""
    whole = move(database, "head")
    assert move(database, "base") == {}
    steps = [move(database, revision) for revision in REVISIONS]
    assert steps[-1] == whole
    down = [move(database, revision) for revision in REVISIONS[:-1][::-1]]
    assert down == steps[:-1][::-1]
    assert move(database, "head") == whole


def data_survives(database: Database) -> None:
    """A batch written at the first revision is there at the newest, and after going back."""
    move(database, REVISIONS[0])
    row = text(
        "INSERT INTO batches (id, kind, state, started_at, scope, options, counts, knowledge,"
        " origin) VALUES ('old', 'scan', 'finished', :at, '{}', '{}', '{\"seen\": 1}', '', '')"
    )
    at = "2026-01-02 03:04:05.000000" + ("" if database.is_sqlite else "+00")
    database.write(lambda connection: connection.execute(row, {"at": at}).rowcount)
    move(database, "head")

    batch = database.read(lambda connection: find(connection, "old"))
    assert batch is not None
    assert (batch.counts, batch.followed) == ({"seen": 1}, False)
    assert batch.started_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    move(database, REVISIONS[0])
    query = text("SELECT count(*) FROM batches")
    assert database.read(lambda connection: connection.execute(query).scalar_one()) == 1
    current = database.read(
        lambda connection: MigrationContext.configure(connection).get_current_revision()
    )
    assert current == REVISIONS[0]
