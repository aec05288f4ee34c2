"""`--responsible "who, why"`: somebody answers for a target, in writing, five a day.

The journal is one JSON object a line: time (UTC), who, why, target, address. It is
written before the first connection; a journal that cannot be read or written refuses.
"""

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO

import msgspec

from patchstand.errors import ScopeError, UsageError

try:
    import fcntl
except ImportError:  # Windows: two runs at the same moment are not kept apart there
    fcntl = None  # type: ignore[assignment]

TARGETS_A_DAY = 5
"""Distinct targets, and distinct addresses, a day (UTC) over all runs of one journal."""


class Entry(msgspec.Struct, frozen=True):
    """One line of the journal."""

    time: datetime
    who: str
    why: str
    target: str
    address: str


class Declarations:
    """The declarations of one run, over the journal shared by all runs."""

    def __init__(self, text: str, journal: Path, now: Callable[[], datetime]) -> None:
        """Take `who, why` as the user typed it.

        Raises:
            UsageError: the text does not say both who and why.
        """
        who, _, why = (part.strip() for part in text.partition(","))
        if not who or not why:
            raise UsageError('--responsible wants who and why, such as "A. Smith, asked by X"')
        self.who = who
        self.why = why
        self._journal = journal
        self._now = now

    def declare(self, target: str, address: str) -> None:
        """Journal that this target is asked on this declaration; once a day for each.

        Raises:
            ScopeError: the day's targets are used up.
            UsageError: the journal cannot be read or written.
        """
        entry = Entry(self._now().astimezone(UTC), self.who, self.why, target, address)
        try:
            self._journal.parent.mkdir(parents=True, exist_ok=True)
            with self._journal.open("a+b") as file, _locked(file):
                today = self._entries_of(file, entry.time.date())
                if not any(_same(entry, known) for known in today):
                    self._refuse_too_many([*today, entry])
                    file.write(msgspec.json.encode(entry) + b"\n")
        except OSError as error:
            raise UsageError(f"journal {self._journal}: {error.strerror}") from error

    def _entries_of(self, file: IO[bytes], day: date) -> list[Entry]:
        file.seek(0)
        entries = []
        for number, line in enumerate(file, start=1):
            try:
                entry = msgspec.json.decode(line, type=Entry)
            except msgspec.DecodeError as error:
                raise UsageError(f"journal {self._journal}, line {number}: {error}") from error
            if entry.time.astimezone(UTC).date() == day:
                entries.append(entry)
        return entries

    def _refuse_too_many(self, entries: list[Entry]) -> None:
        targets = {entry.target for entry in entries}
        addresses = {entry.address for entry in entries}
        if max(len(targets), len(addresses)) > TARGETS_A_DAY:
            raise ScopeError(
                f"{entries[-1].target}: five targets a day are used up on declared"
                " responsibility; get a scope file for more (--scope)"
            )


def _same(one: Entry, other: Entry) -> bool:
    names = ("who", "why", "target", "address")
    return all(getattr(one, name) == getattr(other, name) for name in names)


@contextlib.contextmanager
def _locked(file: IO[bytes]) -> Iterator[None]:
    """Keep other runs out between reading and writing; the lock ends with the file."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX)
    yield
    file.flush()
