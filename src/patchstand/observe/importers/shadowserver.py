"""Shadowserver's reports on Exchange (`scan_exchange`, `scan6_exchange`), as CSV.

Columns are found by their names in the header, in any order: the report of 2026 has 17,
that of 2021 other ones. Timestamps without a zone are UTC (Shadowserver's convention).
A row is in the report because Shadowserver calls the server an Exchange server; so a row
without a version still says that much, and no more.
"""

import csv
import re
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import islice
from operator import itemgetter
from pathlib import Path

from patchstand.errors import UsageError
from patchstand.model import Evidence, EvidenceKind, Outcome
from patchstand.model.record import Place, Record, Rejected, Source
from patchstand.observe.importer import Importer
from patchstand.observe.importers._opened import OVERLONG, Lines, Opened, opened
from patchstand.observe.importers._reading import (
    Memo,
    UnusableError,
    address,
    is_ipv4,
    moment,
    port_number,
    ports,
    readable,
    said,
)

REQUIRED = ("timestamp", "ip", "port", "version")
OPTIONAL = ("tag", "geo", "region", "asn", "sector")
TELLING = frozenset({*REQUIRED, "servername", "url"})
"""No other report of Shadowserver's has all of these."""
LONGEST = 1 << 20
LINES_OF_A_ROW = 32
"""A row that runs over more lines is one whose closing quote is missing."""
WITHOUT_VERSION = "Microsoft Exchange"
_NAMED = re.compile(r"(?i)scan6?_exchange")
_VERSION = re.compile(r"\d{1,2}(?:\.\d{1,5}){2,3}", re.ASCII)
_CUT = "\x00cut\x00"
_NO_ROW = {
    OVERLONG.decode(): f"a line of more than {LONGEST} bytes",
    _CUT: "the last line has no end: the file may be cut there",
}
_PORT_OF_HTTP = 80
_Day = Memo[str, tuple[Evidence, ...]]


def _recognises(name: str, head: bytes) -> bool:
    first = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].decode("latin-1").lower()
    names = {each.strip().strip('"') for each in first.split(",")}
    return names >= TELLING or (bool(_NAMED.search(name)) and names >= set(REQUIRED))


