"""How many servers showed what on each day, by federal state: the table behind every trend."""

import numpy as np
import pyarrow as pa

from patchstand.census.columns import Ints, codes, integers, one

_WORD = pa.dictionary(pa.int32(), pa.string())
CUBE = pa.schema({"day": pa.date32(), "shown": _WORD, "state": _WORD, "n": pa.int32()})
"""One row per day, what is shown, and state (null: not known) that any server has."""


def cube(rows: pa.Table, last: int) -> pa.Table:
    """The cube of intervals, up to a day (counted from 1970-01-01).

    Sorted by what is shown, state and day. Each interval counts on all days from its first
    to `valid_to`.
    """
    if not len(rows):
        return CUBE.empty_table()
    shown, state = one(rows["shown"]), one(rows["state"])
    first, until = integers(rows["first_day"].cast(pa.int32())), _until(rows, last)
    begin = int(first.min())
    days = last - begin + 1
    states = len(state.dictionary) + 1
    cells = codes(shown).astype(np.int64) * states + (codes(state) + 1)
    found = [
        _counts(int(cell), first[at] - begin, until[at] - begin, days)
        for cell, at in _by_cell(cells)
    ]
    cell, day, n = (np.concatenate(part) for part in zip(*found, strict=True))
    columns = [
        pa.array((day + begin).astype(np.int32), pa.int32()).cast(pa.date32()),
        _words(shown, cell // states),
        _words(state, cell % states - 1),
        pa.array(n, pa.int32()),
    ]
    return pa.Table.from_arrays(columns, schema=CUBE)


def _until(rows: pa.Table, last: int) -> Ints:
    return np.minimum(integers(rows["valid_to"].cast(pa.int32())), last)


def _by_cell(cells: Ints) -> "list[tuple[int, Ints]]":
    order = np.argsort(cells, kind="stable")
    values, starts = np.unique(cells[order], return_index=True)
    return list(zip(values.tolist(), np.split(order, starts[1:]), strict=True))


def _counts(cell: int, first: Ints, until: Ints, days: int) -> tuple[Ints, Ints, Ints]:
    """The days on which a cell has servers, and how many: arrivals less departures, summed."""
    change = np.bincount(first, minlength=days + 1)
    change -= np.bincount(until + 1, minlength=days + 1)
    n = np.cumsum(change)[:days]
    day = np.flatnonzero(n)
    return np.full(len(day), cell), day, n[day]


def _words(values: pa.DictionaryArray, at: Ints) -> pa.DictionaryArray:
    indices = pa.array(at.astype(np.int32), pa.int32(), mask=at < 0)
    return pa.DictionaryArray.from_arrays(indices, values.dictionary)
