"""Erasing a server: nothing of it stays, nothing else goes, at whatever moment it crashes."""

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.store.conftest import BATCH, conclusion, record

from patchstand.errors import StoreError
from patchstand.model import Evidence, EvidenceKind, Outcome, Permit, Transcript
from patchstand.store.erase import BLOT, Names, erase_from_scans, prepare_erasure
from patchstand.store.folder import TABLES, Folder
from patchstand.store.integrity import Sound, look_through
from patchstand.store.rewrite import carry_out, decide, forget_plan, read_plan
from patchstand.store.spool import spool
from patchstand.store.writer import BatchWriter, recover

Step = Callable[..., object]
NAME, ADDRESS = "mail.stadtwerke-musterhausen.de", "203.0.113.77"


def filled(folder: Folder) -> None:
    """Forty servers, three of them ours: by name, by address, and one that mentions the name."""
    writer = BatchWriter(folder, BATCH, journaled=False, segment_rows=15)
    for number in range(40):
        made = record(number)
        if number == 7:
            made = replace(made, target=NAME, address="203.0.113.5", answers=own_answers())
        if number == 12:
            made = replace(made, target="alias.example.org", address=ADDRESS)
        if number == 21:
            basis = f"TXT _patchstand.x.example.org for {NAME}, and {ADDRESS}"
            permit = Permit("127.0.0.21", "domain_proof", "own", basis, ("inform",))
            text = f"Location: https://{NAME.upper()}:443/owa/"
            page = f"{text}\r\n\r\n{NAME}".encode()
            made = replace(
                made,
                permit=permit,
                detail=f"leads to {NAME}",
                nodes=(NAME,),
                answers=(Transcript("https", "GET /", Outcome.ANSWERED, page),),
                evidence=(Evidence(EvidenceKind.BUILD, "15.2.1.77"),),
            )
        drawn = conclusion(made)
        if number == 21:
            drawn = replace(drawn, clues=(f"owa_redirect=https://{NAME}/", "x=1"))
        writer.add(made, drawn)
    writer.seal()


def own_answers() -> tuple[Transcript, ...]:
    """Answers that only the server itself gave, without its name in them."""
    return (Transcript("https", "GET /", Outcome.ANSWERED, b"HTTP/1.1 200\r\n\r\nonly here"),)


def rows(folder: Folder, table: str) -> list[dict[str, Any]]:
    found = []
    for each in folder.files(table):
        found += pq.read_table(each.path, partitioning=None).to_pylist()
    return found


def erase(folder: Folder, *names: str) -> int:
    """As the workflow does it."""
    wanted = Names(names)
    plan = read_plan(folder)
    if plan is not None:
        carry_out(folder, plan)
        forget_plan(folder)
    erasure = prepare_erasure(folder, wanted)
    erase_from_scans(folder, wanted)
    decide(folder, erasure.changes, {"pseudonym": "p:x"})
    plan = read_plan(folder)
    assert plan is not None
    carry_out(folder, plan)
    forget_plan(folder)
    return erasure.rows


def everything(folder: Folder) -> str:
    """All that any reader could find: the bytes of all files, and the Parquet ones unpacked."""
    texts = [path.read_bytes().decode("latin-1") for path in files(folder)]
    texts += [repr(row) for table in TABLES for row in rows(folder, table)]
    return "\n".join(texts).lower()


def files(folder: Folder) -> list[Path]:
    return sorted(path for path in folder.root.rglob("*") if path.is_file())


def test_nothing_of_an_erased_server_stays_and_nothing_else_goes(folder: Folder) -> None:
    """Rows, answers and bodies of the server go; where others name it, the name is blotted out."""
    filled(folder)
    before = {row["target"]: row for row in rows(folder, "observations")}

    erased = erase(folder, NAME.upper() + ".", ADDRESS)

    after = {row["target"]: row for row in rows(folder, "observations")}
    assert erased == 2
    assert before.keys() - after.keys() == {NAME, "alias.example.org"}
    assert {name: row for name, row in after.items() if name != "127.0.0.21"} == {
        name: row for name, row in before.items() if name in after and name != "127.0.0.21"
    }
    assert after["127.0.0.21"]["detail"] == f"leads to {BLOT}"
    assert len(rows(folder, "answers")) == 38
    for word in (NAME, ADDRESS, "musterhausen", "only here"):
        assert word not in everything(folder)


