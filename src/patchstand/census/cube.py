"""How many servers showed what on each day, by federal state: the table behind every trend."""

import numpy as np
import pyarrow as pa

from patchstand.census.columns import Ints, Shorts, codes, integers, one, whole_numbers

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
    since = integers(rows["first_day"].cast(pa.int32()))
    until = np.minimum(integers(rows["valid_to"].cast(pa.int32())), last)
    states = len(state.dictionary) + 1
    cells = codes(shown).astype(np.int64) * states + (codes(state) + 1)
    cell, day, n = _counts(cells, since, until)
    columns = [
        whole_numbers(day).cast(pa.date32()),
        _words(shown, cell // states),
        _words(state, cell % states - 1),
        whole_numbers(n),
    ]
    return pa.Table.from_arrays(columns, schema=CUBE)


def _counts(cells: Ints, since: Ints, until: Ints) -> tuple[Shorts, Shorts, Shorts]:
    """Each cell, and each day on which it has any: how many came by then, and did not go.

    All cells at once: their days lie one behind the other on a line, and nobody is there
    between the last day of one and the first day of the next.
    """
    begin = int(since.min())
    size = int(until.max()) - begin + 2
    line = cells * size - begin
    (came, arrivals), (went, departures) = (
        np.unique(line + days, return_counts=True) for days in (since, until + 1)
    )
    edges = np.union1d(came, went)
    change = np.zeros(len(edges), np.int64)
    change[np.searchsorted(edges, came)] += arrivals
    change[np.searchsorted(edges, went)] -= departures
    present = np.cumsum(change)[:-1]
    some = present > 0
    edges, spans, present = edges[:-1][some], np.diff(edges)[some], present[some]
    rows_before = np.cumsum(spans) - spans
    day = np.repeat((edges % size + begin - rows_before).astype(np.int32), spans)
    day += np.arange(len(day), dtype=np.int32)
    cell = np.repeat((edges // size).astype(np.int32), spans)
    return cell, day, np.repeat(present.astype(np.int32), spans)


def _words(values: pa.DictionaryArray, at: Shorts) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(whole_numbers(at, at < 0), values.dictionary)
