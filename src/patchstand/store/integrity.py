"""Whether every file of a store is as it was written, and what to do where one is not."""

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import file_digest
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from patchstand.errors import UsageError
from patchstand.store.folder import (
    DERIVED,
    DIGITS,
    SCANS,
    SETTINGS,
    TABLES,
    TEMPORARY,
    Folder,
    TableFile,
    read_name,
    sync_folder,
    unwritable,
)
from patchstand.store.writer import recover

DAMAGED = "damaged"
"""Folder of the store for what cannot be read any more; nothing in it is ever deleted."""


class Trouble(StrEnum):
    """What can be wrong, and what `check` does about it."""

    DAMAGED = "damaged"  # other bytes than were written: moved aside
    UNREADABLE = "unreadable"  # the bytes that were written, yet no rows: moved aside
    MISSING = "missing"  # was written and is gone
    ROWS = "rows"  # holds another number of rows than was noted
    ALTERED = "altered"  # the journal of disclosures is not what was written
    FOREIGN = "foreign"  # no file of a store
    IN_USE = "in_use"  # another run works on it: nothing is wrong, it was not looked at


REMEDIES = {
    Trouble.DAMAGED: "bring the file back from a backup, or repeat the import",
    Trouble.UNREADABLE: "bring the file back from a backup, or repeat the import",
    Trouble.MISSING: "bring the file back from a backup, or repeat the import",
    Trouble.ROWS: "nothing, if the state came from another backup than the files; it is set right",
    Trouble.ALTERED: "keep the state as evidence and compare it with a backup",
    Trouble.FOREIGN: "move it out of the store",
    Trouble.IN_USE: "check again when that run has ended",
}


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing found wrong; `path` is relative to the store."""

    path: str
    trouble: Trouble
    detail: str = ""

    @property
    def remedy(self) -> str:
        """What whoever runs the store should do."""
        return REMEDIES[self.trouble]


@dataclass(frozen=True, slots=True)
class Sound:
    """A file that is as it was written: the rows it holds, its bytes, its whole SHA-256."""

    file: TableFile
    rows: int
    bytes: int
    sha256: str


def look_through(folder: Folder, noted: Mapping[str, int]) -> Iterator[Sound | Defect]:
    """Read every file of the tables; `noted` are the rows of each path, as the state has it.

    Changes nothing.
    """
    met = set()
    for table in TABLES:
        for path in sorted(each for each in (folder.root / table).rglob("*") if each.is_file()):
            if path.name.startswith(TEMPORARY):
                continue
            name = relative(folder, path)
            met.add(name)
            yield _look_at(folder, path, noted.get(name))
    for name in sorted(set(noted) - met):
        yield Defect(name, Trouble.MISSING)


def _look_at(folder: Folder, path: Path, rows: int | None) -> Sound | Defect:
    name = relative(folder, path)
    file = read_name(path)
    in_place = file is not None and path.parent.parent.parent == folder.root
    if file is None or not in_place or path.suffix != ".parquet":
        return Defect(name, Trouble.FOREIGN)
    try:
        with path.open("rb") as opened:
            sha256 = file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        return Defect(name, Trouble.DAMAGED, error.strerror or "cannot be read")
    if sha256[:DIGITS] != file.digits:
        return Defect(name, Trouble.DAMAGED, "its checksum is not the one in its name")
    try:
        found = pq.read_metadata(path).num_rows
    except (OSError, ValueError, pa.ArrowException) as error:
        return Defect(name, Trouble.UNREADABLE, str(error).splitlines()[0])
    if rows is not None and rows != found:
        return Defect(name, Trouble.ROWS, f"{found} rows, {rows} were noted")
    return Sound(file, found, path.stat().st_size, sha256)


def relative(folder: Folder, path: Path) -> str:
    """The path of a file within the store, with slashes on every system."""
    return path.relative_to(folder.root).as_posix()


def move_aside(folder: Folder, defect: Defect) -> Path:
    """Move a damaged file to `damaged/`, under its own path; never over another one.

    Raises:
        StoreError: the folder is not writable.
    """
    source = folder.root / defect.path
    aside = folder.root / DAMAGED / defect.path
    number = 1
    while aside.exists():
        number += 1
        aside = folder.root / DAMAGED / f"{defect.path}.{number}"
    try:
        aside.parent.mkdir(parents=True, exist_ok=True)
        source.rename(aside)
        sync_folder(aside.parent)
        sync_folder(source.parent)
    except OSError as error:
        raise unwritable(source, error) from error
    return aside


def leftovers(folder: Folder, *, but: Iterable[str] = ()) -> list[Path]:
    """Temporary files that a crash left behind, none of them of a process still running.

    Those of the batches named in `but` are left out.
    """
    found = set(folder.root.glob(f"{TEMPORARY}-*"))
    for name in (*TABLES, SCANS, DERIVED):
        found.update((folder.root / name).rglob(f"{TEMPORARY}-*"))
    found.update((folder.root / SCANS).glob("*/spill"))
    found.update(path.parent for path in (folder.root / SCANS).glob("*/lock") if _is_idle(path))
    left_out = {folder.root / SCANS / batch for batch in but}
    return sorted(
        path for path in found if not left_out & {path, *path.parents} and not is_in_use(path)
    )


def _is_idle(lock: Path) -> bool:
    """True for the folder of a scan that never began or was all but put away."""
    return not any(
        path.name in (SETTINGS, "staged") or path.name.startswith("journal-")
        for path in lock.parent.iterdir()
    )


def is_in_use(path: Path) -> bool:
    """True for a file named after another process that is still there."""
    number = path.name.removeprefix(f"{TEMPORARY}-").partition("-")[0]
    if not number.isdigit() or int(number) in (0, os.getpid()) or os.name != "posix":
        return False
    try:
        os.kill(int(number), 0)  # asks only whether it is there
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def remove_leftovers(paths: Iterable[Path]) -> None:
    """Remove temporary files and folders.

    Raises:
        StoreError: the folder is not writable.
    """
    for path in paths:
        try:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(path, error) from error


def under_way(folder: Folder) -> list[str]:
    """Every scan and import that left a folder: running, interrupted, or never quite begun."""
    return sorted(path.name for path in (folder.root / SCANS).glob("*") if path.is_dir())


@contextlib.contextmanager
def quiet(folder: Folder) -> Iterator[list[Defect]]:
    """Hold every unfinished batch, so that no run works on one; those that cannot be held.

    Raises:
        StoreError: the folder is not writable.
    """
    with contextlib.ExitStack() as stack:
        busy = []
        for batch in under_way(folder):
            try:
                stack.enter_context(folder.alone(batch))
            except UsageError:
                busy.append(Defect(f"{SCANS}/{batch}", Trouble.IN_USE))
        yield busy


def seal_journals(folder: Folder, *, but: Iterable[str] = ()) -> list[Path]:
    """Turn the journals that a crash left behind into files; the files that came of it.

    Raises:
        StoreError: the disk is full.
    """
    left_out = set(but)
    wanted = [batch for batch in under_way(folder) if batch not in left_out]
    return [path for batch in wanted for path in recover(folder, batch)]
