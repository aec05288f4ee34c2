"""Overlapping address ranges made flat: sorted starts, and what is known from each on."""

from array import array
from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from patchstand.model import NOWHERE, Place
from patchstand.store.place_files import Row

FIELDS = ("country", "state", "asn", "sector")
_NOTHING = (None, None, None, None)
_BITS = {4: 32, 6: 128}


@dataclass(frozen=True, slots=True)
class Known:
    """A place and, for each field, how many addresses its source covers and its file's rank.

    A size of None says that nothing is known of the field.
    """

    place: Place = NOWHERE
    sizes: tuple[int | None, ...] = _NOTHING
    ranks: tuple[int, ...] = (0, 0, 0, 0)


UNKNOWN = Known()


@dataclass(frozen=True, slots=True)
class Table:
    """From `starts[n]` on, up to the next start, holds `known[which[n]]`; the first start is 0."""

    starts: Sequence[int]
    which: Sequence[int]
    known: Sequence[Known]


_Value = str | int | None
_Winner = tuple[int, int, _Value] | None  # size, rank and value
_Step = tuple[int, _Winner]


def build_table(rows: Sequence[Row], version: int) -> Table:
    """The flat table of all rows of one version of IP."""
    # A list of whole numbers for IPv6: no array holds 128 bits.
    starts: MutableSequence[int] = array("I") if version == 4 else []
    which = array("I")
    numbers: dict[tuple[_Winner, ...], int] = {}
    known: list[Known] = []
    now: list[_Winner] = [None] * len(FIELDS)
    steps = [_steps(rows, name, 1 << _BITS[version]) for name in FIELDS]
    at = [0] * len(FIELDS)
    for start in sorted({step[0] for field in steps for step in field} | {0}):
        for number, field in enumerate(steps):
            if at[number] < len(field) and field[at[number]][0] == start:
                now[number] = field[at[number]][1]
                at[number] += 1
        key = tuple(now)
        if key not in numbers:
            numbers[key] = len(known)
            known.append(_known(key))
        starts.append(start)
        which.append(numbers[key])
    return Table(starts, which, known)


def _known(winners: tuple[_Winner, ...]) -> Known:
    if not any(winners):
        return UNKNOWN
    values = {name: winner[2] for name, winner in zip(FIELDS, winners, strict=True) if winner}
    return Known(
        Place(**values),  # type: ignore[arg-type]  # the fields are those of the rows
        tuple(winner[0] if winner else None for winner in winners),
        tuple(winner[1] if winner else 0 for winner in winners),
    )


def _steps(rows: Sequence[Row], name: str, end_of_all: int) -> list[_Step]:
    """Where the value of one field changes, and what holds from there: the narrowest range."""
    mine = [
        (row.start, row.end, number, row.rank, value)
        for number, row in enumerate(rows)
        if (value := getattr(row.place, name)) is not None
    ]
    mine.sort(key=lambda each: each[0])
    edges = sorted({each[0] for each in mine} | {each[1] + 1 for each in mine})
    steps: list[_Step] = []
    # Narrowest first; of equal ones the row that was read last.
    open_now: list[tuple[int, int, int, int, _Value]] = []
    next_row = 0
    for edge in edges:
        while next_row < len(mine) and mine[next_row][0] == edge:
            start, end, number, rank, value = mine[next_row]
            heappush(open_now, (end - start + 1, -number, end, rank, value))
            next_row += 1
        while open_now and open_now[0][2] < edge:
            heappop(open_now)
        winner = (open_now[0][0], open_now[0][3], open_now[0][4]) if open_now else None
        if edge < end_of_all and (not steps or steps[-1][1] != winner):
            steps.append((edge, winner))
    return steps
