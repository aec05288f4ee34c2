"""What leaves a store: pseudonyms, sealed lists, one's own servers; and the journal before it."""

import csv
import io
import json
import os
import re
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.store.certificates import NOW, Person
from tests.store.conftest import BATCH, conclusion, record
from tests.workflow.stores import NAMES, OTHER_BATCH, store_of

from patchstand.errors import StoreError, UsageError
from patchstand.store.export import COLUMNS, Selection
from patchstand.store.folder import Folder
from patchstand.store.state import State
from patchstand.store.writer import BatchWriter
from patchstand.workflow.export import (
    Export,
    Naming,
    export_sealed,
    export_to_file,
    export_to_stream,
)
from patchstand.workflow.store import Store

ALL = Selection()


def lines(
    store: Store, selection: Selection = ALL, naming: Naming | None = None
) -> list[dict[str, Any]]:
    sink = io.BytesIO()
    export_to_stream(Export(store, selection, "json", naming), sink, NOW)
    return [json.loads(line) for line in sink.getvalue().splitlines()]


def journal(store: Store) -> list[Any]:
    with State.open(store.url) as state:
        state.verify_journal()
        return state.journal()


def naming(*people: Person, own: bool = False) -> Naming:
    paths = tuple(each.path for each in people)
    return Naming("anna", "warning of operators", "amber", paths, own=own)


def test_rows_say_what_was_observed_and_name_nobody(tmp_path: Path) -> None:
    """One document for each observation; public names are pseudonyms, loopback stays."""
    found = lines(store_of(tmp_path / "s"))
    text = json.dumps(found)

    assert len(found) == 30
    assert all(set(each) == {"schema", *COLUMNS} for each in found)
    assert {each["schema"] for each in found} == {"patchstand/observation/1"}
    assert "stadtwerke" not in text
    assert "9.9." not in text
    plain = [each for each in found if not each["target"].startswith("p:")]
    assert sorted(each["target"] for each in plain) == sorted(
        f"127.0.0.{n}" for n in range(0, 30, 3)
    )
    assert all(each["address"] == each["target"] for each in plain)
    hidden = [each for each in found if each["target"].startswith("p:")]
    assert all(re.fullmatch(r"p:[a-z2-7]{26}", each["address"]) for each in hidden)
    assert all("x_owa_version=15.2.1118.40" in each["evidence"] for each in found)
    assert {each["observed_at"] for each in found} == {"2026-11-22T21:30:00.000Z"}


def test_pseudonyms_last_as_long_as_the_key(tmp_path: Path) -> None:
    """Two exports agree row by row; after a change of the key they share no pseudonym."""
    store = store_of(tmp_path / "s")
    first, second = lines(store), lines(store)
    with State.open(store.url) as state:
        state.rotate_pseudonym_key(NOW)
    third = lines(store)

    def targets(found: list[dict[str, Any]]) -> set[str]:
        return {each["target"] for each in found if each["target"].startswith("p:")}

    assert first == second
    assert len(targets(first)) == len(targets(third)) == 20
    assert not targets(first) & targets(third)


def test_every_form_holds_the_same_rows_in_the_same_order(tmp_path: Path) -> None:
    """JSON, CSV and Parquet agree; rows are sorted by scan, target as shown, and ports."""
    store = store_of(tmp_path / "s")
    found = lines(store)
    export_to_file(Export(store, ALL, "csv"), tmp_path / "a.csv", NOW)
    export_to_file(Export(store, ALL, "parquet"), tmp_path / "a.parquet", NOW)
    with (tmp_path / "a.csv").open(newline="") as file:
        from_csv = list(csv.DictReader(file))
    from_parquet = pq.read_table(tmp_path / "a.parquet").to_pylist()

    keys = [(each["scan"], each["target"], each["ports"]) for each in found]
    assert keys == sorted(keys)
    assert [each["target"] for each in from_csv] == [each["target"] for each in found]
    assert [each["evidence"].split() for each in from_csv] == [each["evidence"] for each in found]
    assert [{"schema": "patchstand/observation/1", **each} for each in from_parquet] == found


def test_a_selection_is_of_one_scan_and_of_days(tmp_path: Path) -> None:
    """By id of the scan, by first and last day; both ends included."""
    store = store_of(tmp_path / "s", range(6))
    writer = BatchWriter(Folder.open(store.root), OTHER_BATCH, journaled=False)
    for number in (3, 4):
        one = record(number, NOW.replace(month=10, day=number))
        writer.add(one, conclusion(one))
    writer.seal()

    assert len(lines(store)) == 8
    assert len(lines(store, Selection(scan=OTHER_BATCH))) == 2
    assert len(lines(store, Selection(scan="import"))) == 0
    assert len(lines(store, Selection(until=date(2026, 10, 3)))) == 1
    assert len(lines(store, Selection(None, date(2026, 10, 4), date(2026, 10, 4)))) == 1
    assert len(lines(store, Selection(since=date(2026, 10, 4)))) == 7
    assert len(lines(store, Selection(since=date(2026, 11, 23)))) == 0


