"""The state on SQLite: what is stored, what is repeated, and what a failure says."""

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from tests.store.schema import data_survives, moves_both_ways

from patchstand.errors import StoreError, UsageError
from patchstand.model import Outcome
from patchstand.store import migrate
from patchstand.store.batches import Batch, BatchKind, BatchState, StoredFile
from patchstand.store.database import Database
from patchstand.store.disclosures import START, Disclosure, Erasure
from patchstand.store.looks import Look
from patchstand.store.servers import ServerState
from patchstand.store.state import State
from patchstand.store.tables import METADATA, REVISION

NOW = datetime(2026, 11, 22, 21, 30, 0, 123456, tzinfo=UTC)
SCAN = Batch("20261122T213000Z-3fa9c1", BatchKind.SCAN, NOW, counts={"answered": 3})
IMPORT = Batch("import-9f86d081884c7d65", BatchKind.IMPORT, NOW, origin="scan_exchange.csv")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The address of a state that is not there yet."""
    return f"sqlite:///{tmp_path}/state.sqlite"


@pytest.fixture
def state(url: str) -> Iterator[State]:
    """An empty state."""
    with State.open(url, patience=5) as opened:
        yield opened


def a_file(name: str, batch: str | None = SCAN.id, month: str = "2026-11") -> StoredFile:
    """The facts of one Parquet file."""
    path = f"observations/month={month}/{name}.parquet"
    return StoredFile(path, batch, "observations", month, 10, 2000, "ab" * 32, NOW, NOW)


def a_disclosure(minute: int) -> Disclosure:
    """One list that went to two recipients."""
    at = NOW + timedelta(minutes=minute)
    who = ("a@example.org", "b@example.org")
    return Disclosure(at, "operator", "export", who, "AMBER+STRICT", "warning", 7, "cd" * 32)


def test_a_batch_is_stored_once(state: State) -> None:
    """Starting the same batch again gives the stored one, whatever has become of it."""
    assert state.start_batch(SCAN) == SCAN
    finished = state.finish_batch(SCAN.id, NOW, {"answered": 5})

    assert state.start_batch(SCAN) == finished
    assert (finished.state, finished.counts) == (BatchState.FINISHED, {"answered": 5})
    assert state.interrupt_batch(SCAN.id, NOW) == finished
    assert state.batch("nobody") is None


def test_the_last_unfinished_scan_is_resumed(state: State) -> None:
    """Without a name the newest unfinished scan; an import or a finished scan is none."""
    later = replace(SCAN, id="later", started_at=NOW + timedelta(hours=1))
    for batch in (later, SCAN, IMPORT):
        state.start_batch(batch)
    state.interrupt_batch(SCAN.id, NOW)

    assert state.resume_batch().id == "later"
    state.finish_batch("later", NOW)
    assert state.resume_batch() == SCAN
    assert [each.id for each in state.batches(BatchKind.IMPORT)] == [IMPORT.id]
    assert [each.id for each in state.batches(state=BatchState.FINISHED)] == ["later"]
    with pytest.raises(UsageError, match="finished"):
        state.resume_batch("later")
    with pytest.raises(UsageError, match="no batch"):
        state.resume_batch("nobody")


def test_nothing_to_resume_is_said(state: State) -> None:
    """In a store without an unfinished scan there is nothing to resume."""
    with pytest.raises(UsageError, match="nothing to resume"):
        state.resume_batch()


def test_files_are_recorded_replaced_and_forgotten(state: State) -> None:
    """The same file twice is one; a compacted one takes the place of its parts."""
    state.start_batch(SCAN)
    parts = [a_file("1"), a_file("2"), a_file("3", month="2026-12")]
    state.record_files(parts)
    state.record_files(parts)

    assert state.files() == parts
    assert state.files(SCAN.id, "observations", "2026-12") == parts[2:]
    whole = a_file("whole", batch=None)
    state.replace_files([part.path for part in parts[:2]], [whole])
    assert {each.path for each in state.files()} == {parts[2].path, whole.path}
    assert state.forget_files([whole.path, "never/there"]) == 1


def test_a_file_of_no_batch_is_refused(state: State) -> None:
    """Rows that contradict each other are an error at once, and nothing of them is kept."""
    with pytest.raises(StoreError, match="contradictory"):
        state.record_files([a_file("1", batch=None), a_file("2", batch="nobody")])

    assert state.files() == []


def test_times_keep_their_moment(state: State) -> None:
    """A time of another zone comes back as the same moment in UTC; one without is refused."""
    berlin = NOW.astimezone(timezone(timedelta(hours=1)))
    stored = state.start_batch(replace(SCAN, started_at=berlin))

    assert (stored.started_at, stored.started_at.tzinfo) == (NOW, UTC)
    with pytest.raises(StoreError, match="time zone"):
        state.start_batch(replace(SCAN, id="naive", started_at=NOW.replace(tzinfo=None)))


def test_the_journal_is_a_chain(state: State) -> None:
    """Entries hang on each other from a fixed start; the same disclosure is one entry."""
    entries = [state.add_disclosure(a_disclosure(minute)) for minute in range(3)]

    assert state.add_disclosure(a_disclosure(1)) == entries[1]
    assert state.journal() == entries
    assert [each.previous for each in entries] == [START, entries[0].digest, entries[1].digest]
    assert state.verify_journal() == entries[-1]


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ("UPDATE disclosures SET recipients = '[]' WHERE number = 2", 2),
        ("UPDATE disclosures SET at = '2026-11-22 21:31:00.000000' WHERE number = 2", 2),
        ("DELETE FROM disclosures WHERE number = 1", 1),
        ("DELETE FROM disclosures WHERE number = 2", 2),
        ("UPDATE disclosures SET number = 9 WHERE number = 3", 3),
    ],
)
def test_an_altered_journal_is_noticed(
    state: State, tmp_path: Path, change: str, number: int
) -> None:
    """A changed, moved or missing entry breaks the chain there."""
    for minute in range(3):
        state.add_disclosure(a_disclosure(minute))
    with contextlib.closing(sqlite3.connect(tmp_path / "state.sqlite")) as other:
        other.execute(change)
        other.commit()

    with pytest.raises(StoreError, match=f"entry {number}"):
        state.verify_journal()


def test_one_key_is_in_use(state: State) -> None:
    """The first key is made on demand; a new one retires it; a retired one can be destroyed."""
    first = state.pseudonym_key(NOW)
    assert state.pseudonym_key(NOW + timedelta(days=1)) == first

    second = state.rotate_pseudonym_key(NOW + timedelta(days=2))
    assert second.secret != first.secret
    assert state.pseudonym_key(NOW) == second
    assert [key.retired_at for key in state.pseudonym_keys()] == [second.created_at, None]
    assert first.secret.hex() not in repr(first)
    assert state.forget_pseudonym_keys(NOW + timedelta(days=3)) == 1
    assert state.pseudonym_keys() == [second]


def test_an_erasure_is_written_once(state: State) -> None:
    """The same erasure twice counts once."""
    erasure = Erasure("p:abc", NOW, "art. 17 GDPR", 12)
    state.add_erasure(erasure)
    state.add_erasure(erasure)

    assert state.erasures() == [erasure]


def seen(address: str, at: datetime, certificate: int) -> Look:
    """An Exchange server seen at an address."""
    return Look(address, "", None, at, Outcome.ANSWERED, True, certificate, "EX01")


def test_a_batch_is_carried_into_the_history_once(state: State) -> None:
    """Two finished scans: here, then moved, with events; again, nothing changes."""
    later = NOW + timedelta(days=1)
    silent = Look("192.0.2.1", "", None, later, Outcome.TIMED_OUT, None)
    days = {"one": [seen("192.0.2.1", NOW, -7)], "two": [silent, seen("192.0.2.2", later, -7)]}
    for name, looks in days.items():
        state.start_batch(replace(SCAN, id=name))
        state.finish_batch(name, later)
        assert sum(state.follow_batch(name, looks).values()) == 1

    (server,) = state.servers()
    assert (server.address, server.state, server.since) == (
        "192.0.2.2",
        ServerState.MOVED,
        later,
    )
    assert state.servers("192.0.2.1") == []
    kinds = [(event.kind, event.rule) for event in state.server_events(server.id)]
    assert kinds == [(ServerState.HERE, "new"), (ServerState.MOVED, "certificate")]
    assert dict(state.follow_batch("one", days["one"])) == {}
    assert state.servers() == [server]
    assert state.forget_servers("192.0.2.1") == 1
    assert (state.servers(), state.server_events()) == ([], [])


def test_an_unfinished_scan_misses_nobody(state: State) -> None:
    """Silence counts when the scan is finished, also when it was followed before."""
    late = NOW + timedelta(days=30)
    for name in ("one", "two"):
        state.start_batch(replace(SCAN, id=name))
    state.follow_batch("one", [seen("192.0.2.1", NOW, 1)])
    silent = [Look("192.0.2.1", "", None, late, Outcome.REFUSED, None)]

    assert dict(state.follow_batch("two", silent)) == {}
    state.finish_batch("two", late)
    assert dict(state.follow_batch("two", silent)) == {ServerState.GONE: 1}


@pytest.mark.parametrize(
    "url",
    ["mysql://u:geheim@db/x", "postgresql+psycopg2://u:geheim@db/x", "geheim", "sqlite://", ""],
)
def test_other_databases_are_refused_without_their_password(url: str) -> None:
    """Another dialect, no URL or no file: one line that never shows a password."""
    with pytest.raises(UsageError) as refused:
        State.open(url)

    assert "geheim" not in str(refused.value)


def test_a_state_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    """No such folder, or a file that is no database: at once, and in one line."""
    (tmp_path / "no").write_text("this is no database" * 100)

    for name in ("missing/state.sqlite", "no"):
        with pytest.raises(StoreError) as failed:
            State.open(f"sqlite:///{tmp_path}/{name}")
        assert "\n" not in str(failed.value)


def test_a_newer_state_is_left_alone(url: str) -> None:
    """A revision this program does not know: update, and nothing is changed."""
    State.open(url).close()
    database = Database(url)
    newer = text("UPDATE alembic_version SET version_num = '9999'")
    database.write(lambda connection: connection.execute(newer).rowcount)

    with pytest.raises(StoreError, match="newer patchstand"):
        State.open(url)
    database.close()


def test_a_full_disk_is_an_error_and_loses_nothing(url: str) -> None:
    """No room: the error says so, what was stored stays, and with room it goes on."""
    database = Database(url)
    with State.open(url), contextlib.closing(database):
        state = State(database)
        state.start_batch(SCAN)
        pages = "PRAGMA max_page_count"
        used = database.read(lambda at: at.exec_driver_sql("PRAGMA page_count").scalar_one())
        database.read(lambda at: at.exec_driver_sql(f"{pages}={used}").scalar_one())
        with pytest.raises(StoreError, match="free some space"):
            state.record_files(a_file(f"{number:05}") for number in range(5000))

        assert state.files() == []
        database.read(lambda at: at.exec_driver_sql(f"{pages}=1000000").scalar_one())
        state.record_files([a_file("1")])
        assert len(state.files()) == 1


def test_a_locked_state_is_waited_for_and_then_an_error(url: str, tmp_path: Path) -> None:
    """While another process holds the lock, writing waits; reading goes on."""
    with State.open(url, patience=0.3) as state:
        path = tmp_path / "state.sqlite"
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="stayed away"):
                state.start_batch(SCAN)
            assert state.batches() == []
            other.execute("ROLLBACK")
        assert state.start_batch(SCAN) == SCAN


def test_migrations_go_both_ways(url: str) -> None:
    """Up, down and up again: the same schema, and nothing left at the bottom."""
    with contextlib.closing(Database(url)) as database:
        moves_both_ways(database)


def test_a_migration_keeps_what_is_there(url: str) -> None:
    """Rows of every revision survive all later ones."""
    with contextlib.closing(Database(url)) as database:
        data_survives(database)


def test_tables_and_migrations_agree(url: str) -> None:
    """Alembic finds no difference between tables.py and the newest revision."""
    State.open(url).close()
    with contextlib.closing(Database(url)) as database:
        differences = database.read(
            lambda at: compare_metadata(MigrationContext.configure(at), METADATA)
        )

    assert differences == []


def test_sqlite_is_set_up_as_promised(url: str) -> None:
    """Write-ahead log, foreign keys, normal synchronisation."""
    State.open(url).close()
    with contextlib.closing(Database(url)) as database:
        names = ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        settings = database.read(
            lambda at: [at.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names]
        )
        tables = database.read(lambda at: inspect(at).get_table_names())

    assert settings == ["wal", 1, 1, 5000]
    assert set(METADATA.tables) <= set(tables)


WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from patchstand.store.batches import Batch, BatchKind, StoredFile
from patchstand.store.disclosures import Disclosure
from patchstand.store.state import State

url, name = sys.argv[1:]
now = datetime(2026, 11, 22, tzinfo=UTC)
with State.open(url) as state:
    for number in range(40):
        batch = f"{name}-{number}"
        state.start_batch(Batch(batch, BatchKind.SCAN, now))
        path = f"observations/{batch}.parquet"
        state.record_files([StoredFile(path, batch, "observations", "2026-11", 1, 1, "0" * 64)])
        at = now + timedelta(seconds=number)
        state.add_disclosure(Disclosure(at, name, "export", (), "RED", "", 1, batch))
        state.finish_batch(batch, now)
    print(state.pseudonym_key(now).id)
"""


def test_three_processes_write_at_once(url: str) -> None:
    """Opened, migrated and written by three processes together: no error, nothing lost."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, url, name],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for name in "abc"
    ]
    ended = [writer.communicate(timeout=100) for writer in writers]

    assert [writer.returncode for writer in writers] == [0, 0, 0], ended
    assert len({said for said, _ in ended}) == 1, "one key of pseudonyms for all"
    with State.open(url) as state:
        assert len(state.batches(state=BatchState.FINISHED)) == 120
        assert len(state.files()) == 120
        last = state.verify_journal()
        assert last is not None
        assert last.number == 120


def test_the_newest_revision_is_known_without_alembic() -> None:
    """The number that opening compares is that of the last migration."""
    assert migrate.newest() == REVISION
