"""What is written stays, once, whatever crashes."""

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.store.conftest import BATCH, NOW, conclusion, record

from patchstand.errors import StoreError, UsageError
from patchstand.store.folder import Folder, TableFile
from patchstand.store.segment import remove
from patchstand.store.writer import Asked, BatchWriter, asked_before, recover

ROWS = 60


class Crash(BaseException):
    """The process is gone: nothing of it runs any more."""


def rows(folder: Folder, table: str) -> list[dict[str, Any]]:
    """All rows of a table."""
    return [row for each in folder.files(table) for row in pq.read_table(each.path).to_pylist()]


def write(folder: Folder, numbers: range, *, segment_rows: int = 20) -> None:
    """One run of a scan: what an earlier one left, then the targets that have no row yet."""
    recover(folder, BATCH)
    seen = {row["target"] for row in rows(folder, "observations")}
    writer = BatchWriter(folder, BATCH, journaled=True, segment_rows=segment_rows)
    for number in numbers:
        one = record(number, NOW + timedelta(seconds=number))
        if one.target not in seen:
            writer.spend(one.target, 1, 1)
            writer.add(one, conclusion(one))
    writer.seal()


@contextlib.contextmanager
def crashing(after: int) -> Iterator[None]:
    """Let the process die at the given call that changes something on the disk."""
    left = [after]

    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: object) -> Any:  # noqa: ANN401  # as the real one
            left[0] -= 1
            if left[0] == 0 and real is WRITE:
                real(given[0], b"torn")  # what a killed process leaves of a write
            if left[0] <= 0:
                raise Crash
            return real(*given)

        return call

    with pytest.MonkeyPatch.context() as patched, contextlib.suppress(Crash):
        patched.setattr(os, "write", dying(WRITE))
        patched.setattr(os, "fsync", dying(os.fsync))
        patched.setattr(Path, "replace", dying(Path.replace))
        patched.setattr("patchstand.store.writer.remove", dying(remove))
        yield


WRITE = os.write


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 160), min_size=1, max_size=4))
def test_crashes_lose_nothing_and_double_nothing(
    tmp_path_factory: pytest.TempPathFactory, crashes: list[int]
) -> None:
    """However often and wherever it dies, in the end every target has exactly one row."""
    folder = Folder.open(tmp_path_factory.mktemp("store") / "s", NOW)
    for after in crashes:
        with crashing(after):
            write(folder, range(ROWS))
    write(folder, range(ROWS))

    found = rows(folder, "observations")
    assert Counter(row["target"] for row in found) == {record(n).target: 1 for n in range(ROWS)}
    keys = {row["key"] for row in rows(folder, "identities")}
    assert {row["identity"] for row in found} <= keys
    contents = {row["key"] for row in rows(folder, "contents")}
    assert {row["body"] for row in rows(folder, "answers")} <= contents
    spent = dict(asked_before(folder, BATCH))
    assert all(spent[record(n).target] >= Asked(1, 1) for n in range(ROWS))


def test_each_distinct_evidence_lies_once(folder: Folder) -> None:
    """Ten sorts of servers make ten identities and ten pages, over segments and runs."""
    write(folder, range(40))
    write(folder, range(100))

    assert len(rows(folder, "observations")) == 100
    assert len(rows(folder, "identities")) == 10
    assert len(rows(folder, "contents")) == 10
    assert len(rows(folder, "answers")) == 100


def test_rows_lie_in_the_month_they_were_seen(folder: Folder) -> None:
    """A scan over the end of a month fills two partitions."""
    writer = BatchWriter(folder, BATCH, journaled=True)
    for number, day in (
        (1, datetime(2026, 11, 30, 23, 59, tzinfo=UTC)),
        (2, datetime(2026, 12, 1, tzinfo=UTC)),
    ):
        writer.add(record(number, day), conclusion(record(number, day)))
    writer.seal()

    months = [each.month for each in folder.files("observations")]
    assert months == ["2026-11", "2026-12"]


def test_a_row_says_what_was_seen(folder: Folder) -> None:
    """An observation comes back as it went in; its address only where it differs."""
    one = record(7)
    writer = BatchWriter(folder, BATCH, journaled=False)
    writer.add(one, conclusion(one))
    writer.seal()

    (row,) = rows(folder, "observations")
    assert (row["target"], row["ports"], row["address"]) == (one.target, "https=8443", None)
    assert row["observed_at"] == NOW
    assert (row["scan"], row["outcome"], row["requests"], row["identity"]) == (
        BATCH, "answered", 2, 7,
    )  # fmt: skip


def test_names_tell_their_files(folder: Folder) -> None:
    """The name of a file says what it belongs to, and carries its digest."""
    write(folder, range(5))

    (file,) = folder.files("observations")
    assert isinstance(file, TableFile)
    assert (file.batch, file.segment, file.month) == (BATCH, 1, "2026-11")


def test_two_runs_cannot_share_a_scan(folder: Folder) -> None:
    """The second run on a scan is told so."""
    with folder.alone(BATCH), pytest.raises(UsageError, match="another run"), folder.alone(BATCH):
        pass


def test_other_folders_are_no_stores(tmp_path: Path) -> None:
    """A folder with other files is not made into a store; a missing one is not read."""
    (tmp_path / "letters.txt").write_text("dear")

    with pytest.raises(UsageError, match="other files"):
        Folder.open(tmp_path, NOW)
    with pytest.raises(UsageError, match="no store"):
        Folder.open(tmp_path / "none")


def test_a_later_store_is_refused(folder: Folder) -> None:
    """A store of a later version is not touched."""
    mark = folder.root / "store.json"
    mark.write_text(mark.read_text().replace('"version":1', '"version":2'))

    with pytest.raises(StoreError, match="later version"):
        Folder.open(folder.root)
