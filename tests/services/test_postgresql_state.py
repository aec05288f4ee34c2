"""The state in a real PostgreSQL: the same as on SQLite, also when the server goes away."""

import contextlib
import itertools
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from tests.services.postgresql import PostgreSql, postgresql
from tests.store.schema import data_survives, moves_both_ways

from patchstand.errors import StoreError
from patchstand.model import Outcome
from patchstand.store.batches import Batch, BatchKind, BatchState, StoredFile
from patchstand.store.database import Database
from patchstand.store.disclosures import Disclosure, Erasure
from patchstand.store.looks import Look
from patchstand.store.servers import ServerState
from patchstand.store.state import State
from patchstand.store.tables import METADATA

pytestmark = pytest.mark.services

NOW = datetime(2026, 11, 22, 21, 30, 0, 123456, tzinfo=UTC)
PATIENCE = 30.0
_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSql]:
    """One server for all tests of this file."""
    with tempfile.TemporaryDirectory(prefix="patchstand-postgresql-") as folder:
        Path(folder).chmod(0o755)
        with postgresql(Path(folder)) as running:
            yield running


@pytest.fixture
def url(server: PostgreSql) -> str:
    """The address of an empty database."""
    return server.make(f"test{next(_NUMBERS)}")


def disclosure(number: int) -> Disclosure:
    """One of many outputs."""
    at = NOW + timedelta(seconds=number)
    return Disclosure(at, "operator", "export", ("a@example.org",), "RED", "", 1, f"{number:064}")


def test_everything_comes_back_as_it_went_in(url: str) -> None:
    """Batches, files, journal, keys and erasures, with times in UTC."""
    batch = Batch("one", BatchKind.IMPORT, NOW, counts={"read": 2}, targets=10_000_000_000)
    stored = StoredFile("a", "one", "observations", "2026-11", 1, 2, "ab", NOW, NOW)
    erasure = Erasure("p:x", NOW, "asked", 1)
    with State.open(url) as state:
        assert state.start_batch(batch) == state.start_batch(batch) == batch
        state.record_files([stored])
        entry = state.add_disclosure(disclosure(1))
        assert state.add_disclosure(disclosure(1)) == entry
        key = state.pseudonym_key(NOW)
        state.add_erasure(erasure)
        state.add_erasure(erasure)

    with State.open(url) as state:
        (again,) = state.batches(BatchKind.IMPORT, BatchState.RUNNING)
        assert (again, again.started_at.tzinfo) == (batch, UTC)
        assert state.files("one") == [stored]
        assert state.verify_journal() == entry
        assert state.pseudonym_keys() == [key]
        assert state.erasures() == [erasure]
        with pytest.raises(StoreError, match="contradictory"):
            state.record_files([StoredFile("b", "nobody", "answers", "2026-11", 1, 2, "ab")])


def test_servers_are_followed(url: str) -> None:
    """Here and gone, with negative and large certificates, as on SQLite."""
    address, late = "2001:db8::1", NOW + timedelta(days=14)
    here = Look(address, "", None, NOW, Outcome.ANSWERED, True, -(2**63), "EX01 EX02", 64500)
    with State.open(url) as state:
        for name, look in (
            ("one", here),
            ("two", Look(address, "", None, late, Outcome.REFUSED, None)),
        ):
            state.start_batch(Batch(name, BatchKind.SCAN, NOW))
            state.finish_batch(name, late)
            state.follow_batch(name, [look])
        (known,) = state.servers(address)
        kinds = [event.kind for event in state.server_events(known.id)]

    assert (known.state, known.since, known.certificate) == (ServerState.GONE, late, -(2**63))
    assert known.nodes == {"EX01", "EX02"}
    assert kinds == [ServerState.HERE, ServerState.GONE]


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


def test_many_open_and_write_at_once(url: str) -> None:
    """Opened, migrated and written by several at once: one chain, one key, nothing lost."""

    def write(worker: int) -> str:
        with State.open(url) as state:
            for number in range(20):
                state.add_disclosure(disclosure(worker * 100 + number))
            return state.pseudonym_key(NOW).id

    with ThreadPoolExecutor(4) as pool:
        keys = set(pool.map(write, range(4)))

    assert len(keys) == 1
    with State.open(url) as state:
        last = state.verify_journal()
    assert last is not None
    assert last.number == 80


@pytest.mark.parametrize("how", ["immediate", "fast"])
def test_a_restart_in_the_middle_loses_nothing(server: PostgreSql, url: str, how: str) -> None:
    """The server crashes, or is stopped in order, twice while rows are written: all are there."""
    stop = threading.Event()
    written: list[int] = []

    def write() -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            batch = f"batch-{number}"
            state.start_batch(Batch(batch, BatchKind.SCAN, NOW))
            state.record_files([StoredFile(batch, batch, "answers", "2026-11", 1, 1, "ab")])
            state.add_disclosure(disclosure(number))
            written.append(number)

    with State.open(url, patience=PATIENCE) as state, ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        for _ in range(2):
            wait_for(written, len(written) + 10)
            server.stop(how)
            time.sleep(0.5)
            server.start()
        wait_for(written, len(written) + 10)
        stop.set()
        writing.result(PATIENCE)
        files, last = state.files(), state.verify_journal()

    assert len(files) == len(written)
    assert last is not None
    assert last.number == len(written)


def wait_for(written: list[int], count: int) -> None:
    """Wait until so much is written."""
    until = time.monotonic() + PATIENCE
    while len(written) < count:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_server_that_stays_away_is_an_error(server: PostgreSql, url: str) -> None:
    """After its patience the error says that the server should be seen to run."""
    with State.open(url, patience=0.5) as state:
        server.stop()
        try:
            with pytest.raises(StoreError, match="see that it runs"):
                state.batches()
        finally:
            server.start()
        assert state.batches() == []


def test_a_missing_database_is_an_error_at_once(server: PostgreSql) -> None:
    """What no waiting changes is not waited for, and the password is not shown."""
    url = server.url.replace("postgres@", "postgres:geheim@") + "-missing"
    began = time.monotonic()
    with pytest.raises(StoreError, match="does not exist") as failed:
        State.open(url)

    assert time.monotonic() - began < 5
    assert "geheim" not in str(failed.value)


def test_sessions_in_another_time_zone_mean_the_same_moment(url: str) -> None:
    """Times are stored with their zone: a database set to another one changes nothing."""
    name = url.rpartition("/")[2]
    with contextlib.closing(Database(url)) as database:
        other = text(f"ALTER DATABASE {name} SET timezone = 'Asia/Tokyo'")
        database.write(lambda at: at.execute(other).rowcount)
    with State.open(url) as state:
        stored = state.start_batch(Batch("one", BatchKind.SCAN, NOW))

    assert (stored.started_at, stored.started_at.tzinfo) == (NOW, UTC)