def _read(path: Path) -> Iterator[Record | Rejected]:
    with opened(path) as file:
        yield from _Report(file).rows()


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where the columns of a report stand; `padded` when one that is read is not there."""

    width: int
    row: Callable[[list[str]], tuple[str, ...]]
    place: Callable[[list[str]], tuple[str, ...]]
    padded: bool


class _Report:
    """One report being read; remembers what rows have in common."""

    def __init__(self, file: Opened) -> None:
        self._file = file
        self._line = 0
        self._cut = False
        self._days: dict[date, _Day] = {}
        self._moments = Memo(self._moment)
        self._ports = Memo(_ports)
        self._countries = Memo(_country)
        self._words = Memo(_word)
        self._asns = Memo(_asn)
        self._places = Memo(self._place)
        self._tags = Memo(_tag)

    def rows(self) -> Iterator[Record | Rejected]:
        """Each row as a record or with its reason; blank lines are none."""
        blocks = self._decoded(Lines(self._file, LONGEST))
        lines = next(blocks, [])
        columns, at = self._header(lines)
        lines = lines[at:]
        for block in blocks:
            lines = yield from self._block(lines, columns, last=False)
            lines += block
        yield from self._block(lines, columns, last=True)
        if self._file.damage and not self._cut:
            yield Rejected(self._line + 1, self._file.damage)

    def _block(
        self, lines: list[str], columns: _Columns, *, last: bool
    ) -> Generator[Record | Rejected, None, list[str]]:
        """The rows of some lines; returns those lines whose row goes on in the next block."""
        width, quotes = columns.width, 2 * columns.width
        before, at = self._line, 0
        rest = iter(lines)
        for line in rest:
            row, taken = line[1:-1].split('","'), 1
            if len(row) != width or line.count('"') != quotes or line[0] + line[-1] != '""':
                more = not last and at + LINES_OF_A_ROW >= len(lines)
                try:  # not the plain form in which Shadowserver writes
                    row, taken = _by_csv(lines[at : at + LINES_OF_A_ROW], width, more=more)
                except _UnfinishedError:
                    return lines[at:]
                except csv.Error as error:
                    row = []
                    yield self._rejected(line, error)
            if row:
                yield self._record(row, columns)
            at += taken
            self._line = before + at
            if taken > 1:
                deque(islice(rest, taken - 1), maxlen=0)
        return []

    def _record(self, row: list[str], columns: _Columns) -> Record | Rejected:
        if columns.padded:
            row.append("")
        timestamp, ip, port, version, tag = columns.row(row)
        try:
            observed_at, evidence = self._moments[timestamp]
            return Record(
                ip if is_ipv4(ip) else address(ip),
                self._ports[port],
                None,
                observed_at,
                Outcome.ANSWERED,
                evidence[version],
                Source.SHADOWSERVER,
                0,
                self._tags[tag],
                "shadowserver",
                None,
                None,
                self._places[columns.place(row)],
            )
        except UnusableError as error:
            return Rejected(self._line + 1, str(error))

    def _rejected(self, line: str, error: csv.Error) -> Rejected:
        reason = _NO_ROW.get(line, str(error))
        return Rejected(self._line + 1, self._file.damage or reason if line == _CUT else reason)

    def _header(self, lines: list[str]) -> tuple[_Columns, int]:
        reader = csv.reader(lines, strict=True)
        try:
            names = next((row for row in reader if row), None)
        except csv.Error as error:
            raise UsageError(f"the header of {self._file.name} is none: {error}") from error
        if names is None:
            raise UsageError(f"{self._file.name} is empty")
        self._line = reader.line_num
        return _found(self._file.name, [name.strip().lower() for name in names]), self._line

    def _decoded(self, lines: Lines) -> Iterator[list[str]]:
        """The lines as text; bytes that are no UTF-8 stay as they are (PEP 383) until kept."""
        first = True
        for chunk in lines.chunks():
            if first and (
                b"\0" in chunk.partition(b"\n")[0] or chunk[:2] in (b"\xff\xfe", b"\xfe\xff")
            ):
                raise UsageError(f"{self._file.name} is no UTF-8 text; save it as UTF-8")
            texts = chunk.decode("utf-8", "surrogateescape").split("\n")
            if first:
                first = False
                texts[0] = texts[0].removeprefix("\ufeff")
            elif not lines.ended and not texts[-1].rstrip().endswith('"'):
                texts[-1], self._cut = _CUT, True
            yield texts

    def _moment(self, timestamp: str) -> tuple[datetime, _Day]:
        found = moment(timestamp)
        day = found.date()
        if day not in self._days:
            self._days[day] = Memo(partial(_evidence, day))
        return found, self._days[day]

    def _place(self, values: tuple[str, ...]) -> Place:
        country, state, asn, sector = values
        words = self._words
        return Place(self._countries[country], words[state], self._asns[asn], words[sector])


class _UnfinishedError(Exception):
    """The row goes on in lines that are not read yet."""


def _by_csv(lines: list[str], width: int, *, more: bool) -> tuple[list[str], int]:
    """The first row of some lines, empty for a blank line, and how many lines it takes.

    Raises:
        _UnfinishedError: all lines are not enough, and there are more.
        csv.Error: quotes do not match, or the columns are too many or few.
    """
    reader = csv.reader((line + "\n" for line in lines), strict=True)
    try:
        row = next(reader)
    except csv.Error as error:
        if more and reader.line_num == len(lines):
            raise _UnfinishedError from error
        raise
    if row and len(row) != width:
        raise csv.Error(f"{len(row)} columns, the header has {width}")
    return row, reader.line_num


def _found(name: str, names: list[str]) -> _Columns:
    missing = [each for each in REQUIRED if each not in names]
    if missing:
        raise UsageError(f"{name} has no column {', '.join(missing)}: not Shadowserver's report")
    twice = sorted({each for each in names if each and names.count(each) > 1})
    if twice:
        raise UsageError(f"{name} has the column {said(twice[0])} twice")
    at = [names.index(each) if each in names else len(names) for each in (*REQUIRED, *OPTIONAL)]
    return _Columns(len(names), itemgetter(*at[:5]), itemgetter(*at[5:]), len(names) in at)


def _ports(port: str) -> str:
    number = port_number(port)
    return ports("http" if number == _PORT_OF_HTTP else "https", number)


def _evidence(day: date, version: str) -> tuple[Evidence, ...]:
    text = version.strip()
    if not _VERSION.fullmatch(text):
        text = f"{WITHOUT_VERSION} {said(_text(text))}".strip()
    return (Evidence(EvidenceKind.BUILD, text, day, source="shadowserver version"),)


def _country(text: str) -> str | None:
    return text.upper() if len(text) == 2 and text.isascii() and text.isalpha() else None


def _word(text: str) -> str | None:
    return said(_text(text)) or None


def _asn(text: str) -> int | None:
    """The number of an autonomous system (RFC 6793: 32 bits); None for anything else."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 0
    return number if 0 < number < 1 << 32 else None


def _tag(tag: str) -> str:
    words = said(_text(tag))
    return f"tag {words}" if words else ""


def _text(value: str) -> str:
    """A kept value, in UTF-8 or else in Latin-1."""
    return value if value.isascii() else readable(value.encode("utf-8", "surrogateescape"))


IMPORTER = Importer(
    "shadowserver", "Shadowserver scan_exchange, scan6_exchange (CSV)", _recognises, _read
)
