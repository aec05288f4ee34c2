"""A census over a real Dask scheduler with two workers: byte by byte that of one process."""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from tests.census.asking import printed
from tests.services.servers import END_SECONDS
from tests.services.test_dask import Cluster, cluster, workers_are_there

from patchstand.cli.main import main

pytestmark = pytest.mark.services

DAY = "2024-03-26"
DAYS = 500


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Workers in a folder of their own: not the one the census is asked for in."""
    with (
        cluster(tmp_path_factory.mktemp("dask")) as running,
        workers_are_there(running.url, 2),
    ):
        yield running


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seventeen months of 400 servers."""
    root = tmp_path_factory.mktemp("country") / "store"
    words = ["--population", "de-2024-03", "--servers", "400", "--days", str(DAYS), "--quiet"]
    assert main(["simulate", "--store", str(root), *words]) == 0
    return root


@pytest.fixture
def store(country: Path, tmp_path: Path) -> Path:
    """A copy with nothing derived from it."""
    return Path(shutil.copytree(country, tmp_path / "store"))


def counted(root: Path, *words: str, day: str = DAY) -> bytes:
    """A census of a day with everything in it."""
    code, out, err = printed(root, day, "--series", "--sql", *words)
    assert (code, err) == (0, "")
    return out


def anew(root: Path, *words: str, day: str = DAY) -> bytes:
    """The same, with no derived table to begin with."""
    shutil.rmtree(root / "derived", ignore_errors=True)
    return counted(root, *words, day=day)


@pytest.mark.parametrize("day", [DAY, "2023-11-17"])
def test_the_figures_are_the_same_byte_for_byte(
    two_workers: Cluster, store: Path, day: str
) -> None:
    """With a cluster, with two processes and with neither: one document, on any day."""
    alone = anew(store, day=day)

    assert anew(store, "--cluster", two_workers.url, day=day) == alone
    assert anew(store, "--jobs", "2", day=day) == alone
    assert counted(store, "--cluster", two_workers.url, day=day) == alone


def test_workers_find_a_store_that_is_named_from_here(two_workers: Cluster, store: Path) -> None:
    """A relative --store is the same store for workers that run in another folder."""
    alone = anew(store)

    with chdir(store.parent):
        assert anew(Path(store.name), "--cluster", two_workers.url) == alone


def test_a_damaged_month_is_said_from_afar_too(two_workers: Cluster, store: Path) -> None:
    """What a worker finds damaged ends the census, or is left out and named, as it is here."""
    (path,) = (store / "observations" / "month=2023-08").glob("*.parquet")
    path.write_bytes(path.read_bytes()[:-40])
    through = ("--cluster", two_workers.url)

    assert printed(store, DAY, *through) == printed(store, DAY)
    assert printed(store, DAY, *through)[0] == 2
    assert anew(store, "--skip-damaged", *through) == anew(store, "--skip-damaged")


def test_a_killed_worker_changes_nothing(store: Path, tmp_path: Path) -> None:
    """kill -9 of a worker that has begun: the other does its months, the figures are the same."""
    alone = anew(store)
    with cluster(tmp_path) as running, workers_are_there(running.url, 2):
        killer = threading.Thread(target=_kill_soon, args=(running, store))
        shutil.rmtree(store / "derived")
        killer.start()
        found = counted(store, "--cluster", running.url)
        killer.join()

    assert found == alone
    assert running.workers[0].returncode == -9


def _kill_soon(running: Cluster, store: Path) -> None:
    """Kill a worker when the first table is there: others are being made then."""
    until = time.monotonic() + END_SECONDS
    while not any((store / "derived").glob("runs-*")) and time.monotonic() < until:
        time.sleep(0.001)
    running.workers[0].kill()
    running.workers[0].wait(END_SECONDS)
