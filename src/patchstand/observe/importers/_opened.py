"""Opens imported files, `.gz` and one-member `.zip` too, and yields their lines, within limits.

A packed file may be large, but not 200 times larger than what was read of it: that is a
bomb, and nothing of the file is taken. A packed file that ends early or is damaged gives
what lies before the damage.
"""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from patchstand.errors import UsageError
from patchstand.observe.importer import HEAD_BYTES

RATIO_AT_MOST = 200
"""How many times its packed size a file may grow; text seldom grows twenty times."""
RATIO_FREE_BYTES = 16 << 20
"""Unpacked bytes that are never a bomb, whatever the ratio."""
BLOCK_BYTES = 1 << 18
_DAMAGED = (EOFError, OSError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError)


class Unpacked(io.RawIOBase):
    """The unpacked bytes of a packed file; ends at the first damage and remembers it."""

    def __init__(
        self, packed: IO[bytes], member: gzip.GzipFile | zipfile.ZipExtFile, name: str
    ) -> None:
        super().__init__()
        self._packed, self._member, self._name = packed, member, name
        self._start = packed.tell()
        self._given = 0
        self.damage = ""

    def readable(self) -> bool:
        """True: that is all it can do."""
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        """Fill the buffer; 0 at the end or at the first damage.

        Raises:
            UsageError: the file grows like a bomb.
        """
        if self.damage:
            return 0
        try:
            chunk = self._member.read1(len(buffer))  # what precedes damage is not lost
        except _DAMAGED as error:
            self.damage = f"the packed file ends or is damaged here ({type(error).__name__})"
            return 0
        self._given += len(chunk)
        read = max(1, self._packed.tell() - self._start)
        if self._given > RATIO_FREE_BYTES and self._given > RATIO_AT_MOST * read:
            raise UsageError(bomb(self._name))
        buffer[: len(chunk)] = chunk
        return len(chunk)


def bomb(name: str) -> str:
    """The one line for a file that grows too much."""
    return f"{name} unpacks to more than {RATIO_AT_MOST} times its size; unpack it yourself"


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened file: its name without `.gz` or `.zip`, and its bytes."""

    name: str
    stream: IO[bytes]
    unpacked: Unpacked | None = None

    @property
    def damage(self) -> str:
        """Why the bytes ended early; empty while they did not."""
        return self.unpacked.damage if self.unpacked is not None else ""


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Open a file for reading, unpacked where it is a `.gz` or a one-member `.zip`.

    Raises:
        UsageError: the file cannot be read, or is a zip with several members.
    """
    try:
        with path.open("rb") as stream:
            yield from _unpacked(path, stream)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error


def _unpacked(path: Path, stream: IO[bytes]) -> Iterator[Opened]:
    magic = stream.read(4)
    stream.seek(0)
    if magic[:2] == b"\x1f\x8b":
        member = gzip.GzipFile(fileobj=stream, mode="rb")
        yield _wrapped(stream, member, path, path.name.removesuffix(".gz"))
    elif magic == b"PK\x03\x04":
        with only_member(path, stream) as (zipped, name):
            yield _wrapped(stream, zipped, path, name)
    else:
        yield Opened(path.name, stream)


def _wrapped(
    stream: IO[bytes], member: gzip.GzipFile | zipfile.ZipExtFile, path: Path, name: str
) -> Opened:
    raw = Unpacked(stream, member, path.name)
    return Opened(name, io.BufferedReader(raw, BLOCK_BYTES), raw)


@contextmanager
def only_member(path: Path, stream: IO[bytes]) -> Iterator[tuple[zipfile.ZipExtFile, str]]:
    """The one file in a zip, and its name.

    Raises:
        UsageError: it is damaged, encrypted, or holds no or several files.
    """
    try:
        archive = zipfile.ZipFile(stream)
        members = [each for each in archive.infolist() if not each.is_dir()]
        if len(members) != 1:
            raise UsageError(f"{path} holds {len(members)} files; a zip must hold one to be read")
        member = cast(zipfile.ZipExtFile, archive.open(members[0]))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise UsageError(f"{path} is no zip that can be read: {error}") from error
    with archive, member:
        yield member, members[0].filename.rpartition("/")[2]


def head_of(path: Path) -> tuple[str, bytes]:
    """Name and first bytes for `Importer.recognises`: unpacked, or of a whole zip bundle.

    Raises:
        UsageError: the file cannot be read.
    """
    with suppress(UsageError), opened(path) as file:
        return file.name, file.stream.read(HEAD_BYTES)
    try:
        with path.open("rb") as stream:
            return path.name, stream.read(HEAD_BYTES)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error


OVERLONG = b"\x00overlong\x00"
"""Stands for a line that is longer than the limit."""


class Lines:
    """The lines of a file, one after the other, without their line feeds.

    `ended` is False when the last line had no line feed: the file may be cut there.
    """

    def __init__(self, file: Opened, longest: int) -> None:
        self._file, self._longest = file, longest
        self.ended = True

    def chunks(self) -> Iterator[bytes]:
        """Whole lines, some hundred at a time, joined by line feeds."""
        rest, skipping = b"", False
        while block := self._file.stream.read(BLOCK_BYTES):
            block = rest + block
            end = block.rfind(b"\n")
            if end < 0:
                skipping = skipping or len(block) > self._longest
                rest = b"" if skipping else block
                continue
            first = block.find(b"\n")
            rest = block[end + 1 :]
            yield OVERLONG + block[first:end] if skipping or first > self._longest else block[:end]
            skipping = False
        if rest or skipping:
            self.ended = False
            yield OVERLONG if skipping else rest

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.chunks():
            yield from chunk.split(b"\n")
