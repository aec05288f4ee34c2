"""The shape of an importer: one file per foreign format in `importers/`, found by `plugins`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from patchstand.model import Record, Rejected

HEAD_BYTES = 4096
"""How much of a file is shown to `recognises`."""


@dataclass(frozen=True, slots=True)
class Importer:
    """Reads one foreign format.

    `recognises` gets the file's name and its first `HEAD_BYTES` bytes, unpacked. `read`
    yields a `Record` for each good row and a `Rejected` for each other, as a stream: a
    file never lies in memory as a whole. It raises `UsageError` only when nothing of the file
    can be read.
    """

    name: str
    summary: str
    recognises: Callable[[str, bytes], bool]
    read: Callable[[Path], Iterator[Record | Rejected]]
