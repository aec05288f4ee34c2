"""Months as runs: in what steps, by whom and from what tables they are made changes nothing."""

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from multiprocessing import get_context
from pathlib import Path
from random import Random

import pytest
from tests.census.worlds import FIRST, World, world

from patchstand import knowledge
from patchstand.errors import StoreError, UsageError
from patchstand.model import Knowledge
from patchstand.report.as_json import encode
from patchstand.store.folder import Folder
from patchstand.workflow.beyond.executor import executor
from patchstand.workflow.census import CensusPlan, census
from patchstand.workflow.months import pieces, runs_of

DAYS = 420
"""More than a year: some quarters are over, whatever the day."""
LAST = FIRST.date() + timedelta(days=DAYS)


@pytest.fixture(scope="module")
def known() -> Knowledge:
    return knowledge.load()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, known: Knowledge) -> World:
    return world(tmp_path_factory.mktemp("world") / "store", known, 40, seed=5, days=DAYS)


@pytest.fixture
def store(made: World, tmp_path: Path) -> Path:
    """A copy of the store, with nothing derived yet."""
    return Path(shutil.copytree(made.root, tmp_path / "copy", ignore=_not_derived))


def _not_derived(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "derived"]


def printed(root: Path, day: date, pool: Executor | None = None) -> bytes:
    """Everything a census says, as bytes."""
    return encode({"census": repr(census(CensusPlan(root, day, with_series=True), pool))})


def kept(root: Path) -> set[str]:
    """The names of the tables of runs that are kept."""
    return {path.name.split(".")[0] for path in (root / "derived").glob("runs-*")}


def test_days_in_any_order_say_the_same(store: Path, made: World) -> None:
    """A census says the same whatever was counted before it and left its tables."""
    random = Random(8)
    days = [LAST, *(FIRST.date() + timedelta(days=random.randrange(10, DAYS)) for _ in range(5))]

    asked_in_turn = [printed(store, day) for day in days]

    for day, found in zip(days, asked_in_turn, strict=True):
        shutil.rmtree(store / "derived")
        assert printed(store, day) == found


def test_quarters_that_are_over_are_kept_as_one(store: Path) -> None:
    """The months of the last quarter are kept each by itself, the others by quarter."""
    census(CensusPlan(store, date(2024, 11, 30)))

    names = {"2023-q4", "2024-q1", "2024-q2", "2024-q3", "2024-10", "2024-11"}
    assert kept(store) == {f"runs-{name}" for name in names}


def test_a_damaged_month_of_a_quarter_leaves_the_others(store: Path) -> None:
    """Without its damaged month a quarter is counted, and not kept as if it were whole."""
    (path, *_) = sorted((store / "observations" / "month=2024-02").iterdir())
    path.write_bytes(path.read_bytes()[:-40])
    plan = CensusPlan(store, date(2024, 11, 30), skip_damaged=True)

    found = census(plan)

    assert [each.month for each in found.skipped] == ["2024-02"]
    assert "runs-2024-q1" not in kept(store)
    assert repr(census(plan)) == repr(found)


def test_progress_is_told_month_by_month(store: Path) -> None:
    """Every month is told once it is done, made or found; the last one is that of the day."""
    told: list[tuple[int, int]] = []

    census(CensusPlan(store, LAST), on_month=lambda done, of: told.append((done, of)))

    months = len({path.parent.name for path in (store / "observations").rglob("*.parquet")})
    assert told == [(number, months) for number in range(1, months + 1)]


@pytest.fixture(scope="module")
def two_processes() -> Iterator[Executor]:
    with executor(None, processes=2) as pool:
        yield pool


def test_processes_say_the_same(store: Path, two_processes: Executor) -> None:
    """Months made by two processes give, byte by byte, the census of one."""
    day = LAST - timedelta(days=3)
    alone = printed(store, day)
    shutil.rmtree(store / "derived")

    assert printed(store, day, two_processes) == alone


def test_a_month_can_be_made_from_any_folder(
    store: Path, made: World, known: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes to a worker names its files absolutely: the store may be given relatively."""
    monkeypatch.chdir(store.parent)
    wanted = pieces(Folder.open(Path(store.name)), known, None, LAST)
    monkeypatch.chdir("/")

    assert len(runs_of(wanted[0]).table)


def test_a_worker_that_knows_something_else_is_refused(store: Path, known: Knowledge) -> None:
    """Runs made with other knowledge would be kept under a wrong name: the worker says no."""
    (piece, *_) = pieces(Folder.open(store), known, None, LAST)

    with pytest.raises(UsageError, match=r"2020\.1"):
        runs_of(replace(piece, knowledge="2020.1"))


def test_lost_workers_are_no_damaged_months(store: Path) -> None:
    """When the workers die, that is said, and no month is left out for it."""
    plan = CensusPlan(store, LAST, skip_damaged=True)
    spawned = get_context("spawn")
    with (
        ProcessPoolExecutor(1, spawned, os._exit, (3,)) as pool,
        pytest.raises(StoreError, match="workers are lost"),
    ):
        census(plan, pool)
