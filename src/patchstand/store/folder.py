"""The folder of a store: where its files lie, how they are named, and who may write.

A file is written under a temporary name, flushed to the disk, renamed, and never changed
again; its name carries the first 16 hexadecimal digits of its SHA-256:
`observations/month=2026-11/<batch>-0001.<digits>.parquet`.
"""

import contextlib
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO

import msgspec

from patchstand.errors import StoreError, UsageError

try:
    import fcntl
except ImportError:  # Windows: two runs on one batch are not kept apart there
    fcntl = None  # type: ignore[assignment]

TABLES = ("observations", "identities", "answers", "contents")
SCANS = "scans"
DERIVED = "derived"
"""What follows from the tables (workflow.derived); it can be made anew at any time."""
MARK = "store.json"
SETTINGS = "scan.json"
"""Written when the targets of a scan are complete: from then on it can be resumed."""
TEMPORARY = ".tmp"
DIGITS = 16
_FULL = (errno.ENOSPC, errno.EDQUOT)
_VERSION = 1


class _Mark(msgspec.Struct):
    """The file that makes a folder a store."""

    version: int
    created: datetime


@dataclass(frozen=True, slots=True)
class TableFile:
    """One Parquet file, as its path tells it."""

    path: Path
    table: str
    month: str
    batch: str
    segment: int
    digits: str


class Folder:
    """An open store folder."""

    def __init__(self, root: Path) -> None:
        """Use `open`."""
        self.root = root

    @classmethod
    def open(cls, root: Path, created: datetime | None = None) -> "Folder":
        """Open a store; with `created` (the time now) make it where there is none.

        Raises:
            UsageError: there is no store, or the folder holds something else.
            StoreError: it cannot be written or is of a later version.
        """
        mark = root / MARK
        try:
            if not mark.exists():
                _make(root, mark, created)
            found = msgspec.json.decode(mark.read_bytes(), type=_Mark)
        except OSError as error:
            raise unwritable(root, error) from error
        except msgspec.DecodeError as error:
            raise StoreError(f"{mark} is damaged: {error}") from error
        if found.version > _VERSION:
            raise StoreError(f"{root}: written by a later version of patchstand; update it")
        return cls(root)

    def files(self, table: str, batch: str | None = None) -> list[TableFile]:
        """The Parquet files of a table in order of their names, of one batch or of all."""
        name = f"{batch}-*.parquet" if batch else "*.parquet"
        found = (read_name(path) for path in (self.root / table).glob(f"month=*/{name}"))
        return sorted((each for each in found if each), key=lambda each: str(each.path))

    def batches(self) -> list[str]:
        """The scans that have begun and are not finished, the oldest first."""
        return sorted(path.parent.name for path in (self.root / SCANS).glob(f"*/{SETTINGS}"))

    def scan(self, batch: str) -> Path:
        """The folder of a scan under way; made where it is missing."""
        path = self.root / SCANS / batch
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(path, error) from error
        return path

    def write(self, table: str, month: str, stem: str, content: bytes) -> Path:
        """Write one immutable file; visible as a whole or not at all.

        Raises:
            StoreError: the disk is full or the folder not writable; nothing is left behind.
        """
        name = f"{stem}.{sha256(content).hexdigest()[:DIGITS]}.parquet"
        return write_whole(self.root / table / f"month={month}" / name, content)

    @contextlib.contextmanager
    def alone(self, batch: str) -> Iterator[None]:
        """Keep every other run off a batch; the lock ends with the process.

        Raises:
            UsageError: another run has it.
        """
        path = self.scan(batch) / "lock"
        try:
            file = path.open("a")
        except OSError as error:
            raise unwritable(path, error) from error
        with file:
            _lock(file, batch)
            yield


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file under a temporary name, flush it, and rename it.

    Raises:
        StoreError: the disk is full or the folder not writable; nothing is left behind.
    """
    beside = path.with_name(f"{TEMPORARY}-{os.getpid()}-{path.name}.part")  # for no glob of readers
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:  # after Ctrl-C as well
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
    return path


def sync_folder(path: Path) -> None:
    """Make a rename or removal in a folder last through a power cut."""
    try:
        place = os.open(path, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders
        return
    try:
        os.fsync(place)
    finally:
        os.close(place)


def read_name(path: Path) -> TableFile | None:
    """What the path of a Parquet file says; None for a path that is not of this form."""
    stem, _, digits = path.name.removesuffix(".parquet").rpartition(".")
    batch, _, segment = stem.rpartition("-")
    month = path.parent.name.removeprefix("month=")
    if path.name.startswith(TEMPORARY):  # a pattern finds hidden files too
        return None
    if not batch or not segment.isdigit() or len(digits) != DIGITS:
        return None
    return TableFile(path, path.parent.parent.name, month, batch, int(segment), digits)


def unwritable(path: Path, error: OSError) -> StoreError:
    """The error of a file that cannot be written or read, with what to do."""
    if error.errno in _FULL:
        return StoreError(f"the disk is full at {path}; make room, then do the same again")
    return StoreError(f"{path}: {error.strerror or error}")


def is_full(error: StoreError) -> bool:
    """Whether it says that the disk is full."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in _FULL


def _make(root: Path, mark: Path, created: datetime | None) -> None:
    if created is None:
        raise UsageError(f"{root} is no store; scan or import makes one")
    if root.exists() and any(not path.name.startswith(".") for path in root.iterdir()):
        raise UsageError(f"{root} holds other files; name an empty folder for the store")
    root.mkdir(parents=True, exist_ok=True)
    write_whole(mark, msgspec.json.encode(_Mark(_VERSION, created)) + b"\n")


def _lock(file: IO[str], batch: str) -> None:
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError(f"another run is working on {batch}; wait for it, or stop it") from error
