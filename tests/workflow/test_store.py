"""list, check, purge and erase over a whole store: files and state."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tests.store.conftest import BATCH, conclusion
from tests.workflow.stores import (
    NAMES,
    NOW,
    OTHER_BATCH,
    everything,
    made,
    rows,
    store_of,
    with_servers,
)  # fmt: skip

from patchstand.errors import StoreError, UsageError
from patchstand.store.database import Database
from patchstand.store.disclosures import Disclosure
from patchstand.store.folder import Folder, write_whole
from patchstand.store.state import State
from patchstand.store.tables import disclosures
from patchstand.store.writer import BatchWriter
from patchstand.workflow.store import Store, batches, check, erase, purge, servers


def troubles(store: Store, *, dry_run: bool = False) -> dict[str, str]:
    return {each.path: each.trouble.value for each in check(store, dry_run=dry_run).defects}


def files(root: Path) -> dict[Path, bytes]:
    return {each: each.read_bytes() for each in root.rglob("*") if each.is_file()}


def parquet(root: Path) -> dict[Path, bytes]:
    return {each: content for each, content in files(root).items() if each.suffix == ".parquet"}


def test_batches_are_counted(tmp_path: Path) -> None:
    """Each scan with its observations, times and outcomes; one under way is not finished."""
    store = store_of(tmp_path / "s")
    Folder.open(store.root).scan("20261123T000000Z-aaaaaa")
    one, other = batches(store)

    assert (one.id, one.observations, one.finished, one.outcomes) == (
        BATCH,
        30,
        True,
        {"answered": 30},
    )
    assert one.first_at == one.last_at == NOW
    assert (other.observations, other.finished, other.last_at) == (0, False, None)


def test_check_writes_down_what_is_there_and_then_is_content(tmp_path: Path) -> None:
    """The first check notes every file in the state; the second has nothing to do."""
    store = store_of(tmp_path / "s")
    first, second = check(store, dry_run=False), check(store, dry_run=False)

    assert first.is_fine
    assert len(first.noted) == first.files == len(parquet(store.root))
    assert (second.noted, second.rows) == ([], 30)
    with State.open(store.url) as state:
        assert sum(each.rows for each in state.files(table="observations")) == 30


def test_damage_is_kept_aside_and_reported_once(tmp_path: Path) -> None:
    """A damaged file moves to damaged/, is struck off, and the rest of the store is fine."""
    store = store_of(tmp_path / "s")
    check(store, dry_run=False)
    (first, *_) = Folder.open(store.root).files("answers")
    first.path.write_bytes(b"other")
    name = first.path.relative_to(store.root).as_posix()

    assert troubles(store, dry_run=True) == {name: "damaged"}
    assert troubles(store) == {name: "damaged"}
    assert troubles(store) == {}
    assert (store.root / "damaged" / name).read_bytes() == b"other"


def test_a_file_that_is_gone_is_missed(tmp_path: Path) -> None:
    """A noted file that is not there is damage, until it is back."""
    store = store_of(tmp_path / "s")
    check(store, dry_run=False)
    (first, *_) = Folder.open(store.root).files("identities")
    content = first.path.read_bytes()
    first.path.unlink()
    name = first.path.relative_to(store.root).as_posix()

    assert troubles(store) == {name: "missing"}
    assert troubles(store) == {name: "missing"}
    first.path.write_bytes(content)
    assert troubles(store) == {}


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    """Damage, left-overs and a journal are named, and every byte stays."""
    store = store_of(tmp_path / "s")
    (first, *_) = Folder.open(store.root).files("answers")
    first.path.write_bytes(b"other")
    (store.root / "answers" / ".tmp-99999999-x").write_bytes(b"half")
    before = files(store.root)

    found = check(store, dry_run=True)

    assert found.aside == [first.path.relative_to(store.root).as_posix()]
    assert found.removed == ["answers/.tmp-99999999-x"]
    assert files(store.root) == before


def test_an_interrupted_run_is_sealed(tmp_path: Path) -> None:
    """Observations in the journal of a killed scan are in the tables after a check."""
    store = store_of(tmp_path / "s", range(3))
    writer = BatchWriter(Folder.open(store.root), OTHER_BATCH, journaled=True)
    for number in range(5):
        writer.add(made(number), conclusion(made(number)))
    writer.close()

    found = check(store, dry_run=False)

    assert found.is_fine
    assert len(found.sealed) == 4
    assert len(rows(store.root)) == 8


def test_an_altered_journal_of_disclosures_is_damage(tmp_path: Path) -> None:
    """Changing one entry of the chain shows."""
    store = store_of(tmp_path / "s", range(3))
    with State.open(store.url) as state:
        state.add_disclosure(Disclosure(NOW, "anna", "x", (), "red", "why", 1, "0" * 64))
    database = Database(store.url)
    database.write(lambda at: at.execute(disclosures.update().values(reason="other")))
    database.close()

    assert troubles(store) == {"disclosures": "altered"}


def aged(root: Path) -> Store:
    store = Store(root)
    writer = BatchWriter(Folder.open(root, NOW), BATCH, journaled=False)
    for month in range(6, 12):
        one = made(month)
        moment = datetime(2026, month, 2, tzinfo=UTC)
        writer.add(replace(one, observed_at=moment), conclusion(one))
    writer.seal()
    return store


def test_purge_takes_old_answers_and_nothing_else(tmp_path: Path) -> None:
    """Raw answers and contents of old months go, by month; observations stay; twice is once."""
    store = aged(tmp_path / "s")
    check(store, dry_run=False)
    kept = {
        path for path in parquet(store.root) if path.parts[-3] in ("observations", "identities")
    }
    today = date(2026, 11, 30)

    would = purge(store, today, 90, dry_run=True)
    did = purge(store, today, 90, dry_run=False)

    assert would == did
    assert {(each.table, each.month) for each in did} == {
        (table, f"2026-0{month}") for table in ("answers", "contents") for month in (6, 7, 8)
    }
    assert kept <= set(parquet(store.root))
    assert purge(store, today, 90, dry_run=False) == []
    assert troubles(store) == {}
    assert len(rows(store.root, "answers")) == 3


def test_a_negative_period_is_refused(tmp_path: Path) -> None:
    """A number of days below zero is a usage error."""
    with pytest.raises(UsageError):
        purge(store_of(tmp_path / "s", range(3)), date(2026, 11, 22), -1, dry_run=True)


def test_no_byte_of_the_store_names_an_erased_server(tmp_path: Path) -> None:
    """After an erasure neither Parquet nor SQLite, its log and free pages included, name it."""
    store = store_of(tmp_path / "s")
    check(store, dry_run=False)
    with_servers(store)
    assert NAMES[1] in everything(store.root)

    done = erase(store, [NAMES[1], "9.9.1.9"], "opt-out of 20 November", NOW)

    assert (done.rows, done.servers) == (1, 1)
    assert NAMES[1] not in everything(store.root)
    assert "9.9.1.9" not in everything(store.root)
    assert len(rows(store.root)) == 29
    assert troubles(store) == {}
    with State.open(store.url) as state:
        noted = state.erasures()
    assert {each.pseudonym for each in noted} == set(done.pseudonyms)
    assert {(each.reason, each.rows) for each in noted} == {("opt-out of 20 November", 1)}


def test_servers_are_shown_under_pseudonyms(tmp_path: Path) -> None:
    """The list of servers over time names nobody either."""
    store = store_of(tmp_path / "s", range(3))
    with_servers(store)
    found = list(servers(store, NOW))

    assert len(found) == 2
    assert all(each.target.startswith("p:") and each.address.startswith("p:") for each in found)
    assert [each.target for each in found] == sorted(each.target for each in found)


def test_erasing_what_is_not_there_is_noted_too(tmp_path: Path) -> None:
    """An erasure that finds nothing changes no file, and is on record."""
    store = store_of(tmp_path / "s")
    before = parquet(store.root)

    done = erase(store, ["absent.example.org"], "asked for", NOW)
    again = erase(store, ["absent.example.org"], "asked for", NOW + timedelta(days=1))

    assert (done.rows, done.files) == (0, 0)
    assert done.pseudonyms == again.pseudonyms
    assert parquet(store.root) == before


def test_an_erasure_says_why(tmp_path: Path) -> None:
    """Without a target or a reason nothing is erased."""
    store = store_of(tmp_path / "s", range(3))
    for targets, reason in (([], "why"), ([NAMES[1]], " ")):
        with pytest.raises(UsageError):
            erase(store, targets, reason, NOW)


def test_nothing_is_erased_beside_a_run(tmp_path: Path) -> None:
    """While a scan works on the store an erasure is refused; it would write the name again."""
    store = store_of(tmp_path / "s", range(3))
    folder = Folder.open(store.root)
    with folder.alone(OTHER_BATCH), pytest.raises(UsageError, match="working"):
        erase(store, [NAMES[1]], "why", NOW)


def test_an_interrupted_erasure_is_carried_out_by_the_next_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once decided, a crash only delays it: any later command ends it and notes it."""
    store = store_of(tmp_path / "s")

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("patchstand.workflow.store.carry_out", crash)
    with pytest.raises(KeyboardInterrupt):
        erase(store, [NAMES[1]], "why", NOW)
    monkeypatch.undo()
    assert len(rows(store.root)) == 30

    assert check(store, dry_run=False).is_fine
    assert len(rows(store.root)) == 29
    with State.open(store.url) as state:
        assert [each.rows for each in state.erasures()] == [1]


def test_a_full_disk_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the new files do not fit, the old ones stay and nothing half written does."""
    store = store_of(tmp_path / "s")
    before, calls = parquet(store.root), 0

    def full(path: Path, content: bytes) -> Path:
        nonlocal calls
        calls += 1
        if calls > 2:
            raise StoreError("the disk is full")
        return write_whole(path, content)

    monkeypatch.setattr("patchstand.store.rewrite.write_whole", full)
    with pytest.raises(StoreError):
        erase(store, [NAMES[1]], "why", NOW)

    assert parquet(store.root) == before


def test_a_folder_that_is_no_store_is_refused(tmp_path: Path) -> None:
    """Every action on an empty folder is a usage error, and makes nothing."""
    store = Store(tmp_path)
    for action in (
        lambda: batches(store),
        lambda: check(store, dry_run=False),
        lambda: check(store, dry_run=True),
        lambda: purge(store, date(2026, 11, 22), 90, dry_run=False),
        lambda: erase(store, ["x"], "why", NOW),
    ):
        with pytest.raises(UsageError):
            action()
    assert list(tmp_path.iterdir()) == []
