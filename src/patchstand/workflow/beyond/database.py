"""The PostgreSQL tables of the queue, and a connection that outlives restarts of the server.

Imports `psycopg` and `procrastinate` (the extra `cluster`): imported only where a queue is in
play.
"""

import time
from collections.abc import Callable
from typing import NamedTuple, Self, TypeVar

import psycopg
from procrastinate.schema import SchemaManager
from psycopg import Connection, InterfaceError, OperationalError
from psycopg.rows import TupleRow

from patchstand.errors import StoreError, UsageError
from patchstand.workflow.beyond.remote import Begun

QUEUE = "patchstand-looks"
TASK = "patchstand.look"
CHANNEL = "patchstand_results"
CONNECT_SECONDS = 10
PATIENCE_SECONDS = 600.0
"""How long a database may be away; then whoever waits gives up."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between attempts to reach it again; they double."""

LOST = (OperationalError, InterfaceError)
"""What is raised when the connection is gone."""

_TABLES = """
CREATE TABLE IF NOT EXISTS look_batches (
    scan text NOT NULL,
    batch text NOT NULL,
    payload bytea NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    PRIMARY KEY (scan, batch)
);
CREATE TABLE IF NOT EXISTS look_lots (
    scan text NOT NULL,
    batch text NOT NULL,
    lot integer NOT NULL,
    times integer NOT NULL,
    PRIMARY KEY (scan, batch, lot),
    FOREIGN KEY (scan, batch) REFERENCES look_batches ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS look_results (
    scan text NOT NULL,
    batch text NOT NULL,
    payload bytea,
    problem text,
    PRIMARY KEY (scan, batch),
    FOREIGN KEY (scan, batch) REFERENCES look_batches ON DELETE CASCADE
)
"""
_LOCK = 0x70617463  # of the transaction that makes the tables; any number nobody else takes

Answer = TypeVar("Answer")
Row = TupleRow


class Key(NamedTuple):
    """What names a batch in the tables: its scan, and the digest of its payload."""

    scan: str
    batch: str

    @property
    def lock(self) -> str:
        """What no two waiting jobs may share."""
        return f"{self.scan}/{self.batch}"


def plain_url(url: str) -> str:
    """A PostgreSQL URL as libpq reads it; `postgresql+psycopg://` is SQLAlchemy's spelling.

    Raises:
        UsageError: of another kind.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.partition("+")[0] not in {"postgresql", "postgres"}:
        raise UsageError("--queue: give postgresql://USER@ADDRESS/DATABASE")
    return f"postgresql://{rest}"


class Database:
    """One connection, opened again when the server comes back."""

    def __init__(self, url: str) -> None:
        """Connect.

        Raises:
            UsageError: nobody answers there, or we are not let in.
        """
        self._url = plain_url(url)
        try:
            self._connection = self._connect()
        except psycopg.Error as error:
            raise UsageError(f"--queue: {_reason(error)}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def run(self, work: Callable[["Connection[Row]"], Answer], *, patiently: bool = True) -> Answer:
        """Do `work` in one transaction; again when the connection was lost meanwhile.

        Then it may happen twice: it must be such that this does no harm.

        Raises:
            StoreError: the database stays away for `PATIENCE_SECONDS`, or refuses the work.
            OperationalError, InterfaceError: it is away, and not `patiently`.
        """
        until, pause = time.monotonic() + PATIENCE_SECONDS, FIRST_PAUSE
        while True:
            try:
                if self._connection.closed:
                    self._connection = self._connect()
                with self._connection.transaction():
                    return work(self._connection)
            except LOST as error:
                self._connection.close()
                if not patiently:
                    raise
                if time.monotonic() > until:
                    raise StoreError(f"the queue's database is away: {_reason(error)}") from error
            except psycopg.Error as error:
                raise StoreError(f"the queue's database refuses: {_reason(error)}") from error
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def listen(self, seconds: float) -> None:
        """Wait until somebody says that a result is there, at most so long; never raises."""
        try:
            self._connection.execute(f"LISTEN {CHANNEL}")
            for _ in self._connection.notifies(timeout=seconds, stop_after=1):
                return
        except LOST:
            self._connection.close()
            time.sleep(seconds)

    def _connect(self) -> "Connection[Row]":
        return psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            application_name="patchstand",
        )


def make_tables(connection: "Connection[Row]") -> None:
    """Make the tables, and those of procrastinate, where they are missing.

    Where they are not, no right to make any is needed.
    """
    if _is_there(connection, "look_results"):
        return
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    if not _is_there(connection, "procrastinate_jobs"):
        connection.execute(SchemaManager.get_schema())
    connection.execute(_TABLES)


def _is_there(connection: "Connection[Row]", table: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s)", (table,)).fetchone()
    return row is not None and row[0] is not None


class TablesLedger:
    """The ledger of one batch, in the tables."""

    def __init__(self, database: Database, key: Key) -> None:
        """Take the batch."""
        self._database = database
        self._key = key
        self._attempt = 0

    def open(self) -> Begun:
        """Begin an attempt.

        Raises:
            StoreError: nobody wants the batch any more.
        """
        begun = self._database.run(self._open)
        self._attempt = begun.attempt
        return begun

    def begin(self, lot: int, *, patiently: bool) -> bool:
        """Enter a lot; False when the database is away and nobody wants to wait.

        Raises:
            StoreError: another worker has begun the batch anew, or nobody wants it any more.
        """
        try:
            entered = self._database.run(
                lambda connection: (
                    connection.execute(
                        "WITH mine AS (SELECT scan, batch FROM look_batches"
                        " WHERE scan = %s AND batch = %s AND attempt = %s FOR SHARE)"
                        " INSERT INTO look_lots SELECT scan, batch, %s, 1 FROM mine"
                        " ON CONFLICT (scan, batch, lot) DO UPDATE SET times = look_lots.times + 1",
                        (*self._key, self._attempt, lot),
                    ).rowcount
                ),
                patiently=patiently,
            )
        except LOST:
            return False
        if not entered:
            raise StoreError("this batch has been given to another worker")
        return True

    def _open(self, connection: "Connection[Row]") -> Begun:
        row = connection.execute(
            "UPDATE look_batches SET attempt = attempt + 1 WHERE scan = %s AND batch = %s"
            " RETURNING attempt",
            self._key,
        ).fetchone()
        if row is None:
            raise StoreError("nobody wants this batch any more")
        lots = connection.execute(
            "SELECT lot, times FROM look_lots WHERE scan = %s AND batch = %s", self._key
        ).fetchall()
        return Begun(row[0], dict(lots))


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
