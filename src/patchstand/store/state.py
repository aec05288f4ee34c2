"""The state of a store: batches, files, servers over time, disclosures, erasures, keys.

    with State.open("sqlite:////srv/store/state.sqlite") as state:
        batch = state.start_batch(Batch("import-9f86d081884c7d65", BatchKind.IMPORT, now))

Every method is one transaction (see `database.Database` for retries) and may be repeated:
keys decide what is the same, and the same twice is once. Times are in UTC, with their zone.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, inspect, text

from patchstand.store import batches, disclosures, history
from patchstand.store.batches import Batch, BatchKind, BatchState, StoredFile
from patchstand.store.database import OPENING_PATIENCE, PATIENCE, Database
from patchstand.store.disclosures import Disclosure, Entry, Erasure, PseudonymKey
from patchstand.store.looks import Look, gather
from patchstand.store.servers import Server, ServerEvent, ServerState
from patchstand.store.tables import REVISION


def _is_current(connection: Connection) -> bool:
    """True when the tables have the revision of this program."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found == REVISION


class State:
    """One open state; usable from several threads, and beside other processes."""

    def __init__(self, database: Database) -> None:
        """Take a database whose tables are those of this program; `open` sees to that."""
        self._database = database

    @classmethod
    def open(cls, url: str, *, patience: float = PATIENCE) -> Self:
        """Open the state at `sqlite:///FILE` or `postgresql+psycopg://...` and migrate it.

        `patience` is the number of seconds for which a transaction is retried while the
        database is away; opening waits at most 10 of them.

        Raises:
            UsageError: no such kind of database, or its driver is not installed.
            StoreError: it cannot be used, or a newer program has written it.
        """
        database = Database(url, patience=patience)
        try:
            waiting = min(patience, OPENING_PATIENCE)
            if not database.write(_is_current, patience=waiting):
                from patchstand.store.migrate import (  # noqa: PLC0415  # slow, seldom needed
                    migrate,
                )

                migrate(database, patience=waiting)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Batches

    def start_batch(self, batch: Batch) -> Batch:
        """Write down a new batch; where its id is known, the stored one is left and given."""
        return self._database.write(lambda at: batches.start(at, batch))

    def resume_batch(self, batch: str | None = None) -> Batch:
        """Set the last unfinished scan running again, or the batch of that id.

        Raises:
            UsageError: none is unfinished, or the one named is finished or unknown.
        """
        return self._database.write(lambda at: batches.resume(at, batch))

    def finish_batch(
        self, batch: str, at: datetime, counts: Mapping[str, int] | None = None
    ) -> Batch:
        """Note that a batch came to its end; `counts` None leaves those noted before.

        Raises:
            UsageError: there is no such batch.
        """
        state = BatchState.FINISHED
        return self._database.write(lambda to: batches.end(to, batch, state, at, counts))

    def interrupt_batch(
        self, batch: str, at: datetime, counts: Mapping[str, int] | None = None
    ) -> Batch:
        """Note that a batch stopped before its end; a finished one stays finished.

        Raises:
            UsageError: there is no such batch.
        """
        state = BatchState.INTERRUPTED
        return self._database.write(lambda to: batches.end(to, batch, state, at, counts))

    def batch(self, batch: str) -> Batch | None:
        """The batch of that id."""
        return self._database.read(lambda at: batches.find(at, batch))

    def batches(
        self, kind: BatchKind | None = None, state: BatchState | None = None
    ) -> list[Batch]:
        """All batches of a kind and state, the oldest first."""
        return self._database.read(lambda at: batches.listed(at, kind, state))

    # Files

    def record_files(self, stored: Iterable[StoredFile]) -> None:
        """Write down files; a path written down before gets the new facts.

        Raises:
            StoreError: a file names a batch that was never started.
        """
        rows = list(stored)
        self._database.write(lambda at: batches.record(at, rows))

    def files(
        self, batch: str | None = None, table: str | None = None, month: str | None = None
    ) -> list[StoredFile]:
        """The files of a batch, table and month, by path; None: of all."""
        return self._database.read(lambda at: batches.stored_files(at, batch, table, month))

    def forget_files(self, paths: Sequence[str]) -> int:
        """Strike files off; how many were there."""
        return self._database.write(lambda at: batches.forget(at, paths))

    def replace_files(self, old: Sequence[str], new: Iterable[StoredFile]) -> None:
        """Strike files off and write down those that hold their rows now, all at once."""
        rows = list(new)

        def replaced(connection: Connection) -> None:
            batches.forget(connection, old)
            batches.record(connection, rows)

        self._database.write(replaced)

    # Servers over time

    def follow_batch(self, batch: str, looks: Iterable[Look]) -> Mapping[ServerState, int]:
        """Carry the looks of a batch into the history of servers; how many changes of a kind.

        Finish the batch first: only a finished scan says who is gone. A finished batch is
        followed once; one that was interrupted may be followed again with more looks.

        Raises:
            UsageError: there is no such batch.
        """
        gathered = gather(looks)
        return self._database.write(lambda at: history.follow_batch(at, batch, gathered))

    def servers(self, address: str | None = None) -> list[Server]:
        """All servers ever seen, or those that stand at an address or stood there last."""
        if address is not None:
            return self._database.read(lambda at: history.at_address(at, address))
        return self._database.read(lambda at: list(history.all_servers(at)))

    def server_events(self, server: str | None = None) -> list[ServerEvent]:
        """What happened to the server of that id, or to all, in the order of time."""
        return self._database.read(lambda at: history.events(at, server))

    def forget_servers(self, name: str) -> int:
        """Erase the servers of a name or address and their events; how many."""
        return self._database.write(lambda at: history.forget(at, name))

    # Disclosures, erasures, keys

    def add_disclosure(self, disclosure: Disclosure) -> Entry:
        """Append to the journal; do this before the output leaves."""
        return self._database.write(lambda at: disclosures.add_disclosure(at, disclosure))

    def journal(self) -> list[Entry]:
        """All entries of the journal, the first one first."""
        return self._database.read(lambda at: list(disclosures.journal(at)))

    def verify_journal(self) -> Entry | None:
        """Recompute the journal's chain; its last entry, None where it is empty.

        Raises:
            StoreError: an entry was changed, removed or put in between.
        """
        return self._database.read(disclosures.verify_journal)

    def add_erasure(self, erasure: Erasure) -> None:
        """Write down that a target was erased."""
        self._database.write(lambda at: disclosures.add_erasure(at, erasure))

    def erasures(self) -> list[Erasure]:
        """All erasures, the oldest first."""
        return self._database.read(disclosures.erased)

    def pseudonym_key(self, at: datetime) -> PseudonymKey:
        """The key in use; the first one is made when it is first asked for, at `at`."""
        fresh = disclosures.new_key(at)
        return self._database.write(lambda to: disclosures.key_in_use(to, fresh))

    def pseudonym_keys(self) -> list[PseudonymKey]:
        """All keys, the oldest first; the last one is in use."""
        return self._database.read(disclosures.keys)

    def rotate_pseudonym_key(self, at: datetime) -> PseudonymKey:
        """Put a new key in use and retire the one before."""
        fresh = disclosures.new_key(at)
        return self._database.write(lambda to: disclosures.rotate(to, fresh))

    def forget_pseudonym_keys(self, before: datetime) -> int:
        """Destroy keys retired before a moment; how many."""
        return self._database.write(lambda at: disclosures.forget_keys(at, before))
