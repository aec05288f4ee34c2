"""Nothing is lost: whatever ends a scan or an import, the next run ends it whole."""

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from tests.lab.conversation import an_estate
from tests.observe.importers.samples import shadowserver_report, shadowserver_row
from tests.services.postgresql import PostgreSql, postgresql
from tests.services.scanning import (
    LOOK,
    Ended,
    asked,
    complete,
    connections,
    end_of,
    kill,
    leftovers,
    observed_once,
    rows,
    run,
    running,
    seen_of,
    wait_until,
    write_scope,
    write_targets,
)

from patchstand.lab import Lab, lab_in_thread

pytestmark = [pytest.mark.services, pytest.mark.timeout(240)]

CLEAN = '{"2016": 1, "2019": 1}'
SLOW = '{"2019": 2, "silent": 1, "slow": 1}'
SERVERS, FEW = 450, 90
KILLS = 20
PER_SERVER, PER_NETWORK = 24, 1200
MEGABYTE = 1 << 20
DISK = 8 * MEGABYTE
ROOMS = [200, 420, 585, 605, 630]
"""Kilobytes: the disk is full at once, in the middle of the looks, or while rows become files."""
IMPORT_ROWS, IMPORT_KILLS = 60_000, 10
LIMITED = """
import resource
from patchstand.cli.main import run
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
run()
"""
Arguments = tuple[str | Path, ...]


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Ordinary servers in two /24, with counts of its own."""
    with lab_in_thread(an_estate(SERVERS, CLEAN)) as running_lab:
        yield running_lab


@pytest.fixture
def small_lab() -> Iterator[Lab]:
    """A few ordinary servers."""
    with lab_in_thread(an_estate(FEW, CLEAN)) as running_lab:
        yield running_lab


@pytest.fixture
def database() -> Iterator[PostgreSql]:
    """Debian's PostgreSQL, in a folder that its user can enter."""
    folder = Path(tempfile.mkdtemp(prefix="patchstand-state-"))
    try:
        with postgresql(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def scan_of(lab: Lab, folder: Path, store: Path, **fields: int) -> Arguments:
    """The arguments of a new scan of all servers of a lab, under a scope with these fields."""
    targets, scope = write_targets(folder, lab.targets()), write_scope(folder, dict(fields))
    return ("scan", "--store", store, "--targets", targets, "--scope", scope, *LOOK)


def resumed(store: Path, *more: str | Path) -> Arguments:
    """The arguments that go on with the last scan."""
    return ("scan", "--store", store, "--resume", "--quiet", *more)


def begun(store: Path) -> bool:
    """True when a scan has begun: from here on it can be resumed."""
    return any(store.glob("scans/*/scan.json"))


def stop_at(process: "subprocess.Popen[bytes]", lab: Lab, store: Path, calls: int) -> None:
    """Wait until a scan has begun and so many connections were counted, or it has ended."""
    wait_until(lambda: begun(store), process)
    wait_until(lambda: connections(lab) >= calls, process)


def is_whole(store: Path, *more: str | Path) -> None:
    """Assert that `store check` has nothing to say of a store."""
    checked = complete("store", "check", "--store", store, "--json", *more, folder=store)
    said = json.loads(checked.said)
    assert not any(said[name] for name in ("damaged", "missing", "unknown") if name in said), said


def test_a_scan_killed_at_twenty_moments_loses_nothing(tmp_path: Path, lab: Lab) -> None:
    """`kill -9` twenty times, --resume after each: one observation each, budgets kept, and
    nothing seen otherwise than by a scan that nobody disturbs."""
    store, undisturbed = tmp_path / "store", tmp_path / "undisturbed"
    budgets = {"requests_per_server": PER_SERVER, "requests_per_network": PER_NETWORK}
    begin = scan_of(lab, tmp_path, store, rate=100, **budgets)  # not done before the last kill
    arguments: Arguments = (*begin, "--concurrency", "40", "--seed", "1")
    moments = Random(20)

    for number in range(KILLS):
        calls = connections(lab) + moments.randrange(SERVERS // KILLS)
        pause = moments.uniform(0, 1.2) if number % 2 else 0.0
        with running(*arguments, folder=tmp_path) as process:
            if pause:  # at any moment of the start, too
                time.sleep(pause)
            else:
                stop_at(process, lab, store, calls)
            assert process.poll() is None
            kill(process)
        arguments = resumed(store)
    complete(*arguments, folder=tmp_path)
    per_server, per_network = asked(lab).most()

    observed_once(store, lab)
    assert per_server <= PER_SERVER
    assert per_network <= PER_NETWORK
    assert leftovers(store) == []
    is_whole(store)
    complete(*scan_of(lab, tmp_path, undisturbed), folder=tmp_path)
    assert seen_of(store) == seen_of(undisturbed)


def test_a_scan_killed_before_it_began_is_no_obstacle(tmp_path: Path, small_lab: Lab) -> None:
    """Killed while its list was made: --resume says so in one line; a new scan does it all,
    and a list cut short is never taken for the whole."""
    store, moments = tmp_path / "store", Random(5)
    begin = scan_of(small_lab, tmp_path, store)
    for _ in range(3):
        with running(*begin, folder=tmp_path) as process:
            wait_until(store.exists, process)
            time.sleep(moments.uniform(0, 0.1))
            kill(process)
        if not begun(store):
            again = run(*resumed(store), folder=tmp_path)
            assert (again.code, again.said) == (2, b"")
            assert again.complaints.count(b"\n") == 1
        shutil.rmtree(store)
    complete(*begin, folder=tmp_path)

    observed_once(store, small_lab)


@pytest.mark.parametrize("left", ["all", "no settings"])
def test_a_scan_killed_after_its_last_step_is_over(
    tmp_path: Path, small_lab: Lab, left: str
) -> None:
    """Killed while what only a scan under way needs is put away: --resume finds it done, asks
    nobody again, and does not send anybody to start anew."""
    store, kept = tmp_path / "store", tmp_path / "kept"
    with running(*scan_of(small_lab, tmp_path, store, rate=60), folder=tmp_path) as process:
        stop_at(process, small_lab, store, 10)
        kill(process)
    shutil.copytree(store / "scans", kept, ignore=shutil.ignore_patterns("journal*", "spill"))
    complete(*resumed(store), folder=tmp_path)
    calls = connections(small_lab)
    if left == "no settings":  # they go first
        next(kept.rglob("scan.json")).unlink()
    shutil.copytree(kept, store / "scans", dirs_exist_ok=True)
    again = run(*resumed(store), folder=tmp_path)

    assert connections(small_lab) == calls
    observed_once(store, small_lab)
    if left == "all":
        assert (again.code, again.complaints) == (0, b"")
    assert b"start a new scan" not in again.complaints
    is_whole(store)
    once_more = run(*resumed(store), folder=tmp_path)
    assert b"no interrupted scan" in once_more.complaints


def test_only_new_holds_after_a_kill(tmp_path: Path, small_lab: Lab) -> None:
    """--resume leaves out what the scan was told to leave out."""
    store = tmp_path / "store"
    known = write_targets(tmp_path, small_lab.targets()[:30], "known")
    scope = write_scope(tmp_path)
    begin = ("scan", "--store", store, "--targets", known, "--scope", scope, *LOOK)
    complete(*begin, folder=tmp_path)
    with running(
        *scan_of(small_lab, tmp_path, store, rate=60), "--only-new", folder=tmp_path
    ) as process:
        stop_at(process, small_lab, store, 40)
        kill(process)
    said = complete(*resumed(store, "--json"), folder=tmp_path).said

    times = Counter(row["target"] for row in rows(store))
    assert set(times) == set(small_lab.estate.by_address)
    assert set(times.values()) == {1}
    counts = json.loads(said.splitlines()[-1])
    assert (counts["targets"], counts["observed"]) == (FEW - 30, FEW - 30)


def test_other_runs_do_not_hide_the_scan_to_resume(tmp_path: Path, small_lab: Lab) -> None:
    """A mistyped scan and a killed import later, --resume still finds the interrupted scan."""
    store = tmp_path / "store"
    begin = scan_of(small_lab, tmp_path, store, rate=60)
    with running(*begin, folder=tmp_path) as process:
        stop_at(process, small_lab, store, 10)
        kill(process)
    time.sleep(1.1)  # ids carry the second
    mistyped = ("scan", "--store", store, "--targets", tmp_path / "targets", "--scope", "nowhere")
    assert run(*mistyped, folder=tmp_path).code == 2
    report = write_report(tmp_path, 20_000)
    with running("import", report, "--store", store, folder=tmp_path) as process:
        wait_until(lambda: any(store.glob("scans/import-*")), process)
        kill(process)

    complete(*resumed(store), folder=tmp_path)
    observed_once(store, small_lab)


def test_a_check_of_the_store_leaves_a_scan_under_way_alone(tmp_path: Path, small_lab: Lab) -> None:
    """`store check` and `store purge` while a scan runs and after it was killed: it ends whole."""
    store = tmp_path / "store"
    with running(*scan_of(small_lab, tmp_path, store, rate=60), folder=tmp_path) as process:
        stop_at(process, small_lab, store, 10)
        for action in ("check", "purge"):
            assert run("store", action, "--store", store, folder=tmp_path).code == 0
        assert process.poll() is None
        kill(process)
    for action in ("check", "purge"):
        assert run("store", action, "--store", store, folder=tmp_path).code == 0
    complete(*resumed(store), folder=tmp_path)

    observed_once(store, small_lab)
    is_whole(store)


def test_two_scans_share_a_store(tmp_path: Path, small_lab: Lab) -> None:
    """Two scans at one time into one store: each has its one observation of each server."""
    store = tmp_path / "store"
    begin = scan_of(small_lab, tmp_path, store, rate=120)
    with running(*begin, folder=tmp_path) as one, running(*begin, folder=tmp_path) as two:
        ended = [end_of(one), end_of(two)]

    assert [(each.code, each.complaints) for each in ended] == [(0, b""), (0, b"")]
    scans = {row["scan"] for row in rows(store, "scan")}
    times = Counter((row["scan"], row["target"]) for row in rows(store, "scan", "target"))
    assert len(scans) == 2
    assert len(times) == 2 * FEW
    assert set(times.values()) == {1}
    is_whole(store)


def test_a_reader_that_goes_away_is_no_success(tmp_path: Path, small_lab: Lab) -> None:
    """`scan --json | head -1`: the scan goes on to its end, or says that it did not."""
    store = tmp_path / "store"
    begin = (*scan_of(small_lab, tmp_path, store, rate=120), "--json")
    with running(*begin, folder=tmp_path) as process:
        assert process.stdout is not None
        process.stdout.close()
        code = process.wait(60)
    if code != 0 or len(rows(store)) < FEW:
        assert code != 0
        complete(*resumed(store), folder=tmp_path)
    observed_once(store, small_lab)


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 8 MB; skips where nothing may be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, check=False, capture_output=True)
    except OSError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip(f"no small disk can be mounted: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_loses_nothing(tmp_path: Path, small_lab: Lab) -> None:
    """Wherever the disk is full: one line, exit code 2; with room, --resume does the rest."""
    stopped = 0
    with small_disk(tmp_path / "disk") as disk:
        for room in ROOMS:
            store, ballast = disk / f"store-{room}", disk / "ballast"
            begin = scan_of(small_lab, tmp_path, store)
            ballast.write_bytes(bytes(shutil.disk_usage(disk).free - room * 1024))
            first = run(*begin, folder=tmp_path)
            ballast.unlink()
            if first.code:
                stopped += 1
                assert (first.code, first.said) == (2, b"")
                assert first.complaints.count(b"\n") == 1
                assert b"full" in first.complaints
                assert b"--resume" in first.complaints
                complete(*resumed(store), folder=tmp_path)
            observed_once(store, small_lab)
            assert leftovers(store) == []
            shutil.rmtree(store)
    assert stopped >= len(ROOMS) // 2
    assert asked(small_lab).most()[0] <= PER_SERVER * len(ROOMS)


def test_a_file_that_may_not_grow_loses_nothing(tmp_path: Path, small_lab: Lab) -> None:
    """A limit on the size of files ends a scan as a full disk does."""
    store = tmp_path / "store"
    limited = [sys.executable, "-c", LIMITED, *scan_of(small_lab, tmp_path, store)]
    done = subprocess.run(limited, capture_output=True, timeout=100, check=False)
    ended = Ended(done.returncode, done.stdout, done.stderr)

    assert (ended.code, ended.said) == (2, b"")
    assert ended.complaints.count(b"\n") == 1
    complete(*resumed(store), folder=tmp_path)
    observed_once(store, small_lab)


def test_a_database_that_restarts_loses_nothing(
    tmp_path: Path, small_lab: Lab, database: PostgreSql
) -> None:
    """PostgreSQL crashes in the middle of a scan, and is away for seconds at its end."""
    store, state = tmp_path / "store", ("--state", database.url)
    with running(*scan_of(small_lab, tmp_path, store, rate=60), *state, folder=tmp_path) as process:
        stop_at(process, small_lab, store, 20)
        database.stop()
        database.start()
        stop_at(process, small_lab, store, 50)
        database.stop()
        wait_until(lambda: bool(rows(store)), process)  # it has come to its end
        time.sleep(3)
        assert process.poll() is None
        database.start()
        ended = end_of(process)

    assert (ended.code, ended.complaints) == (0, b"")
    observed_once(store, small_lab)
    is_whole(store, *state)


def test_a_database_that_is_killed_with_the_scan_loses_nothing(
    tmp_path: Path, small_lab: Lab, database: PostgreSql
) -> None:
    """Scan and PostgreSQL die together: --resume ends the scan, once."""
    store, state = tmp_path / "store", ("--state", database.url)
    with running(*scan_of(small_lab, tmp_path, store, rate=60), *state, folder=tmp_path) as process:
        stop_at(process, small_lab, store, 20)
        database.stop()
        kill(process)
    database.start()
    complete(*resumed(store, *state), folder=tmp_path)

    observed_once(store, small_lab)
    is_whole(store, *state)


def test_an_interrupted_scan_says_how_to_go_on(tmp_path: Path, small_lab: Lab) -> None:
    """Ctrl-C: exit 130 soon, how to go on, and what was stored is whole."""
    store = tmp_path / "store"
    with running(*scan_of(small_lab, tmp_path, store, rate=60), folder=tmp_path) as process:
        stop_at(process, small_lab, store, 30)
        process.send_signal(signal.SIGINT)
        asked_to_end = time.monotonic()
        ended = end_of(process)
        seconds = time.monotonic() - asked_to_end

    assert ended.code == 130
    assert seconds < 10
    assert b"--resume" in ended.complaints
    assert str(store).encode() in ended.complaints
    found = Counter(row["target"] for row in rows(store))
    assert 0 < len(found) < FEW
    assert set(found.values()) == {1}
    is_whole(store)
    complete(*resumed(store), folder=tmp_path)
    observed_once(store, small_lab)


@pytest.mark.parametrize("pause", [0.02, 0.5], ids=str)
def test_an_impatient_interruption_loses_nothing(tmp_path: Path, pause: float) -> None:
    """Ctrl-C twice while servers keep us waiting: it ends at once, and --resume does the rest."""
    store = tmp_path / "store"
    with lab_in_thread(an_estate(40, SLOW)) as slow_lab:
        begin = (*scan_of(slow_lab, tmp_path, store), "--timeout", "20", "--retries", "0")
        with running(*begin, folder=tmp_path) as process:
            stop_at(process, slow_lab, store, 40)
            process.send_signal(signal.SIGINT)
            time.sleep(pause)
            process.send_signal(signal.SIGINT)
            asked_to_end = time.monotonic()
            ended = end_of(process)
            seconds = time.monotonic() - asked_to_end
        complete(*resumed(store), folder=tmp_path)

        assert ended.code == 130
        assert seconds < 10
        observed_once(store, slow_lab, outcome=None)


def test_two_runs_on_one_scan_are_refused(tmp_path: Path, small_lab: Lab) -> None:
    """While a run works on a scan, another is refused in one line and the first goes on."""
    store = tmp_path / "store"
    with running(*scan_of(small_lab, tmp_path, store, rate=60), folder=tmp_path) as process:
        stop_at(process, small_lab, store, 10)
        second = run(*resumed(store), folder=tmp_path)
        assert process.poll() is None
        first = end_of(process)

    assert (second.code, second.said) == (2, b"")
    assert second.complaints.count(b"\n") == 1
    assert b"another run" in second.complaints
    assert (first.code, first.complaints) == (0, b"")
    observed_once(store, small_lab)


def write_report(folder: Path, number: int) -> Path:
    """A report of Shadowserver's with so many rows, one of a hundred without an address."""
    lines = shadowserver_report(
        *(
            shadowserver_row(
                ip=f"2001:db8::{row:x}" if row % 100 else "nowhere",
                port="443",
                timestamp=f"2024-0{1 + row % 3}-17 03:14:15",
            )
            for row in range(number)
        )
    )
    path = folder / "scan_exchange.csv"
    path.write_text(lines, encoding="utf-8")
    return path


def test_an_import_killed_at_ten_moments_is_there_once(tmp_path: Path) -> None:
    """`kill -9` ten times: then the same command stores exactly the rows of the file."""
    store, moments = tmp_path / "store", Random(10)
    report = write_report(tmp_path, IMPORT_ROWS)
    command: Arguments = ("import", report, "--store", store, "--quiet", "--json")
    good = IMPORT_ROWS - IMPORT_ROWS // 100
    started = time.monotonic()
    assert run("import", report, "--store", tmp_path / "timed", folder=tmp_path).code == 0
    seconds = time.monotonic() - started

    for _ in range(IMPORT_KILLS):
        with running(*command, folder=tmp_path) as process:
            time.sleep(moments.uniform(0.1, 0.95) * seconds)
            kill(process)
        assert len(rows(store, "target")) in {0, good}
    for _ in range(2):  # and a second time changes nothing
        assert run(*command, folder=tmp_path).code == 0
        found = Counter(row["target"] for row in rows(store, "target"))
        assert len(found) == good
        assert set(found.values()) == {1}
    assert leftovers(store) == []
    is_whole(store)
