"""Batches (one scan or one import each) and the Parquet files they have written."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Insert, Row, Table, and_, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from patchstand.errors import UsageError
from patchstand.store.tables import batches, files

CHUNK = 500
"""Values in one statement: below the limit of older SQLite, 999."""


class BatchKind(StrEnum):
    """Where the rows of a batch come from."""

    SCAN = "scan"
    IMPORT = "import"
    SIMULATION = "simulation"


class BatchState(StrEnum):
    """How far a batch is; a running one whose process died looks running until resumed."""

    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Batch:
    """One scan or one import.

    `scope` and `options` are JSON texts, kept as they were; `targets` how many were to be
    asked, None where nobody counted; `counts` what came out; `knowledge` the version used;
    `origin` the name and digest of an imported file. `followed`: its servers are in the
    history of servers.
    """

    id: str
    kind: BatchKind
    started_at: datetime
    state: BatchState = BatchState.RUNNING
    finished_at: datetime | None = None
    scope: str = "{}"
    options: str = "{}"
    targets: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    knowledge: str = ""
    origin: str = ""
    followed: bool = False


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One Parquet file of the store.

    `path` is relative to the store, `table` one of its folders, `month` like `2026-11`;
    `batch` None where several batches were put together. `first_at` and `last_at` are the
    times of the first and last row.
    """

    path: str
    batch: str | None
    table: str
    month: str
    rows: int
    bytes: int
    sha256: str
    first_at: datetime | None = None
    last_at: datetime | None = None


def upsert(connection: Connection, table: Table, *, change: Sequence[str] | None = None) -> Insert:
    """An INSERT that leaves a row of the same key alone, or sets the columns of `change`."""
    build = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = build(table)
    if not change:
        return statement.on_conflict_do_nothing()
    key = [column.name for column in table.primary_key]
    new = {name: statement.excluded[name] for name in change}
    return statement.on_conflict_do_update(index_elements=key, set_=new)


def start(connection: Connection, batch: Batch) -> Batch:
    """Write down a new batch; one of the same id stays as it is. What is stored now."""
    row = asdict(batch) | {"counts": json.dumps(dict(batch.counts), sort_keys=True)}
    connection.execute(upsert(connection, batches), row)
    return one(connection, batch.id)


def find(connection: Connection, batch: str) -> Batch | None:
    """The batch of that id."""
    row = connection.execute(select(batches).where(batches.c.id == batch)).one_or_none()
    return None if row is None else _batch(row)


def one(connection: Connection, batch: str) -> Batch:
    """The batch of that id.

    Raises:
        UsageError: there is none.
    """
    found = find(connection, batch)
    if found is None:
        raise UsageError(f"the store has no batch {batch!r}")
    return found


def listed(connection: Connection, kind: BatchKind | None, state: BatchState | None) -> list[Batch]:
    """All batches of a kind and state, the oldest first."""
    query = select(batches).order_by(batches.c.started_at, batches.c.id)
    if kind is not None:
        query = query.where(batches.c.kind == kind)
    if state is not None:
        query = query.where(batches.c.state == state)
    return [_batch(row) for row in connection.execute(query)]


def resume(connection: Connection, batch: str | None) -> Batch:
    """Set an unfinished scan running again: the one named, or the last one.

    Raises:
        UsageError: none is unfinished, or the one named is finished or unknown.
    """
    found = one(connection, batch) if batch is not None else _last_unfinished(connection)
    if found.state is BatchState.FINISHED:
        raise UsageError(f"batch {found.id!r} is finished: there is nothing to resume")
    running = {"state": BatchState.RUNNING, "finished_at": None}
    connection.execute(update(batches).where(batches.c.id == found.id).values(running))
    return one(connection, found.id)


def _last_unfinished(connection: Connection) -> Batch:
    scans = [
        batch
        for batch in listed(connection, BatchKind.SCAN, None)
        if batch.state is not BatchState.FINISHED
    ]
    if not scans:
        raise UsageError("no scan of this store is unfinished: there is nothing to resume")
    return scans[-1]


def end(
    connection: Connection,
    batch: str,
    state: BatchState,
    at: datetime,
    counts: Mapping[str, int] | None,
) -> Batch:
    """Note that a batch ended; one that is finished stays so.

    Raises:
        UsageError: there is no such batch.
    """
    values: dict[str, Any] = {"state": state, "finished_at": at}
    if counts is not None:
        values["counts"] = json.dumps(dict(counts), sort_keys=True)
    unfinished = and_(batches.c.id == batch, batches.c.state != BatchState.FINISHED)
    connection.execute(update(batches).where(unfinished).values(values))
    return one(connection, batch)


def record(connection: Connection, stored: Iterable[StoredFile]) -> None:
    """Write down files; a path written down before gets the new facts."""
    rows = [_file_row(each) for each in stored]
    if rows:
        rest = [column.name for column in files.columns if column.name != "path"]
        connection.execute(upsert(connection, files, change=rest), rows)


def forget(connection: Connection, paths: Sequence[str]) -> int:
    """Strike files off; how many were there."""
    removed = 0
    for start_at in range(0, len(paths), CHUNK):
        some = paths[start_at : start_at + CHUNK]
        removed += connection.execute(delete(files).where(files.c.path.in_(some))).rowcount
    return removed


def stored_files(
    connection: Connection, batch: str | None, table: str | None, month: str | None
) -> list[StoredFile]:
    """The files of a batch, table and month, by path; None: of all."""
    query = select(files).order_by(files.c.path)
    wanted = ((files.c.batch, batch), (files.c.table_name, table), (files.c.month, month))
    for column, value in wanted:
        if value is not None:
            query = query.where(column == value)
    return [_file(row) for row in connection.execute(query)]


def _batch(row: Row[Any]) -> Batch:
    values = dict(row._mapping)  # noqa: SLF001  # public, in spite of its underscore
    values["kind"] = BatchKind(values["kind"])
    values["state"] = BatchState(values["state"])
    values["counts"] = json.loads(values["counts"])
    return Batch(**values)


def _file(row: Row[Any]) -> StoredFile:
    values = dict(row._mapping)  # noqa: SLF001  # public, in spite of its underscore
    return StoredFile(table=values.pop("table_name"), **values)


def _file_row(stored: StoredFile) -> dict[str, Any]:
    row = asdict(stored)
    row["table_name"] = row.pop("table")
    return row
