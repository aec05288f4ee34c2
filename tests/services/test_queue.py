"""A real PostgreSQL and queue workers: the same records as here; workers and database may die."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from tests.services.looking import (
    AT_ONCE,
    BUDGET,
    REQUESTS,
    SERVERS,
    SLOW,
    a_lab,
    batches_for,
    comparable,
    looked_at_here,
    most_asked,
    records_of,
    scanned,
)
from tests.services.servers import END_SECONDS, free_port

from patchstand.cli.command import now
from patchstand.cli.main import main
from patchstand.errors import StoreError, UsageError
from patchstand.lab import Lab
from patchstand.observe.pool import AT_FIRST
from patchstand.workflow.beyond.batches import LOT, LookBatch, LookResult, encode
from patchstand.workflow.beyond.database import Database, Key, make_tables
from patchstand.workflow.beyond.queue import _Queue, through_queue
from patchstand.workflow.beyond.remote import Edge
from patchstand.workflow.beyond.worker import WorkerOptions, _look

pytestmark = pytest.mark.services

PATCHSTAND = Path(sys.executable).with_name("patchstand")
PROGRAMS = "/usr/lib/postgresql/{}/bin"
Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class PostgreSQL:
    """A server of our own; `postgres` runs it, as it refuses to run as root."""

    folder: Path
    programs: Path
    port: int

    @property
    def url(self) -> str:
        """Where it is."""
        return f"postgresql://patchstand@127.0.0.1:{self.port}/postgres"

    def control(self, *words: str) -> None:
        """Run pg_ctl and wait for what it does."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        fixed = ["-D", str(self.folder / "data"), "-w", "-l", str(self.folder / "log")]
        self.run("pg_ctl", *fixed, "-o", options, *words)

    def run(self, program: str, *words: str) -> None:
        """Run one of its programs, never as root."""
        other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        command = [*other, str(self.programs / program), *words]
        subprocess.run(
            command,
            check=True,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """The rows of a query."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(query.encode()).fetchall()

    def do(self, query: str, *values: object) -> None:
        """Change something, as nobody else would."""
        with psycopg.connect(self.url) as connection:
            connection.execute(query.encode(), values or None)


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    """Debian's PostgreSQL on a free port, ended afterwards."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    assert installed, "postgresql is not installed: run make test-services"
    folder = Path("/tmp") / f"patchstand-queue-{os.getpid()}"  # postgres must get in
    folder.mkdir()
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    server = PostgreSQL(folder, installed[-1], free_port())
    try:
        trust = ["--auth", "trust", "--username", "patchstand", "--no-sync"]
        server.run("initdb", "-D", str(folder / "data"), *trust)
        server.control("start")
        yield server
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            server.control("stop", "-m", "immediate")
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def worker(url: str, folder: Path, *options: str) -> Iterator[Process]:
    """A queue worker as the handbook starts it; ended by force afterwards, if need be."""
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [PATCHSTAND, "worker", "--queue", url, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.terminate()  # so that it finishes its job: a killed one leaves it in the queue
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(END_SECONDS)


def through(lab: Lab, url: str, scan: str, **rules: object) -> list[LookResult]:
    """The results of all batches of the lab."""
    batches = batches_for(lab, scan, **rules)  # type: ignore[arg-type]
    return list(through_queue(batches, url, scan, AT_ONCE))


@contextlib.contextmanager
def once_busy(lab: Lab, act: Callable[[], object]) -> Iterator[None]:
    """Do something in the middle: once an eighth of the servers has been visited."""

    def wait_and_act() -> None:
        until = time.monotonic() + 60
        while len(lab.tally.visits) < SERVERS // 8 and time.monotonic() < until:
            time.sleep(0.02)
        act()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    yield
    thread.join()


def is_clean(postgresql: PostgreSQL) -> bool:
    """Whether nothing of any scan is left in the database."""
    tables = ("look_batches", "look_lots", "look_results", "procrastinate_jobs")
    return all(postgresql.ask(f"SELECT count(*) FROM {table}") == [(0,)] for table in tables)


def until_true(asked: Callable[[], bool], seconds: float = END_SECONDS) -> bool:
    """Ask until the answer is yes, or the time is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if asked():
            return True
        time.sleep(0.1)
    return False


def test_two_workers_see_what_one_machine_sees(postgresql: PostgreSQL, tmp_path: Path) -> None:
    """The records are those of a look without queue; nothing stays in it; workers end cleanly."""
    with a_lab() as lab:
        here = looked_at_here(lab)
    url = postgresql.url
    with a_lab() as lab, worker(url, tmp_path) as one, worker(url, tmp_path) as other:
        results = through(lab, url, "q")
        asked = most_asked(lab)
        clean = until_true(lambda: is_clean(postgresql))
        one.send_signal(signal.SIGTERM)
        other.send_signal(signal.SIGINT)
        codes = [one.wait(END_SECONDS), other.wait(END_SECONDS)]

    assert len(here) == SERVERS
    assert comparable(records_of(results)) == comparable(here)
    assert max(asked) <= REQUESTS
    assert clean
    assert codes == [0, 0]
    assert "Traceback" not in (tmp_path / "worker.log").read_text()


def test_a_scan_through_the_queue_stores_the_same(postgresql: PostgreSQL, tmp_path: Path) -> None:
    """`scan --queue` stores, row by row, what a scan on this machine stores."""
    url = postgresql.url
    with a_lab() as lab:
        here = scanned(lab, tmp_path / "here")
    with a_lab() as lab, worker(url, tmp_path), worker(url, tmp_path):
        there = scanned(lab, tmp_path / "there", "--queue", url)
        asked = most_asked(lab)

    assert len(here) == SERVERS
    assert there == here
    assert max(asked) <= REQUESTS


def test_a_killed_worker_loses_nothing(postgresql: PostgreSQL, tmp_path: Path) -> None:
    """kill -9 of a worker in the middle: another takes its batch, no budget is exceeded."""
    with a_lab() as lab:
        here = looked_at_here(lab)
    url = postgresql.url
    with a_lab() as lab, worker(url, tmp_path) as one, worker(url, tmp_path):
        with once_busy(lab, one.kill):
            results = through(lab, url, "k", rules=SLOW)
        asked = most_asked(lab)

    assert max(result.attempt for result in results) == 2
    assert comparable(records_of(results)) == comparable(here)
    assert max(asked) <= BUDGET


def test_a_database_that_restarts_loses_nothing(postgresql: PostgreSQL, tmp_path: Path) -> None:
    """PostgreSQL restarts in the middle: coordinator and workers wait, and nobody asks twice."""
    with a_lab() as lab:
        here = looked_at_here(lab)
    url = postgresql.url

    def restart() -> None:
        postgresql.control("stop", "-m", "immediate")
        time.sleep(1)
        postgresql.control("start")

    with a_lab() as lab, worker(url, tmp_path) as one, worker(url, tmp_path) as other:
        with once_busy(lab, restart):
            results = through(lab, url, "r", rules=SLOW)
        asked = most_asked(lab)
        alive = [one.poll(), other.poll()]

    assert comparable(records_of(results)) == comparable(here)
    assert max(asked) <= REQUESTS
    assert alive == [None, None]
    assert "Traceback" not in (tmp_path / "worker.log").read_text()


def test_a_coordinator_that_comes_back_resumes(postgresql: PostgreSQL, tmp_path: Path) -> None:
    """What an earlier run left in the queue comes first; nothing is asked a second time."""
    url = postgresql.url
    with a_lab() as lab, worker(url, tmp_path):
        batches = batches_for(lab, "c")
        first = through_queue(batches, url, "c", AT_ONCE)
        seen = [next(first)]
        first.close()
        again = through_queue(batches, url, "c", AT_ONCE)
        results = list(again)
        asked = most_asked(lab)
        assert until_true(lambda: is_clean(postgresql))

    assert sorted(result.number for result in results) == [batch.number for batch in batches]
    assert seen[0] in results
    assert max(asked) <= REQUESTS


def test_what_is_left_is_there_before_more_is_asked_for(
    postgresql: PostgreSQL, tmp_path: Path
) -> None:
    """The batches of a resumed scan may depend on the results that were still in the queue."""
    url = postgresql.url
    with a_lab() as lab, worker(url, tmp_path):
        batches = batches_for(lab, "l")
        first = through_queue(batches[:2], url, "l", AT_ONCE)
        next(first)
        first.close()
        came: list[int] = []

        def rest() -> Iterator[LookBatch]:
            assert sorted(came) == [0, 1]
            yield from batches[2:]

        came.extend(result.number for result in through_queue(rest(), url, "l", AT_ONCE))

    assert sorted(came) == [batch.number for batch in batches]


def test_a_worker_that_was_taken_for_dead_begins_nothing_more(postgresql: PostgreSQL) -> None:
    """When another attempt has begun, the first one ends without a result and without asking."""
    url, said = postgresql.url, list[str]()

    def stolen() -> datetime:  # read by the gate, after the first lot is entered
        postgresql.do("UPDATE look_batches SET attempt = attempt + 1")
        return now()

    with a_lab() as lab, Database(url) as database:
        batches = batches_for(lab, "t")
        every = tuple(lease for batch in batches for lease in batch.leases)
        batch = replace(batches[0], leases=every)
        database.run(make_tables)
        postgresql.do("INSERT INTO look_batches VALUES ('t', 'b', %s)", encode(batch))
        _look(WorkerOptions(url, Edge(stolen), tell=said.append), Key("t", "b"))
        visited = len(lab.tally.visits)
        results = postgresql.ask("SELECT * FROM look_results")
        postgresql.do("DELETE FROM look_batches")

    assert results == []
    assert visited <= AT_FIRST + LOT  # a pool takes so many at first
    assert len(said) == 1
    assert "given to another worker" in said[0]


def test_a_refused_batch_is_told_and_can_be_tried_again(
    postgresql: PostgreSQL, tmp_path: Path
) -> None:
    """A worker that cannot read a batch says why; after that is put right, the scan resumes."""
    url = postgresql.url
    with a_lab() as lab, worker(url, tmp_path):
        good = batches_for(lab, "f")
        bad = replace(good[0], settings=replace(good[0].settings, knowledge="1999.01"))
        with pytest.raises(StoreError, match=r"knowledge 1999\.01"):
            list(through_queue([bad], url, "f", AT_ONCE))
        postgresql.do("DELETE FROM look_batches")
        results = list(through_queue(good, url, "f", AT_ONCE))

    assert len(records_of(results)) == SERVERS


def test_a_worker_ends_when_the_queue_is_empty(postgresql: PostgreSQL) -> None:
    """--once with nothing to do ends with exit 0 and says nothing."""
    done = subprocess.run(
        [PATCHSTAND, "worker", "--queue", postgresql.url, "--once"],
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_worker_has_its_own_name_and_scope(postgresql: PostgreSQL, tmp_path: Path) -> None:
    """Records carry the worker's vantage point."""
    url = postgresql.url
    with a_lab() as lab, worker(url, tmp_path, "--vantage-point", "south"):
        results = list(through_queue(batches_for(lab, "v")[:1], url, "v", AT_ONCE))

    assert {record.vantage_point for record in records_of(results)} == {"south"}


def test_what_is_no_database_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A worker without --queue, with another kind of address, or with nobody there: exit 2."""
    wrong: tuple[list[str], ...] = (
        [],
        ["--queue", "mysql://x"],
        ["--queue", f"postgresql://127.0.0.1:{free_port()}/x"],
    )
    for options in wrong:
        assert main(["worker", *options]) == 2
        assert capsys.readouterr().err.count("\n") == 1

    with pytest.raises(UsageError):
        list(through_queue([], "mysql://x", "s", 1))


def test_a_database_that_stays_away_is_told(
    postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting ends at some time, with an error that is one line."""
    monkeypatch.setattr("patchstand.workflow.beyond.database.PATIENCE_SECONDS", 0.5)
    with Database(postgresql.url) as database:
        postgresql.control("stop", "-m", "immediate")
        try:
            with pytest.raises(StoreError, match=r"^the queue's database is away[^\n]*$"):
                database.run(lambda connection: connection.execute("SELECT 1"))
        finally:
            postgresql.control("start")


HANDBOOK = Path(__file__).resolve().parents[2] / "docs" / "cluster.md"


def test_the_role_of_the_handbook_is_enough(postgresql: PostgreSQL, tmp_path: Path) -> None:
    """A worker with the rights that the handbook grants, and no others, does its work."""
    (grants,) = statements("CREATE ROLE site")
    with Database(postgresql.url) as database:
        database.run(make_tables)
    postgresql.do(grants)
    url = postgresql.url.replace("patchstand@", "site@")
    with a_lab() as lab, worker(url, tmp_path):
        results = through(lab, postgresql.url, "g")

    assert len(records_of(results)) == SERVERS
    with pytest.raises(psycopg.errors.InsufficientPrivilege), psycopg.connect(url) as connection:
        connection.execute("UPDATE look_batches SET payload = ''")


def test_the_handbook_drops_what_is_left(postgresql: PostgreSQL) -> None:
    """The statements of the handbook remove the batches of a scan that was given up."""
    with a_lab() as lab, Database(postgresql.url) as database:
        queue = _Queue(database, "x", AT_ONCE)
        database.run(make_tables)
        queue._put(batches_for(lab, "x")[0])
        left = is_clean(postgresql)
        (drop,) = statements("DELETE")
        postgresql.do(drop)

    assert not left
    assert is_clean(postgresql)


def statements(beginning: str) -> list[str]:
    """The blocks of SQL in the handbook that begin so."""
    page = HANDBOOK.read_text(encoding="utf-8")
    blocks = re.findall(r"^```sql\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [block for block in blocks if block.startswith(beginning)]