def test_what_others_still_use_stays(folder: Folder) -> None:
    """Identities and pages that another server shares are kept."""
    filled(folder)
    erase(folder, NAME, ADDRESS)
    keys = {row["key"] for row in rows(folder, "identities")}
    bodies = {row["key"] for row in rows(folder, "contents")}

    assert {row["identity"] for row in rows(folder, "observations")} <= keys
    named = {row["body"] for row in rows(folder, "answers") if row["target"] != "127.0.0.21"}
    assert named - {None} <= bodies


def test_longer_names_are_other_servers(folder: Folder) -> None:
    """Erasing a domain erases neither the servers below it nor addresses that begin like it."""
    writer = BatchWriter(folder, BATCH, journaled=False)
    for name in ("www.example.org", "example.org", "example.org.au", "127.0.0.1", "127.0.0.11"):
        made = replace(record(1), target=name, address=None)
        writer.add(made, conclusion(made))
    writer.seal()

    erase(folder, "example.org", "127.0.0.1")

    left = {row["target"] for row in rows(folder, "observations")}
    assert left == {"www.example.org", "example.org.au", "127.0.0.11"}


def test_erasing_twice_changes_nothing(folder: Folder) -> None:
    """The second time no file is touched."""
    filled(folder)
    erase(folder, NAME)
    before = files(folder)

    assert erase(folder, NAME) == 0
    assert files(folder) == before
    assert all(isinstance(each, Sound) for each in look_through(folder, {}))


def test_unfinished_scans_forget_the_server(folder: Folder) -> None:
    """The targets and counts of a scan under way lose the name; the scan can go on."""
    spool(folder, BATCH, [(1, NAME, ""), (2, "127.0.0.1", "")])
    writer = BatchWriter(folder, BATCH, journaled=True)
    writer.spend(ADDRESS, 1, 1)
    made = replace(record(1), target=NAME, address=ADDRESS)
    writer.add(made, conclusion(made))
    writer.close()
    recover(folder, BATCH)

    assert erase(folder, NAME, ADDRESS) == 1
    assert NAME not in everything(folder)
    assert ADDRESS not in everything(folder)
    assert b"127.0.0.1" in (folder.root / "scans" / BATCH / "targets.parquet").read_bytes()


def test_an_interrupted_import_forgets_what_it_had_staged(folder: Folder) -> None:
    """Its staged files go; the folder stays, which has the import done anew."""
    staged = folder.scan("import-9f86d081884c7d65") / "staged"
    filled(Folder(staged))

    erase(folder, NAME)

    assert list(staged.iterdir()) == []


class Crash(BaseException):
    """The process is killed."""


@pytest.fixture
def crash_after(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Kill the process at the n-th change of a folder: before it, or just after it."""
    steps = {"left": 10**9, "before": True}

    def failing(real: Step) -> Step:
        def step(*arguments: object, **options: object) -> object:
            steps["left"] -= 1
            if steps["left"] == 0 and steps["before"]:
                raise Crash
            done = real(*arguments, **options)
            if steps["left"] == 0:
                raise Crash
            return done

        return step

    for name in ("replace", "unlink"):
        monkeypatch.setattr(os, name, failing(getattr(os, name)))

    def arm(number: int, *, before: bool) -> None:
        steps.update(left=number, before=before)

    yield arm
    steps["left"] = 10**9


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("step", range(1, 40, 2))
def test_a_crash_at_any_step_loses_no_other_row(
    step: int, before: bool, folder: Folder, crash_after: Callable[..., None]
) -> None:
    """Killed at any rename or removal and run again: the server is gone, all others are there."""
    filled(folder)
    crash_after(step, before=before)
    try:
        erase(folder, NAME, ADDRESS)
        crashed = False
    except Crash:
        crashed = True
    crash_after(10**9, before=True)

    halfway = read_plan(folder)
    if halfway is None and crashed:  # nothing was decided, or all was done
        assert len(rows(folder, "observations")) in (38, 40)
    erase(folder, NAME, ADDRESS)

    targets = [row["target"] for row in rows(folder, "observations")]
    assert len(targets) == len(set(targets)) == 38
    assert len(rows(folder, "answers")) == 38
    assert not {NAME, "alias.example.org"} & set(targets)
    tables = [each for each in look_through(folder, {}) if not isinstance(each, Sound)]
    assert tables == []


def test_a_full_disk_changes_nothing(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the new files cannot be written, the old ones stay as they are."""
    filled(folder)
    before = {path: path.read_bytes() for path in files(folder)}
    chance = random.Random(1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for _ in range(3):
        wanted = Names([chance.choice([NAME, ADDRESS])])
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="full"):
            prepare_erasure(folder, wanted)
    monkeypatch.undo()

    assert {path: path.read_bytes() for path in files(folder)} == before
