"""The looks of a month: the same whatever the files, their order, and the size of a piece."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest
from tests.census.worlds import world

from patchstand import knowledge
from patchstand.census import looks
from patchstand.census.reading import Source
from patchstand.census.runs import Month, month_runs
from patchstand.model import Knowledge, Record
from patchstand.store.content import content_of
from patchstand.store.folder import Folder
from patchstand.store.writer import BatchWriter
from patchstand.workflow.conclude import Concluding
from patchstand.workflow.sightings import badness_on, shown_by_key

MONTH = "2024-02"
MIDDLE = datetime(2024, 2, 15, tzinfo=UTC)
Runs = list[tuple[object, ...]]
_numbers = count()


@pytest.fixture(scope="module")
def known() -> Knowledge:
    return knowledge.load()


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory, known: Knowledge) -> list[Record]:
    made = world(tmp_path_factory.mktemp("world") / "store", known, 120, seed=11)
    return [record for record in made.records if f"{record.observed_at:%Y-%m}" == MONTH]


def in_files(root: Path, known: Knowledge, parts: list[list[Record]]) -> Month:
    """The month of a store with one file for each part."""
    folder = Folder.open(root / f"store{next(_numbers)}", MIDDLE)
    concluding = Concluding(known, MIDDLE.date())
    for number, part in enumerate(parts):
        writer = BatchWriter(folder, f"batch{number:08}", journaled=False, segment_rows=10**6)
        for record in part:
            writer.add(record, concluding.of(record))
        writer.seal()
    paths = [each.path for each in folder.files("observations")]
    files = [Source(path, content_of(path)) for path in paths]
    identities = [each.path for each in folder.files("identities")]
    shown = shown_by_key(identities, known)
    return Month(MONTH, files, shown, partial(badness_on, known))


def rows(table: pa.Table) -> Runs:
    """Runs in an order that no file decides."""
    return sorted((tuple(row.values()) for row in table.to_pylist()), key=repr)


def _never(*_: object) -> None:
    pytest.fail("a month in order is read at once")


def by_server(records: list[Record]) -> list[Record]:
    """As a file keeps them, with the looks of each server in the order of time."""
    return sorted(records, key=lambda each: (each.target, each.ports, each.observed_at))


def test_the_runs_do_not_depend_on_the_files(
    tmp_path: Path, known: Knowledge, records: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One file in order read in pieces of any size, one in disorder and many files: one result."""
    shuffled = Random(3).sample(records, len(records))
    ordered = in_files(tmp_path, known, [by_server(records)])
    at_once = rows(month_runs(ordered))
    assert len(ordered.files) == 1
    assert len(at_once) > len({record.address for record in records})

    for size in (1, 7, 100):
        with monkeypatch.context() as patched:
            patched.setattr(looks, "_AT_ONCE", size)
            patched.setattr(looks, "_at_once", _never)
            assert rows(month_runs(ordered)) == at_once
    assert rows(month_runs(in_files(tmp_path, known, [shuffled]))) == at_once
    parts = [shuffled[at::5] for at in range(5)]
    assert rows(month_runs(in_files(tmp_path, known, parts))) == at_once


def test_a_month_ends_where_it_is_told_to(
    tmp_path: Path, known: Knowledge, records: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut at a moment, a month says what a store says that ends there, in pieces or at once."""
    monkeypatch.setattr(looks, "_AT_ONCE", 16)
    until = by_server([record for record in records if record.observed_at < MIDDLE])
    ended = rows(month_runs(in_files(tmp_path, known, [until])))

    for parts in ([by_server(records)], [records[::2], records[1::2]]):
        month = replace(in_files(tmp_path, known, parts), until=MIDDLE)
        assert rows(month_runs(month)) == ended
    assert len(ended) > 0


def test_a_moment_before_everything_leaves_nothing(
    tmp_path: Path, known: Knowledge, records: list[Record]
) -> None:
    """A month cut before its first look has no run."""
    before = min(record.observed_at for record in records) - timedelta(days=1)

    month = replace(in_files(tmp_path, known, [by_server(records)]), until=before)

    assert len(month_runs(month)) == 0


def test_a_column_that_says_the_same_in_some_files_only(
    tmp_path: Path, known: Knowledge, records: list[Record]
) -> None:
    """Files in which every server is in one state, and others, together: each keeps its own."""
    states = [record.place.state for record in records]
    parts = [
        [record for record, each in zip(records, states, strict=True) if each == state]
        for state in sorted({*states}, key=str)
    ]
    assert len(parts) > 2

    apart = rows(month_runs(in_files(tmp_path, known, parts)))

    assert apart == rows(month_runs(in_files(tmp_path, known, [records])))
