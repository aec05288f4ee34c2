"""Writes the observations of one batch, so that a crash at any moment loses none.

A scan appends each record to its journal before anything else happens to it; when a segment is
full, its rows become Parquet files and the journal goes. `recover` does the same for journals
that a crash left behind. An import needs no journal: its file is still there to be read again.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow.parquet as pq

from patchstand.errors import StoreError
from patchstand.model import Conclusion, Record
from patchstand.store.columns import HEAD, Row, answer_rows, identity_row, observation_row
from patchstand.store.folder import Folder, unwritable, write_whole
from patchstand.store.journal import Journal, frames
from patchstand.store.segment import Segment, decode_frame, encode_frame, month_of, remove

SEGMENT_ROWS = 20_000
"""Observations in a file."""
SEGMENT_BYTES = 32 * 1024 * 1024
"""Raw answers in a file: what is collected lies in memory until then."""
_JOURNAL = "journal-"
_SPENT = "spent-"


class Asked(NamedTuple):
    """What an address was asked so far: connections tried, requests sent."""

    attempts: int
    taken: int


class _Stored(NamedTuple):
    """One record as the journal carries it: rows of four tables, and their month."""

    row: Row
    month: str
    drawn: Row | None
    answers: list[Row]
    contents: list[Row]


class BatchWriter:
    """Writes one batch, segment by segment."""

    def __init__(
        self,
        folder: Folder,
        batch: str,
        *,
        journaled: bool,
        raw: bool = True,
        segment_rows: int = SEGMENT_ROWS,
    ) -> None:
        """Go on after what earlier runs left, once `recover` has been called.

        `raw`: keep the raw answers as well.
        """
        self._folder = folder
        self._batch = batch
        self._raw = raw
        self._segment_rows = segment_rows
        self._journaled = journaled
        self._number = _last_segment(folder, batch) + 1
        self._segment = Segment()
        self._bytes = 0
        self._spent: dict[str, Asked] = {}
        self._drawn = _keys(folder, "identities", batch)
        self._contents: dict[str, set[int]] = {}
        self._journal: Journal | None = None
        self.files: list[Path] = []

    def add(self, record: Record, conclusion: Conclusion) -> None:
        """Store one record; when this returns, no crash of the process loses it.

        Raises:
            StoreError: the disk is full.
        """
        month = month_of(record.observed_at)
        row = observation_row(record, self._batch, conclusion.key)
        stored = _Stored(row, month, self._identity(conclusion), *self._answers(record, month))
        if self._journaled:
            self._append(encode_frame("o", *stored))
        _collect(self._segment, stored)
        if self._segment.observations >= self._segment_rows or self._bytes > SEGMENT_BYTES:
            self.seal()

    def spend(self, address: str, attempts: int, taken: int) -> None:
        """Note a connection or a request before it is made, so that a crash does not forget it.

        Raises:
            StoreError: the disk is full.
        """
        self._append(encode_frame("s", address, attempts, taken))
        before = self._spent.get(address, Asked(0, 0))
        self._spent[address] = Asked(before.attempts + attempts, before.taken + taken)

    def seal(self) -> None:
        """Turn the rows collected so far into files.

        Raises:
            StoreError: the disk is full; `recover` goes on from there.
        """
        if self._segment.observations or self._spent:
            self.files += _seal(self._folder, self._batch, self._number, self._segment, self._spent)
        if self._journal is not None:
            self._journal.close()
            remove(self._journal.path)
            self._journal = None
        self._number += 1
        self._segment = Segment()
        self._bytes = 0
        self._spent = {}

    def close(self) -> None:
        """Let go of the journal; what is in it is sealed by the next `recover`."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _identity(self, conclusion: Conclusion) -> Row | None:
        if conclusion.key in self._drawn:
            return None
        self._drawn.add(conclusion.key)
        return identity_row(conclusion, self._batch)

    def _answers(self, record: Record, month: str) -> tuple[list[Row], list[Row]]:
        answers: list[Row] = []
        contents: list[Row] = []
        if not self._raw or not record.answers:
            return answers, contents
        known = self._contents.get(month)
        if known is None:
            known = self._contents[month] = _keys(self._folder, "contents", month=month)
        for row, referred in answer_rows(record):
            answers.append(row)
            new = [(key, kept) for key, kept in referred.items() if key not in known]
            known.update(referred)
            contents += new
            self._bytes += len(row[HEAD]) + sum(len(kept) for _, kept in new)
        return answers, contents

    def _append(self, frame: bytes) -> None:
        if self._journal is None:
            place = self._folder.scan(self._batch) / f"{_JOURNAL}{self._number:04}.log"
            self._journal = Journal(place)
        self._journal.append(frame)


