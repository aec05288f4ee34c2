"""Derived tables of a store, kept in its folder `derived`: runs, intervals, cube, verdicts.

They follow from the observations and from what is known of builds, and are found by what they
were made of; what does not fit any more is made anew. Nothing is lost with them, so a store
that cannot be written is counted without them.

A file is `<name>.<made of>.<digits>.arrow`; `<digits>` begin the SHA-256 of its content. It is
written whole, renamed and never changed: any number of censuses may read and write at once.
"""

import contextlib
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import pyarrow as pa

from patchstand.errors import StoreError
from patchstand.store.folder import (
    DERIVED,
    DIGITS,
    TEMPORARY,
    Folder,
    unwritable,
    write_whole,
)
from patchstand.store.integrity import is_in_use

_ENDING = "arrow"
_COMPRESSED = pa.ipc.IpcWriteOptions(compression="zstd", use_threads=False)
_ALONE = pa.ipc.IpcReadOptions(use_threads=False)
Made = tuple[str, str]
"""The name of a derived table, and the digest of what it was made of."""


_MAKING = ("assess", "census", "identify", "model", "workflow/judged_tables.py",
           "workflow/sightings.py", "workflow/conclude.py")  # fmt: skip
"""Folders and files of the package on which derived tables rest."""


def digest(*parts: object) -> str:
    """What a table made of these is known by."""
    return sha256(repr(parts).encode()).hexdigest()[:DIGITS]


@lru_cache(maxsize=1)
def code_digest() -> str:
    """What the code that makes derived tables is known by: other code may make other tables."""
    package = files("patchstand")
    found = sha256()
    for name in _MAKING:
        for source in sorted(_sources(package / name), key=str):
            found.update(source.read_bytes())
    return found.hexdigest()[:DIGITS]


def _sources(place: Traversable) -> Iterator[Traversable]:
    if place.is_dir():
        for each in place.iterdir():
            yield from _sources(each)
    elif place.name.endswith(".py"):
        yield place


def is_kept(folder: Folder, made: Made) -> bool:
    """Whether there is a file of this table; it may turn out to be damaged."""
    return bool(_files(folder, made))


def cached(folder: Folder, made: Made) -> pa.Table | None:
    """A derived table, if it is there, whole, and made of just this."""
    tables = (_read(path) for path in _files(folder, made))
    return next((table for table in tables if table is not None), None)


def keep(folder: Folder, made: Made, table: pa.Table, versions: int = 1) -> None:
    """Keep a derived table, if that is possible, and of those of its name the newest ones.

    `versions`: how many of one name are kept, made of different things.
    """
    content = _content(table)
    name, made_of = made
    file = f"{name}.{made_of}.{_digits(content)}.{_ENDING}"
    with contextlib.suppress(StoreError):  # read only, or full: the figures are the same without
        path = write_whole(folder.root / DERIVED / file, content)
        _thin(path, name, versions)


def tidy(folder: Folder) -> None:
    """Remove, if that is possible, what a census left behind that was ended while it wrote."""
    for path in (folder.root / DERIVED).glob(f"{TEMPORARY}-*"):
        if not is_in_use(path):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def clear(folder: Folder) -> int:
    """Remove all derived tables; how many files there were.

    Raises:
        StoreError: one cannot be removed.
    """
    found = [path for path in (folder.root / DERIVED).rglob("*") if path.is_file()]
    for path in found:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(path, error) from error
    return len(found)


def _files(folder: Folder, made: Made) -> list[Path]:
    return sorted((folder.root / DERIVED).glob(f"{made[0]}.{made[1]}.*.{_ENDING}"))


def _content(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema, options=_COMPRESSED) as file:
        file.write_table(table.unify_dictionaries().combine_chunks())
    return bytes(sink.getvalue())


def _read(path: Path) -> pa.Table | None:
    """The table of a file; None where the file is gone or is not what was written."""
    try:
        content = path.read_bytes()
        if _digits(content) != path.name.split(".")[-2]:
            return None
        return pa.ipc.open_file(pa.BufferReader(content), options=_ALONE).read_all()
    except (OSError, pa.ArrowException):
        return None


def _digits(content: bytes) -> str:
    return sha256(content).hexdigest()[:DIGITS]


def _thin(newest: Path, name: str, versions: int) -> None:
    """Remove the oldest files of a name; others may be doing the same."""
    others = []
    for path in newest.parent.glob(f"{name}.*"):
        with contextlib.suppress(OSError):
            others.append((path.stat().st_mtime_ns, path))
    older = sorted((each for each in others if each[1] != newest), reverse=True)
    for _, path in older[versions - 1 :]:
        with contextlib.suppress(OSError):  # somebody reads it, where that keeps a file
            path.unlink(missing_ok=True)
