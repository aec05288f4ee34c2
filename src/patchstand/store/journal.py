"""The write-ahead journal of a batch: frames appended one by one, read back up to a torn one.

A frame is its length (4 bytes), its CRC-32 (4 bytes) and its bytes. A process that is killed
loses no frame it has appended; a frame that a full disk cut off is taken back.
"""

import contextlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from patchstand.store.folder import unwritable

_HEAD = 8
_LONGEST = 1 << 28


class Journal:
    """Appends frames to one file."""

    def __init__(self, path: Path) -> None:
        """Open for appending, after the last whole frame.

        Raises:
            StoreError: the file cannot be written.
        """
        self.path = path
        try:
            self._end = whole_bytes(path) if path.exists() else 0
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
            os.ftruncate(self._file, self._end)
            os.lseek(self._file, self._end, os.SEEK_SET)
        except OSError as error:
            raise unwritable(path, error) from error

    def append(self, *frames: bytes) -> None:
        """Append frames, all or none.

        Raises:
            StoreError: the disk is full; the journal ends where it did before.
        """
        framed = b"".join(part for frame in frames for part in (_head(frame), frame))
        try:
            written = os.write(self._file, framed)
            while written < len(framed):
                written += os.write(self._file, framed[written:])
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._end)
                os.lseek(self._file, self._end, os.SEEK_SET)
            raise unwritable(self.path, error) from error
        self._end += len(framed)

    def close(self) -> None:
        """Flush to the disk and close."""
        with contextlib.suppress(OSError):
            os.fsync(self._file)
        os.close(self._file)


def frames(path: Path) -> Iterator[bytes]:
    """The whole frames of a journal, in order; ends at the first that is torn."""
    with path.open("rb") as file:
        while len(head := file.read(_HEAD)) == _HEAD:
            length = int.from_bytes(head[:4], "little")
            if length > _LONGEST:
                return
            frame = file.read(length)
            if len(frame) < length or zlib.crc32(frame) != int.from_bytes(head[4:], "little"):
                return
            yield frame


def whole_bytes(path: Path) -> int:
    """The length of a journal up to its first torn frame."""
    return sum(_HEAD + len(frame) for frame in frames(path))


def _head(frame: bytes) -> bytes:
    return len(frame).to_bytes(4, "little") + zlib.crc32(frame).to_bytes(4, "little")