def recover(folder: Folder, batch: str) -> list[Path]:
    """Seal the journals that a crash left behind; the files that came of it.

    Raises:
        StoreError: the disk is full.
    """
    written: list[Path] = []
    place = folder.root / "scans" / batch
    for path in sorted(place.glob(f"{_JOURNAL}*.log")):
        number = int(path.stem.removeprefix(_JOURNAL))
        segment, spent = _replay(path)
        written += _seal(folder, batch, number, segment, spent)
        remove(path)
    return written


def asked_before(folder: Folder, batch: str) -> Iterator[tuple[str, Asked]]:
    """What the earlier runs of a scan asked, by address; an address may come several times.

    Raises:
        StoreError: a file cannot be read.
    """
    for path in sorted((folder.root / "scans" / batch).glob(f"{_SPENT}*.msgpack")):
        try:
            yield from msgspec.msgpack.decode(path.read_bytes(), type=dict[str, Asked]).items()
        except (OSError, msgspec.DecodeError) as error:
            raise StoreError(f"{path}: {error}") from error


def _collect(segment: Segment, stored: _Stored) -> None:
    month = stored.month
    segment.add("observations", month, stored.row)
    if stored.drawn is not None:
        segment.add("identities", month, stored.drawn)
    for answer in stored.answers:
        segment.add("answers", month, answer)
    for content in stored.contents:
        segment.add("contents", month, content)


def _replay(path: Path) -> tuple[Segment, dict[str, Asked]]:
    segment, spent = Segment(), dict[str, Asked]()
    try:
        for frame in frames(path):
            sort, *rest = decode_frame(frame)
            if sort == "o":
                _collect(segment, _Stored(*rest))
            else:
                address, attempts, taken = rest
                before = spent.get(address, Asked(0, 0))
                spent[address] = Asked(before.attempts + attempts, before.taken + taken)
    except OSError as error:
        raise unwritable(path, error) from error
    return segment, spent


def _seal(
    folder: Folder, batch: str, number: int, segment: Segment, spent: dict[str, Asked]
) -> list[Path]:
    if spent:
        place = folder.scan(batch) / f"{_SPENT}{number:04}.msgpack"
        write_whole(place, msgspec.msgpack.encode(spent))
    return segment.write(folder, batch, number)


def _last_segment(folder: Folder, batch: str) -> int:
    numbers = [each.segment for each in folder.files("observations", batch)]
    place = folder.root / "scans" / batch
    numbers += [int(path.stem.rpartition("-")[2]) for path in place.glob(f"{_SPENT}*.msgpack")]
    return max(numbers, default=0)


def _keys(
    folder: Folder, table: str, batch: str | None = None, month: str | None = None
) -> set[int]:
    """The keys that the files of a table hold, of one batch or one month."""
    keys: set[int] = set()
    for each in folder.files(table, batch):
        if month is None or each.month == month:
            try:
                keys.update(pq.read_table(each.path, columns=["key"])["key"].to_pylist())
            except (OSError, ValueError) as error:
                raise StoreError(f"{each.path}: {error}; run `patchstand store check`") from error
    return keys
