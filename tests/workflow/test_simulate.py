"""simulate: what is written, that it is the same again, and what is refused."""

import errno
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.workflow.countries import POPULATIONS, sights
from tests.workflow.stores import store_of

from patchstand.errors import KnowledgeError, PatchstandError, StoreError, UsageError
from patchstand.knowledge.populations import load_population
from patchstand.model import Build, Knowledge
from patchstand.store.folder import Folder
from patchstand.workflow.census import CensusPlan, census
from patchstand.workflow.simulate import Simulated, Simulation, preview, simulate
from patchstand.workflow.simulate import _quota as quota
from patchstand.workflow.store import Store, batches, check

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def wanted(root: Path, **changes: object) -> Simulation:
    asked = Simulation("de-2024-09", servers=40, days=75, seed=3, store=root)
    return replace(asked, **changes)  # type: ignore[arg-type]


def made(asked: Simulation) -> Simulated:
    return simulate(asked, NOW, lambda _done, _of: None)


def written(root: Path) -> dict[str, str]:
    """The digest of every file of observations and identities."""
    found = sorted(root.glob("*/month=*/*"))
    return {str(path.relative_to(root)): sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulation that went through."""
    root = tmp_path_factory.mktemp("simulated") / "store"
    made(wanted(root))
    return root


# What is written


def test_every_server_is_seen_once_a_day_up_to_the_day_of_the_figures(store: Path) -> None:
    """Observations end on the day of the population; no server has two on one day."""
    rows = pq.read_table([each.path for each in Folder.open(store).files("observations")])
    seen = Counter(zip(rows["target"].to_pylist(), days_of(rows), strict=True))

    assert max(seen.values()) == 1
    assert max(days_of(rows)) == date(2024, 9, 10)
    assert len(set(days_of(rows))) == 75
    assert 0.97 < len(rows) / (40 * 75) <= 1


def days_of(rows: "pq.Table") -> list[date]:
    return [moment.date() for moment in rows["observed_at"].to_pylist()]


@pytest.mark.parametrize("population", POPULATIONS)
def test_a_census_of_the_last_day_counts_every_server_once(population: str, tmp_path: Path) -> None:
    """The population of the last day is as large as asked for, and shows what was drawn."""
    done = made(wanted(tmp_path / "store", population=population, servers=300, days=40, seed=8))

    found = census(CensusPlan(tmp_path / "store", done.last))

    assert found.population == 300
    assert found.sights == sights(population, 300, 40, 8)


def test_the_counts_are_those_of_the_files(store: Path, tmp_path: Path) -> None:
    """What is said of a simulation is what lies in the store, also when nothing was to do."""
    again = made(wanted(store))
    tables = Folder.open(store).files("observations")

    assert again.rows == sum(pq.read_metadata(each.path).num_rows for each in tables)
    assert again.bytes == sum(each.path.stat().st_size for each in tables)
    assert [each.observations for each in batches(Store(store))] == [again.rows]


def test_the_store_passes_its_own_check(store: Path) -> None:
    """Nothing is left over, damaged or unknown to the register."""
    found = check(Store(store), dry_run=False)

    assert (found.defects, found.removed, found.aside) == ([], [], [])


# The same again


def test_the_same_simulation_writes_the_same_bytes(store: Path, tmp_path: Path) -> None:
    """Seed, population, servers and days decide every byte; another seed gives others."""
    made(wanted(tmp_path / "same"))
    made(wanted(tmp_path / "other", seed=4))

    assert written(tmp_path / "same") == written(store)
    assert not set(written(tmp_path / "other").values()) & set(written(store).values())


def test_done_again_it_writes_nothing(store: Path) -> None:
    """Files of a finished simulation are left alone."""
    before = {path: path.stat().st_mtime_ns for path in store.glob("*/month=*/*")}

    made(wanted(store))

    assert {path: path.stat().st_mtime_ns for path in store.glob("*/month=*/*")} == before


KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from patchstand.store import folder
from patchstand.workflow.simulate import Simulation, simulate
at = int(sys.argv[2])
flush, flushed = os.fsync, []
def fsync(place):
    flushed.append(place)
    if len(flushed) == at:
        os.kill(os.getpid(), signal.SIGKILL)
    flush(place)
os.fsync = fsync
asked = Simulation("de-2024-09", 40, 75, 3, Path(sys.argv[1]))
simulate(asked, datetime.fromisoformat("2026-11-22T00:00:00+00:00"), lambda done, of: None)
"""


@pytest.mark.parametrize("flush", [3, 5, 8, 9])
def test_a_killed_simulation_is_finished_by_the_same_again(
    store: Path, tmp_path: Path, flush: int
) -> None:
    """Killed while a file is written, or between two, it leaves whole files; then the rest."""
    root = tmp_path / "store"
    killed = subprocess.run([sys.executable, "-c", KILLED, root, str(flush)], check=False)
    left = written(root)

    assert killed.returncode == -signal.SIGKILL
    whole = {path: each for path, each in left.items() if not path.endswith(".part")}
    assert whole.items() < written(store).items()
    made(wanted(root))
    check(Store(root), dry_run=False)
    assert written(root) == written(store)


def test_a_finished_month_is_not_made_again(tmp_path: Path, store: Path) -> None:
    """A month of which a file is missing is made anew; the others stay, and it is the same."""
    made(wanted(tmp_path / "store"))
    (gone,) = (tmp_path / "store").glob("identities/month=2024-08/*")
    gone.unlink()

    made(wanted(tmp_path / "store"))

    assert written(tmp_path / "store") == written(store)


def test_a_month_in_which_nobody_was_seen_has_no_file(tmp_path: Path) -> None:
    """Where every look failed there is nothing to write; the last day is complete all the same."""
    text = (files("patchstand.knowledge") / "data" / "habits.toml").read_text("utf-8")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "habits.toml").write_text(text.replace("missed = 0.005", "missed = 1.0"))

    done = made(wanted(tmp_path / "store", override=tmp_path / "mine"))

    assert done.rows == 40
    assert {each.month for each in Folder.open(tmp_path / "store").files("observations")} == {
        "2024-09"
    }


