"""Derived tables: found by what they were made of, and used only if they are as written."""

import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.census.asking import LACKING, PATCHED, at, in_state, looks, printed, stored
from tests.workflow.present import seen

from patchstand.errors import StoreError
from patchstand.model import Knowledge
from patchstand.store.folder import Folder
from patchstand.workflow.derived import cached, clear, digest, is_kept, keep, tidy

PATCHSTAND = Path(sys.executable).with_name("patchstand")
DAY = "2024-09-12"
MADE = ("cube", digest("observations", 1))
TABLE = pa.table(
    {"day": pa.array(range(50), pa.int32()), "shown": pa.array(["a", "b"] * 25).dictionary_encode()}
)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A new store."""
    return Folder.open(tmp_path / "store", at(DAY))


def files(folder: Folder) -> list[Path]:
    """All files beside the observations."""
    return sorted((folder.root / "derived").iterdir())


def flipped(path: Path, place: int, mask: int = 0x15) -> None:
    """Make one byte another one."""
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= mask
    path.write_bytes(content)


def test_a_table_is_found_by_what_it_was_made_of(folder: Folder) -> None:
    """The same table comes back; of other things, or of another name, there is none."""
    keep(folder, MADE, TABLE)

    found = cached(folder, MADE)
    assert found is not None
    assert found.equals(TABLE)
    assert is_kept(folder, MADE)
    for other in ((MADE[0], digest("observations", 2)), ("intervals", MADE[1])):
        assert cached(folder, other) is None
        assert not is_kept(folder, other)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0), mask=st.integers(1, 255))
def test_a_flipped_byte_is_never_read(folder: Folder, place: int, mask: int) -> None:
    """Wherever a byte is another one, the table is as good as not there."""
    keep(folder, MADE, TABLE)
    (path,) = files(folder)
    content = path.read_bytes()
    flipped(path, place, mask)

    assert cached(folder, MADE) is None
    path.write_bytes(content)
    assert cached(folder, MADE) is not None


def test_of_a_name_the_newest_are_kept(folder: Folder) -> None:
    """Tables made of other things give way, oldest first; other names stay."""
    keep(folder, ("phase", "a"), TABLE)
    for number in range(5):
        keep(folder, ("cube", str(number)), TABLE, versions=3)
        (path,) = (folder.root / "derived").glob(f"cube.{number}.*")
        os.utime(path, (number, number))

    assert [number for number in range(5) if is_kept(folder, ("cube", str(number)))] == [2, 3, 4]
    assert is_kept(folder, ("phase", "a"))
    assert clear(folder) == 4
    assert files(folder) == []


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory, known: Knowledge) -> tuple[Path, object]:
    """A store of several months and batches with all derived tables, and what is said of it."""
    root = tmp_path_factory.mktemp("counted") / "store"
    first = [look for n in range(8) for look in looks(n, LACKING, at("2024-06-20"), (0, 40, 82))]
    stored(root, [*first, *in_state("DE-BY", range(20, 30))], known)
    patched = [seen(n, PATCHED, at("2024-09-11")) for n in range(0, 8, 2)]
    stored(root, patched, known, "20240911T083000Z-000009")
    return root, printed(root, DAY, "--series")


KINDS = (
    "cube", "fix", "flaw", "intervals", "phase", "runs-2024-06", "runs-2024-07", "runs-2024-09",
    "seen-by", "sight", "standing", "time-to-patch", "verdict",
)  # fmt: skip
"""Every derived table of that store."""


def test_the_list_of_derived_tables_is_whole(counted: tuple[Path, object]) -> None:
    """A table that is new among the derived ones is tried below as well."""
    kinds = {path.name.split(".")[0] for path in (counted[0] / "derived").iterdir()}

    assert kinds == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_bytes_change_no_figure(counted: tuple[Path, object], kind: str) -> None:
    """One byte of a derived table is another one: that costs time, and changes nothing."""
    root, expected = counted
    (path,) = (root / "derived").glob(f"{kind}.*")
    content = path.read_bytes()

    for place in (9, len(content) // 3, len(content) // 2, len(content) - 20):
        flipped(path, place)
        if kind.startswith("runs-"):  # which are read only where there are no intervals
            next((root / "derived").glob("intervals.*")).unlink()
        assert printed(root, DAY, "--series") == expected
        assert path.read_bytes() == content  # made anew


def test_a_store_that_cannot_be_written_is_counted(tmp_path: Path, known: Knowledge) -> None:
    """Without a place for derived tables the figures are the same, each time made anew."""
    root = stored(tmp_path / "store", [seen(n) for n in range(8)], known)
    (root / "derived").write_bytes(b"")  # no folder can be made there: also for root

    found = printed(root, DAY, "--series"), printed(root, DAY, "--series")

    assert found[0][0] == 0
    (root / "derived").unlink()
    assert found == (printed(root, DAY, "--series"),) * 2
    assert (root / "derived").is_dir()


def test_what_an_ended_census_left_behind_goes(tmp_path: Path, known: Knowledge) -> None:
    """Temporary files of processes that are gone are removed by the next census, others stay."""
    root = stored(tmp_path / "store", [seen(1)], known)
    left, theirs = (
        root / "derived" / f".tmp-{number}-cube.a.b.arrow.part"
        for number in (99999999, os.getppid())
    )
    left.parent.mkdir()
    left.write_bytes(b"half")
    theirs.write_bytes(b"half")

    assert printed(root, DAY)[0] == 0
    assert not left.exists()
    assert theirs.exists()


def test_tidying_a_store_without_derived_tables_is_no_error(folder: Folder) -> None:
    """Nothing there: nothing to remove, and nothing is made."""
    tidy(folder)

    assert not (folder.root / "derived").exists()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root removes anything")
def test_what_cannot_be_removed_is_said(folder: Folder) -> None:
    """Derived tables name servers: that one stays in spite of an erasure must not go unsaid."""
    keep(folder, MADE, TABLE)
    (folder.root / "derived").chmod(0o500)

    with pytest.raises(StoreError, match="cube"):
        clear(folder)
    (folder.root / "derived").chmod(0o700)


@pytest.fixture
def store(counted: tuple[Path, object], tmp_path: Path) -> Path:
    """A copy of that store with its derived tables, to be changed."""
    root = counted[0]
    copied = Path(shutil.copytree(root, tmp_path / "copy"))
    assert printed(copied, DAY, "--series") == counted[1]
    return copied


def test_a_file_cut_short_is_made_anew(store: Path, counted: tuple[Path, object]) -> None:
    """With half of every derived table gone a census says the same."""
    for path in files(Folder.open(store)):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    assert printed(store, DAY, "--series") == counted[1]


def test_tables_of_other_observations_are_not_used(store: Path) -> None:
    """When a file of observations is gone, the census is that of the others."""
    usual = printed(store, DAY, "--series")
    next((store / "observations" / "month=2024-09").iterdir()).unlink()

    without = printed(store, DAY, "--series")

    assert without != usual
    shutil.rmtree(store / "derived")
    assert printed(store, DAY, "--series") == without


def test_days_asked_for_in_turn_do_not_drive_each_other_out(store: Path) -> None:
    """Two days asked for alternately both stay kept: the second time nothing is written."""
    days = ("2024-08-02", DAY)
    first = [printed(store, day, "--series") for day in days]
    kept = files(Folder.open(store))

    assert [printed(store, day, "--series") for day in days] == first
    assert files(Folder.open(store)) == kept


def test_readers_and_writers_do_not_disturb_each_other(folder: Folder) -> None:
    """Readers get whole tables or none while others write, replace and remove them."""
    tables = {number: pa.table({"n": list(range(number, number + 500))}) for number in range(6)}
    done = threading.Event()

    with ThreadPoolExecutor(5) as pool:
        readers = [pool.submit(_read_until, done, folder, tables) for _ in range(3)]
        writers = [pool.submit(_write, folder, tables, turn) for turn in range(2)]
        for each in writers:
            each.result()
        done.set()
        found = [each.result() for each in readers]

    assert sum(found) > 0
    assert len(files(folder)) <= 3
    assert not [path for path in files(folder) if path.name.startswith(".")]


def _read_until(done: threading.Event, folder: Folder, tables: dict[int, pa.Table]) -> int:
    """Read all the time; how often something was there. It is whole each time."""
    times = 0
    while not done.is_set():
        for number, table in tables.items():
            found = cached(folder, ("cube", digest(number)))
            times += found is not None
            assert found is None or found.equals(table)
    return times


def _write(folder: Folder, tables: dict[int, pa.Table], turn: int) -> None:
    for number in [*tables] * 20:
        at = (number + turn) % len(tables)
        keep(folder, ("cube", digest(at)), tables[at], versions=2)


def test_a_census_while_another_makes_everything_anew(store: Path) -> None:
    """Several censuses over one store at the same time, some of them rebuilding, all agree."""
    words = [(), ("--rebuild",), (), ("--rebuild",)]
    usual = printed(store, DAY, "--series")

    with ThreadPoolExecutor(len(words)) as pool:
        found = list(pool.map(lambda more: _in_a_process(store, *more), words))

    assert set(found) == {usual[1]}


def _in_a_process(root: Path, *words: str) -> bytes:
    options = ["--store", str(root), "--as-of", DAY, "--series", "--json", "--quiet", *words]
    done = subprocess.run([str(PATCHSTAND), "census", *options], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout
