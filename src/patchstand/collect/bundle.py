"""A bundle: the files of one server, from a folder, a zip, or given one by one.

Nothing is unpacked to the disk and no link is followed, so that no name in a bundle leads
out of it. What cannot be read is named and left out.
"""

import io
import stat
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from patchstand.collect.markup import LARGEST
from patchstand.errors import UsageError
from patchstand.model.inside import Skipped

MOST_MEMBERS = 20_000
"""Files of a bundle; a full one has about a hundred."""
LARGEST_BUNDLE = 1024 * 1024 * 1024
"""Bytes read of a bundle, unpacked; a full one has about 13 MB."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a bundle: its path in it, with slashes, and what it holds."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Archive:
    """A zip that was read already, so that what is judged is what was verified."""

    name: str
    content: bytes


def members(source: Path | Archive) -> Iterator[Member | Skipped]:
    """The files of a bundle in the order of their names; those that cannot be read say why.

    Raises:
        UsageError: there is no such file or folder, or it is a broken zip.
    """
    yield from _limited(_of_path(source) if isinstance(source, Path) else _of_zip(source))


def member(source: Path | Archive, name: str) -> Member | Skipped | None:
    """One file of a folder or a zip by its exact path in it; None when it is not there.

    Raises:
        UsageError: it is a broken zip.
    """
    if isinstance(source, Path) and source.is_dir():
        path = source / name
        return _file(path, name) if path.is_file() or path.is_symlink() else None
    with _opened(source) as archive:
        if name not in archive.namelist():
            return None
        return _entry(archive, archive.getinfo(name))


def archive(path: Path) -> Archive:
    """A zip in memory.

    Raises:
        UsageError: it cannot be read, or is larger than a file of a bundle may be.
    """
    file = _file(path, path.name)
    if isinstance(file, Skipped):
        raise UsageError(f"{path}: {file.why}")
    return Archive(path.name, file.content)


def members_of(paths: Sequence[Path]) -> Iterator[Member | Skipped]:
    """Single files, given one by one, as one bundle.

    Raises:
        UsageError: one of them is not there.
    """
    yield from _limited(_file(path, path.name) for path in paths)


def is_bundle(path: Path) -> bool:
    """True for a folder and a zip: what is in it belongs to one server."""
    return path.is_dir() or (path.is_file() and zipfile.is_zipfile(path))


def _of_path(path: Path) -> Iterator[Member | Skipped]:
    if path.is_dir():
        return _of_folder(path)
    if not path.exists():
        raise UsageError(f"{path}: there is no such file or folder")
    if path.is_file() and zipfile.is_zipfile(path):
        return _of_zip(path)
    return iter([_file(path, path.name)])


def _limited(found: Iterator[Member | Skipped]) -> Iterator[Member | Skipped]:
    """Stop reading where a bundle exceeds what a server can have."""
    size = 0
    for count, each in enumerate(found, 1):
        size += len(each.content) if isinstance(each, Member) else 0
        if count > MOST_MEMBERS:
            raise UsageError(f"more than {MOST_MEMBERS:,} files; name the bundle of one server")
        if size > LARGEST_BUNDLE:
            raise UsageError(f"more than {LARGEST_BUNDLE >> 20} MB; name the bundle of one server")
        yield each


def _of_folder(folder: Path) -> Iterator[Member | Skipped]:
    for path in _walked(folder):
        yield _file(path, path.relative_to(folder).as_posix())


def _walked(folder: Path) -> Iterator[Path]:
    """Files below a folder by name; links are not followed, and come as they are."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from error
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            yield from _walked(entry)
        else:
            yield entry


def _file(path: Path, name: str) -> Member | Skipped:
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            return Skipped(name, "a link, which is not followed")
        if not stat.S_ISREG(found.st_mode):
            return Skipped(name, "no regular file")
        if found.st_size > LARGEST:
            return Skipped(name, _too_large())
        with path.open("rb") as file:
            return _read(file, name)
    except FileNotFoundError as error:
        raise UsageError(f"{path}: there is no such file or folder") from error
    except OSError as error:
        return Skipped(name, error.strerror or "cannot be read")


def _read(file: IO[bytes], name: str) -> Member | Skipped:
    """At most as much as a file may have, whatever it declares to have."""
    content = file.read(LARGEST + 1)
    return Member(name, content) if len(content) <= LARGEST else Skipped(name, _too_large())


def _too_large() -> str:
    return f"larger than {LARGEST >> 20} MB"


@contextmanager
def _opened(source: Path | Archive) -> Iterator[zipfile.ZipFile]:
    whole = source if isinstance(source, Path) else io.BytesIO(source.content)
    name = source if isinstance(source, Path) else source.name
    try:
        with zipfile.ZipFile(whole) as archive:
            yield archive
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise UsageError(f"{name}: a broken zip: {error}") from error


def _of_zip(source: Path | Archive) -> Iterator[Member | Skipped]:
    with _opened(source) as archive:
        for entry in sorted(archive.infolist(), key=lambda each: each.filename):
            if not entry.is_dir():
                yield _entry(archive, entry)


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Member | Skipped:
    name = entry.filename.replace("\\", "/")
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or ":" in name:
        return Skipped(name, "its name leads out of the bundle")
    if stat.S_ISLNK(entry.external_attr >> 16):
        return Skipped(name, "a link, which is not followed")
    if entry.flag_bits & 1:
        return Skipped(name, "encrypted")
    if entry.file_size > LARGEST:
        return Skipped(name, _too_large())
    try:
        with archive.open(entry) as file:
            return _read(file, name)
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError) as error:
        return Skipped(name, f"cannot be unpacked: {error}")