# What is refused


def test_a_damaged_file_is_said(tmp_path: Path) -> None:
    """A file that cannot be read any more is named, with what to do."""
    made(wanted(tmp_path / "store", days=3))
    (path,) = (tmp_path / "store").glob("observations/*/*")
    path.write_bytes(path.read_bytes()[:100])

    with pytest.raises(StoreError, match="store check"):
        made(wanted(tmp_path / "store", days=3))


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    """What would be written is said, and no folder is made."""
    found = preview(wanted(tmp_path / "store"))

    assert (found.first, found.last) == (date(2024, 6, 28), date(2024, 9, 10))
    assert (found.rows, found.servers) == (None, None)
    assert list(tmp_path.iterdir()) == []


def refused(asked: Simulation) -> Iterator[PatchstandError]:
    for run in (preview, made):
        with pytest.raises(PatchstandError) as caught:
            run(asked)
        assert "\n" not in str(caught.value)
        yield caught.value


def test_an_unknown_population_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    """The known names are said, and no store is begun."""
    for error in refused(wanted(tmp_path / "store", population="de-2030-01")):
        assert isinstance(error, UsageError)
        assert "known: de-2024-03" in str(error)
    assert list(tmp_path.iterdir()) == []


def test_days_before_there_is_anything_are_refused(tmp_path: Path) -> None:
    """Nothing is simulated before 2010."""
    for error in refused(wanted(tmp_path / "store", days=5368)):
        assert "before 2010" in str(error)
    assert preview(wanted(tmp_path / "store", days=5367)).first == date(2010, 1, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_store_with_anything_else_is_refused_and_stays_as_it_is(
    tmp_path: Path, store: Path
) -> None:
    """Simulated servers are not mixed with others, nor two simulations."""
    scanned = store_of(tmp_path / "scanned", range(3)).root
    for root, asked in ((scanned, wanted(scanned)), (store, wanted(store, seed=4))):
        before = written(root)
        for error in refused(asked):
            assert "holds something else" in str(error)
        assert written(root) == before


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    """A folder that is no store and not empty is left alone."""
    (tmp_path / "thesis.txt").write_text("mine")

    with pytest.raises(UsageError, match="holds other files"):
        made(wanted(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_two_simulations_at_a_time_are_refused(tmp_path: Path) -> None:
    """While one writes, neither the same one nor another writes into its store."""
    folder = Folder.open(tmp_path / "store", NOW)

    batch = preview(wanted(tmp_path / "store")).batch
    with folder.alone(batch), pytest.raises(UsageError, match="another run"):
        made(wanted(tmp_path / "store"))
    with folder.alone(batch), pytest.raises(UsageError, match="something else"):
        made(wanted(tmp_path / "store", seed=4))


def test_a_changed_population_is_another_simulation(tmp_path: Path) -> None:
    """After a change of its file the old files do not count as those of the new one."""
    shipped = files("patchstand.knowledge") / "data" / "habits.toml"
    made(wanted(tmp_path / "store"))
    override = tmp_path / "mine"
    override.mkdir()
    (override / "habits.toml").write_text(shipped.read_text("utf-8").replace("0.45", "0.5", 1))

    with pytest.raises(UsageError, match="something else"):
        made(wanted(tmp_path / "store", override=override))


def test_a_cell_that_no_build_fits_is_refused(tmp_path: Path) -> None:
    """A population whose day lies before its product line says so; nothing is begun."""
    shipped = files("patchstand.knowledge") / "data" / "populations" / "de-2026-01.toml"
    (tmp_path / "mine" / "populations").mkdir(parents=True)
    early = shipped.read_text("utf-8").replace("as_of = 2026-01-23", "as_of = 2024-01-23")
    (tmp_path / "mine" / "populations" / "de-2026-01.toml").write_text(early, encoding="utf-8")
    asked = wanted(tmp_path / "store", population="de-2026-01", override=tmp_path / "mine")

    for error in refused(asked):
        assert isinstance(error, KnowledgeError)
        assert "no build of SE fits" in str(error)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("flush", [3, 6, 9])
def test_a_full_disk_is_said_and_can_be_gone_on_from(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch, flush: int
) -> None:
    """One line says what helps; what is visible is whole, and the same again does the rest."""
    flushed = []

    def full(place: int) -> None:
        flushed.append(place)
        if len(flushed) >= flush:
            raise OSError(errno.ENOSPC, "No space left on device")

    root = tmp_path / "store"
    Folder.open(root, NOW)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="make room and run the same again"):
            made(wanted(root))
    assert written(root).items() < written(store).items()
    assert [each.finished for each in batches(Store(root))] == [False]
    made(wanted(root))
    assert written(root) == written(store)
    assert [each.finished for each in batches(Store(root))] == [True]


# The shares


@pytest.mark.parametrize("population", POPULATIONS)
@pytest.mark.parametrize("servers", [10, 99, 101, 2000])
def test_quotas_are_the_nearest_whole_numbers(population: str, servers: int) -> None:
    """All servers get a cell; the first cells together are off by half a server at most."""
    cells = load_population(population).cells
    counts = quota(cells, servers)

    assert sum(counts) == servers
    for upto in range(1, len(cells) + 1):
        exact = sum(cell.share for cell in cells[:upto]) * servers
        assert abs(sum(counts[:upto]) - exact) <= 0.5 + 1e-6


def test_no_build_is_seen_before_its_release(store: Path, known: Knowledge) -> None:
    """Nobody shows a build on a day on which it was not out."""
    for file in Folder.open(store).files("identities"):
        rows = pq.read_table(file.path, columns=["seen_on", "builds"])
        for seen_on, builds in zip(
            rows["seen_on"].to_pylist(), rows["builds"].to_pylist(), strict=True
        ):
            for build in builds:
                row = known.update(Build.parse(build))
                assert row is not None
                assert row.released_from <= seen_on