@pytest.mark.parametrize("value", ["=1+1", "+49", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_a_spreadsheet_runs_nothing(value: str, tmp_path: Path) -> None:
    """A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    writer = BatchWriter(Folder.open(tmp_path / "s", NOW), BATCH, journaled=False)
    one = replace(record(1), place=replace(record(1).place, sector=value))
    writer.add(one, conclusion(one))
    writer.seal()
    export_to_file(Export(Store(tmp_path / "s"), ALL, "csv"), tmp_path / "a.csv", NOW)

    with (tmp_path / "a.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["sector"] == "'" + value


def test_recipients_and_nobody_else_read_the_names(tmp_path: Path) -> None:
    """The sealed list opens for each recipient, carries names and TLP, and is journaled."""
    store = store_of(tmp_path / "s")
    anna, ben, stranger = (Person.made(tmp_path, name) for name in ("anna", "ben", "stranger"))
    out = tmp_path / "list.p7m"

    asked = naming(anna, ben)
    export_sealed(Export(store, ALL, naming=asked), asked, out, NOW)

    opened = anna.opens(out)
    assert opened is not None
    assert ben.opens(out) == opened
    assert stranger.opens(out) is None
    found = [json.loads(line) for line in opened.splitlines()]
    assert {each["tlp"] for each in found} == {"amber"}
    assert {name for number, name in enumerate(NAMES) if number % 3} <= {
        each["target"] for each in found
    }
    (entry,) = journal(store)
    assert entry.disclosure.output == sha256(out.read_bytes()).hexdigest()
    assert (entry.disclosure.rows, entry.disclosure.tlp) == (30, "amber")
    assert entry.disclosure.reason == "warning of operators"
    assert [text.split()[0] for text in entry.disclosure.recipients] == ["CN=anna", "CN=ben"]
    assert out.stat().st_mode & 0o077 == 0


def test_names_never_lie_on_the_disk_in_the_clear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is written outside the store while a list is sealed holds no name."""
    store, anna = store_of(tmp_path / "s"), Person.made(tmp_path, "anna")
    place = tmp_path / "out"
    place.mkdir()
    seen: list[bytes] = []
    sync = os.fsync

    def looking(number: int) -> None:
        seen.extend(path.read_bytes() for path in place.iterdir())
        sync(number)

    monkeypatch.setattr(os, "fsync", looking)
    export_sealed(Export(store, ALL, naming=naming(anna)), naming(anna), place / "a.p7m", NOW)

    assert seen
    assert all(b"stadtwerke" not in content for content in seen)
    assert [path.name for path in place.iterdir()] == ["a.p7m"]


def test_without_a_journal_entry_nothing_becomes_visible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the journal cannot be written, there is no file and nothing on stdout."""
    store, anna = store_of(tmp_path / "s", authority="own"), Person.made(tmp_path, "anna")
    place = tmp_path / "out"
    place.mkdir()

    def refuses(*_: object) -> None:
        raise StoreError("no room for the state")

    monkeypatch.setattr(State, "add_disclosure", refuses)
    sealed, own, sink = naming(anna), naming(own=True), io.BytesIO()
    with pytest.raises(StoreError):
        export_sealed(Export(store, ALL, naming=sealed), sealed, place / "a.p7m", NOW)
    with pytest.raises(StoreError):
        export_to_file(Export(store, ALL, "csv", own), place / "a.csv", NOW)
    with pytest.raises(StoreError):
        export_to_stream(Export(store, ALL, "json", own), sink, NOW)

    assert list(place.iterdir()) == []
    assert sink.getvalue() == b""


def test_the_journal_is_older_than_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the file gets its name, the entry with its digest is there already."""
    store, anna = store_of(tmp_path / "s"), Person.made(tmp_path, "anna")
    entries = []
    rename = Path.replace

    def looking(self: Path, target: Path) -> Path:
        if target.suffix == ".p7m":
            entries.extend(journal(store))
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", looking)
    done = export_sealed(
        Export(store, ALL, naming=naming(anna)), naming(anna), tmp_path / "a.p7m", NOW
    )

    assert [each.disclosure.output for each in entries] == [done.sha256]


def test_one_s_own_servers_are_named(tmp_path: Path) -> None:
    """With `own` names are plain in every form, each with a journal entry of what left."""
    store = store_of(tmp_path / "s", authority="own")
    sink = io.BytesIO()
    done = export_to_stream(Export(store, ALL, "json", naming(own=True)), sink, NOW)
    export_to_file(Export(store, ALL, "csv", naming(own=True)), tmp_path / "a.csv", NOW)

    assert NAMES[1].encode() in sink.getvalue()
    assert NAMES[1] in (tmp_path / "a.csv").read_text()
    assert sha256(sink.getvalue()).hexdigest() == done.sha256
    assert [each.disclosure.output for each in journal(store)] == [
        done.sha256,
        sha256((tmp_path / "a.csv").read_bytes()).hexdigest(),
    ]


def test_servers_of_others_are_not_one_s_own(tmp_path: Path) -> None:
    """One row with another permit, or none, refuses names; nothing is journaled."""
    store = store_of(tmp_path / "s", range(9), authority="own")
    writer = BatchWriter(Folder.open(store.root), OTHER_BATCH, journaled=False)
    writer.add(record(1), conclusion(record(1)))
    writer.seal()

    with pytest.raises(UsageError, match="1 of these"):
        lines(store, naming=naming(own=True))
    assert len(lines(store, Selection(scan=BATCH), naming=naming(own=True))) == 9
    assert len(journal(store)) == 1


def test_a_missing_folder_is_a_clear_error(tmp_path: Path) -> None:
    """A path that cannot be written is one line; no half file stays."""
    store = store_of(tmp_path / "s", range(3))

    with pytest.raises(StoreError, match="absent"):
        export_to_file(Export(store, ALL, "csv"), tmp_path / "absent" / "a.csv", NOW)
