"""The database behind the state: SQLite or PostgreSQL, its transactions and its retries."""

import re
import sqlite3
import time
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError

from patchstand.errors import StoreError, UsageError

Result = TypeVar("Result")

PATIENCE = 120.0
"""Seconds for which one transaction is retried: a database restarts in less."""
OPENING_PATIENCE = 10.0
"""The same when the state is opened: an address mistyped should not be waited for."""
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
BUSY_MILLISECONDS = 5000
CONNECT_SECONDS = 10

_READING = "patchstand_reading"
_SQLITE = ("sqlite", "sqlite+pysqlite")
_POSTGRESQL = ("postgresql", "postgresql+psycopg")
_EXPECTED = "sqlite:///FILE or postgresql+psycopg://USER@SERVER/DATABASE"

_PASSING_SQLITE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_PASSING_STATES = {
    "40001",  # serialization failure
    "40P01",  # deadlock
    "53300",  # too many connections
    "57P01",  # the administrator ends the server
    "57P02",  # another process of the server crashed
    "57P03",  # starting up or shutting down
}
"""PostgreSQL, Appendix A, error codes that pass by themselves; class 08 (connection) as well."""
_REFUSED_FOR_GOOD = re.compile(
    r"authentication failed|no password supplied|no pg_hba|does not exist|permission denied"
    r"|not permitted|could not translate|failed to resolve|invalid connection option",
    re.IGNORECASE,
)
"""libpq gives no code for a connection refused; waiting does not help against these."""


def read_url(url: str) -> URL:
    """The address of a state; messages never repeat it, since it may hold a password.

    Raises:
        UsageError: no URL, another kind of database, or no file.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise UsageError(f"the state's address is no URL; expected {_EXPECTED}") from None
    if parsed.drivername in _POSTGRESQL:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in _SQLITE:
        raise UsageError(f"the state cannot live in {parsed.drivername!r}; expected {_EXPECTED}")
    if parsed.database in (None, "", ":memory:"):
        raise UsageError(f"the state needs a file on the disk; expected {_EXPECTED}")
    return parsed.set(drivername="sqlite")


class Database:
    """Transactions on one database; each is repeated while the connection is what fails.

    What runs in a transaction must do no harm when it runs twice: a connection lost while
    the end of the transaction is confirmed leaves open whether it took place.
    """

    def __init__(self, url: str, *, patience: float = PATIENCE) -> None:
        """Prepare for a database without connecting to it.

        Raises:
            UsageError: see `read_url`; or the driver of the database is not installed.
        """
        self._url = read_url(url)
        self._patience = patience
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        self.engine = _engine(self._url)

    @property
    def name(self) -> str:
        """The address, without its password."""
        return self._url.render_as_string(hide_password=True)

    def write(
        self, work: Callable[[Connection], Result], *, patience: float | None = None
    ) -> Result:
        """Run `work` in one transaction that may write, and commit.

        Raises:
            StoreError: the database stays away, is full, damaged or refuses the rows.
        """
        return self._patiently(lambda: self._transact(work, reading=False), patience)

    def read(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` in one transaction that sees one state of the tables and writes nothing.

        Raises:
            StoreError: as `write`.
        """
        return self._patiently(lambda: self._transact(work, reading=True), None)

    def close(self) -> None:
        """Close the connections that are not in use."""
        self.engine.dispose()

    def _transact(self, work: Callable[[Connection], Result], *, reading: bool) -> Result:
        with self.engine.connect() as connection:
            connection.execution_options(**{_READING: reading})
            with connection.begin():
                return work(connection)

    def _patiently(self, attempt: Callable[[], Result], patience: float | None) -> Result:
        patience = self._patience if patience is None else patience
        until = time.monotonic() + patience
        pause = FIRST_PAUSE
        while True:
            try:
                return attempt()
            except SQLAlchemyError as error:
                left = until - time.monotonic()
                if not passes(error) or left <= 0:
                    raise StoreError(self._advice(error, patience)) from None
            time.sleep(min(pause, left))
            pause = min(pause * 2, LONGEST_PAUSE)

    def _advice(self, error: SQLAlchemyError, patience: float) -> str:
        said = _said(error)
        if isinstance(error, IntegrityError):
            return f"the state refuses contradictory rows ({said})"
        if passes(error):
            seconds = f"{patience:.0f} seconds"
            return f"the state {self.name} stayed away for {seconds}; see that it runs ({said})"
        code = _sqlite_code(error)
        if code == sqlite3.SQLITE_FULL:
            return f"no room for the state {self.name}: free some space and run again"
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return f"{self.name} is damaged or no state: put back a copy of it ({said})"
        return f"the state {self.name} cannot be used: {said}"


def passes(error: SQLAlchemyError) -> bool:
    """True for a failure that the same transaction may survive a little later."""
    if not isinstance(error, DBAPIError):
        return False
    code = _sqlite_code(error)
    if code is not None:
        return code in _PASSING_SQLITE
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return state in _PASSING_STATES or state.startswith("08")
    lost = error.connection_invalidated or type(error).__name__ == "OperationalError"
    return lost and _REFUSED_FOR_GOOD.search(str(error.orig)) is None


def _sqlite_code(error: SQLAlchemyError) -> int | None:
    """The primary result code of SQLite, which is the lowest byte of the extended one."""
    code: int | None = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _said(error: SQLAlchemyError) -> str:
    """What the database said, on one line; parameters are hidden by the engine."""
    text = str(getattr(error, "orig", None) or error)
    return " ".join(text.split())[:200]


def _engine(url: URL) -> Engine:
    sqlite = url.get_backend_name() == "sqlite"
    arguments: dict[str, Any] = (
        {"timeout": BUSY_MILLISECONDS / 1000}
        if sqlite
        else {"connect_timeout": CONNECT_SECONDS, "application_name": "patchstand"}
    )
    try:
        engine = create_engine(
            url, connect_args=arguments, hide_parameters=True, pool_pre_ping=not sqlite
        )
    except ModuleNotFoundError:
        need = "a state in PostgreSQL needs the extra `cluster`: pip install patchstand[cluster]"
        raise UsageError(need) from None
    if sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver begins transactions only before some statements; we begin them ourselves.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Take the lock for writing at once: one taken later cannot be waited for."""
    reading = connection.get_execution_options().get(_READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def alone(connection: Connection, table: Table) -> None:
    """Let nobody else write to `table` until this transaction ends; readers go on."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {table.name} IN EXCLUSIVE MODE"))
