"""Text files that say where networks are: the registries' delegated files, and CSV.

Delegated files: the registries' "statistics exchange format" and its extension; for
IPv4 the value is a count of addresses, for IPv6 the length of the prefix. CSV: a header
with `network`, or `start` and `end`, or `name` (`domain`), and any of `country`,
`state`, `asn`, `sector`; separated by commas or semicolons.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from itertools import chain
from pathlib import Path

from patchstand.errors import UsageError
from patchstand.model import Place

_WHOLE_NUMBER = re.compile(r"(?i)(?:AS)?(\d{1,10})(?:\s.*)?")
_NO_COUNTRY = frozenset({"", "ZZ"})
_UNUSED = frozenset({"available", "reserved"})
_LAST_ASN = 2**32 - 1
_VALUES = frozenset({"country", "state", "asn", "sector"})
_LONGEST_LINE = 100_000


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a range of addresses (both ends included) or a name, and its place."""

    rank: int
    place: Place
    version: int = 0
    start: int = 0
    end: int = 0
    name: str | None = None


def read_place_file(path: Path, rank: int) -> Iterator[Row]:
    """The rows of a delegated file or of a CSV file; `rank` is its place among the files.

    Raises:
        UsageError: not one of the two, or a line is wrong; names the file and the line.
        OSError: the file cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = _numbered(file)
            first = next(lines, (1, ""))
            read = _delegated if first[1].count("|") >= 3 else _csv
            yield from read(chain([first], lines), rank)
    except _WrongLineError as error:
        raise UsageError(f"{path}, line {error.number}: {error}") from error


class _WrongLineError(Exception):
    def __init__(self, number: int, what: str) -> None:
        super().__init__(what)
        self.number = number


_Line = tuple[int, str]


def _numbered(file: Iterable[str]) -> Iterator[_Line]:
    """Lines that say something, with their numbers from 1."""
    number = 0
    try:
        for number, line in enumerate(file, start=1):
            if len(line) > _LONGEST_LINE:
                raise _WrongLineError(number, "too long for a line of a table of networks")
            if (text := line.strip()) and not text.startswith("#"):
                yield number, text
    except UnicodeDecodeError as error:
        raise _WrongLineError(number + 1, "here or below it is not text in UTF-8") from error


def _delegated(lines: Iterable[_Line], rank: int) -> Iterator[Row]:
    countries: dict[str, Place] = {}  # one object for each country, not for each line
    for number, line in lines:
        parts = line.split("|")
        if parts[-1] == "summary" or parts[0][:1].isdigit():  # the head of the file
            continue
        if len(parts) < 7:
            raise _WrongLineError(
                number, "fewer fields than registry|cc|type|start|value|date|status"
            )
        country, kind, start, value, status = parts[1], parts[2], parts[3], parts[4], parts[6]
        unused = country in _NO_COUNTRY or status in _UNUSED
        if unused or kind not in {"ipv4", "ipv6"}:
            continue
        try:
            place = countries.setdefault(country, Place(country=_country(country)))
            yield _delegated_row(kind, start, int(value), rank, place)
        except ValueError as error:
            raise _WrongLineError(number, str(error)) from error


def _delegated_row(kind: str, start: str, value: int, rank: int, place: Place) -> Row:
    if kind == "ipv6":
        network = ip_network(f"{start}/{value}")
        first, size = int(network.network_address), network.num_addresses
    else:
        first, size = int(ip_address(start)), value
        if size < 1 or first + size > 1 << 32:
            raise ValueError(f"{value} addresses from {start} on: there are not so many")
    return Row(rank, place, int(kind[-1]), first, first + size - 1)


def _csv(lines: Iterable[_Line], rank: int) -> Iterator[Row]:
    numbers: list[int] = []

    def texts() -> Iterator[str]:
        for number, text in lines:
            numbers[:] = [number]
            yield text

    source = texts()
    header = next(source, "")
    delimiter = ";" if header.count(";") > header.count(",") else ","
    columns = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter), [])]
    _check_header(columns, numbers[0] if numbers else 1)
    places: dict[Place, Place] = {}
    try:
        for cells in csv.reader(source, delimiter=delimiter, strict=True):
            row = dict(zip(columns, (cell.strip() for cell in cells), strict=False))
            place = _place(row)
            yield _csv_row(row, rank, places.setdefault(place, place))
    except (ValueError, csv.Error) as error:
        raise _WrongLineError(numbers[0], str(error)) from error


def _check_header(columns: list[str], number: int) -> None:
    names = set(columns)
    where = {"network"} <= names or {"start", "end"} <= names or names & {"name", "domain"}
    if not where or not names & _VALUES:
        raise _WrongLineError(
            number,
            "no header with network (or start and end, or name) and one of"
            " country, state, asn, sector; nor a delegated file of a registry",
        )


def _csv_row(row: dict[str, str], rank: int, place: Place) -> Row:
    if text := row.get("network"):
        network = ip_network(text)
        first, last = int(network[0]), int(network[-1])
        return Row(rank, place, network.version, first, last)
    if row.get("start") or row.get("end"):
        start, end = ip_address(row.get("start", "")), ip_address(row.get("end", ""))
        if start.version != end.version or int(start) > int(end):
            raise ValueError(f"the range from {start} to {end} is reversed")
        return Row(rank, place, start.version, int(start), int(end))
    if name := row.get("name") or row.get("domain"):
        return Row(rank, place, name=name.rstrip(".").lower())
    raise ValueError("neither a network nor a name")


def _place(row: dict[str, str]) -> Place:
    country, asn = row.get("country"), row.get("asn")
    return Place(
        country=_country(country) if country else None,
        state=row.get("state") or None,
        asn=read_asn(asn) if asn else None,
        sector=row.get("sector") or None,
    )


def _country(text: str) -> str:
    if len(text) != 2 or not (text.isascii() and text.isalpha()):
        raise ValueError(f"{text[:20]!r} is not a country of two letters")
    return text.upper()


def read_asn(text: str) -> int:
    """The number in `64500`, `AS64500` or `AS64500 Example`.

    Raises:
        ValueError: there is none.
    """
    found = _WHOLE_NUMBER.fullmatch(text)
    if found is None or int(found[1]) > _LAST_ASN:
        raise ValueError(f"{text[:20]!r} is not the number of an autonomous system")
    return int(found[1])
