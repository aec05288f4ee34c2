"""What `check` sees: every changed byte, every file that is gone or does not belong."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.conftest import BATCH, NOW, conclusion, record

from patchstand.store.folder import Folder
from patchstand.store.integrity import (
    DAMAGED,
    Defect,
    Sound,
    Trouble,
    leftovers,
    look_through,
    move_aside,
    quiet,
    relative,
    remove_leftovers,
    seal_journals,
)
from patchstand.store.writer import BatchWriter


def filled(folder: Folder, count: int = 30, *, journaled: bool = False) -> BatchWriter:
    writer = BatchWriter(folder, BATCH, journaled=journaled, segment_rows=10)
    for number in range(count):
        made = record(number)
        writer.add(made, conclusion(made))
    if not journaled:
        writer.seal()
    return writer


def noted(folder: Folder) -> dict[str, int]:
    found = (each for each in look_through(folder, {}) if isinstance(each, Sound))
    return {relative(folder, each.file.path): each.rows for each in found}


def defects(folder: Folder, rows: dict[str, int] | None = None) -> list[Defect]:
    return [each for each in look_through(folder, rows or {}) if isinstance(each, Defect)]


def test_a_store_as_written_has_no_defects(folder: Folder) -> None:
    """Every file of every table is looked at, and none is wrong."""
    writer = filled(folder)
    rows = noted(folder)

    assert defects(folder, rows) == []
    assert sorted(rows) == sorted(relative(folder, path) for path in writer.files)
    assert sum(count for name, count in rows.items() if name.startswith("observations")) == 30


def test_every_single_flipped_byte_is_found(folder: Folder) -> None:
    """Whichever byte of a file changes, the file is named as damaged."""
    filled(folder, 1)
    (file,) = folder.files("observations")
    content = file.path.read_bytes()
    found = []
    for at in range(len(content)):
        file.path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        found.append([each.trouble for each in defects(folder)] == [Trouble.DAMAGED])

    assert len(found) == len(content)
    assert all(found)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(chosen=st.integers(0, 10**9), at=st.integers(0, 10**9), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found_in_any_table(
    chosen: int, at: int, bit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Any bit of any file of any table."""
    folder = Folder.open(tmp_path_factory.mktemp("s") / "store", NOW)
    files = filled(folder, 15).files
    path = files[chosen % len(files)]
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= 1 << bit
    path.write_bytes(content)

    assert [(each.path, each.trouble) for each in defects(folder)] == [
        (relative(folder, path), Trouble.DAMAGED)
    ]


def test_missing_foreign_and_other_files_are_named(folder: Folder) -> None:
    """A noted file that is gone, files of other names, and another number of rows."""
    files = filled(folder).files
    rows = noted(folder)
    gone, short = files[0], files[1]
    gone.unlink()
    rows[relative(folder, short)] += 1
    (folder.root / "observations" / "notes.txt").write_text("mine")
    (folder.root / "observations" / "month=2026-11" / "part-0.parquet").write_bytes(b"PAR1")
    lost = folder.root / "observations" / files[2].name
    lost.write_bytes(files[2].read_bytes())

    found = {each.path: each.trouble for each in defects(folder, rows)}

    assert found == {
        relative(folder, gone): Trouble.MISSING,
        relative(folder, short): Trouble.ROWS,
        relative(folder, lost): Trouble.FOREIGN,
        "observations/notes.txt": Trouble.FOREIGN,
        "observations/month=2026-11/part-0.parquet": Trouble.FOREIGN,
    }


def test_bytes_that_are_no_rows_are_unreadable(folder: Folder) -> None:
    """A file that is as it was written and yet no Parquet is told from a damaged one."""
    folder.write("answers", "2026-11", f"{BATCH}-0001", b"no rows")

    assert [each.trouble for each in defects(folder)] == [Trouble.UNREADABLE]


def test_damaged_files_are_kept_aside(folder: Folder) -> None:
    """They move under `damaged/` with their content; a second one does not overwrite the first."""
    filled(folder, 5)
    (file,) = folder.files("observations")
    contents = [b"first", b"second"]
    for content in contents:
        file.path.write_bytes(content)
        (defect,) = defects(folder)
        move_aside(folder, defect)

    kept = sorted(each for each in (folder.root / DAMAGED).rglob("*") if each.is_file())
    assert [each.read_bytes() for each in kept] == contents
    assert defects(folder) == []


def test_leftovers_go_and_nothing_else(folder: Folder) -> None:
    """Temporary files and spill folders are removed; files, locks and targets stay."""
    filled(folder)
    before = sorted(path for path in folder.root.rglob("*") if path.is_file())
    place = folder.scan(BATCH)
    (place / "targets.parquet").write_bytes(b"x")
    for path in (
        folder.root / "observations" / "month=2026-11" / ".tmp-99999999-a.parquet",
        folder.root / ".tmp-99999998-store.json",
        folder.root / "derived" / ".tmp-99999997-cube.arrow.part",
        place / ".tmp-targets.parquet",
        place / "spill" / "duckdb_temp",
        folder.root / ".tmp-export" / "duckdb_temp",
    ):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half")

    remove_leftovers(leftovers(folder))

    after = sorted(path for path in folder.root.rglob("*") if path.is_file())
    assert after == sorted([*before, place / "targets.parquet"])
    assert leftovers(folder) == []


def test_journals_of_a_crash_become_files(folder: Folder) -> None:
    """What a killed scan had journaled is in the tables afterwards, once."""
    filled(folder, 7, journaled=True).close()
    with quiet(folder) as busy:
        written = seal_journals(folder)

    assert busy == []
    assert len(written) == 4
    assert sum(noted(folder)[relative(folder, path)] for path in written[-1:]) == 7
    assert seal_journals(folder) == []


def test_a_scan_under_way_is_left_alone(folder: Folder) -> None:
    """A batch that another run works on is named and not touched."""
    writer = filled(folder, 3, journaled=True)
    with folder.alone(BATCH), quiet(folder) as busy:
        assert [(each.path, each.trouble) for each in busy] == [(f"scans/{BATCH}", Trouble.IN_USE)]
    writer.close()


def test_every_trouble_says_what_to_do() -> None:
    """Each kind of defect has its remedy."""
    assert all(Defect("x", trouble).remedy for trouble in Trouble)


def test_replaced_paths_are_relative(folder: Folder, tmp_path: Path) -> None:
    """Paths in a defect do not tell where the store lies."""
    filled(folder, 1)
    (file,) = folder.files("identities")
    file.path.write_bytes(b"")

    assert all(str(tmp_path) not in str(replace(each)) for each in defects(folder))
