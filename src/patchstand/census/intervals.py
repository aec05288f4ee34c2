"""From the runs of all months to intervals: since when a server has shown what, and until when.

An interval is a run over month borders. `valid_to` is the last day on which the server
counts with it: 14 days after the last look, or the day before something else was seen.
Everything here follows from the observations alone and can be made anew at any time.
"""

from collections.abc import Iterable
from itertools import islice

import numpy as np
import pyarrow as pa

from patchstand.census.columns import (
    Flags,
    Ints,
    codes,
    ends,
    give_back,
    in_one_piece,
    one,
    replaced,
    whole_numbers,
)
from patchstand.census.looks import PLACE, WINDOW, servers
from patchstand.census.runs import NO_EXCHANGE, RUNS

_NAMED = ("address", "ports", "shown", "country", "state", "asn", "sector", "certificate")
_WORD = pa.dictionary(pa.int32(), pa.string())

INTERVALS = pa.schema(
    {
        "server": pa.int32(),
        "address": _WORD,
        "ports": _WORD,
        "shown": _WORD,
        "first_day": pa.date32(),
        "last_day": pa.date32(),
        "valid_to": pa.date32(),
        "certificate": pa.int64(),
        "country": _WORD,
        "state": _WORD,
        "asn": pa.int64(),
        "sector": _WORD,
    }
)
"""By server and time; servers are numbered in the order of their names."""


_AT_ONCE = 12
"""Tables put together at a time: it bounds the memory."""


def intervals(runs: Iterable[pa.Table]) -> pa.Table:
    """The intervals of all servers, from runs in the order of time, of months or longer.

    No more than `_AT_ONCE` tables are held at a time, if `runs` makes them one by one.
    """
    coming, held = iter(runs), [RUNS.empty_table()]
    while some := list(islice(coming, _AT_ONCE)):
        held += some
        del some
        held = [joined(held)]
    rows = _completed(held.pop())
    give_back()
    return rows


def joined(runs: list[pa.Table]) -> pa.Table:
    """Runs of one server that follow each other and show the same become one; by server and time.

    Empties the list: the runs are not needed any more, and their memory is.
    """
    rows = pa.concat_tables(runs)
    runs.clear()
    rows = in_one_piece(rows)
    give_back()
    if not len(rows):
        return rows
    server = servers(rows)
    order = np.argsort(server, kind="stable")
    first_day, last_day, *columns = (
        codes(rows[name])[order] for name in ("first_day", "last_day", "shown", *PLACE)
    )
    first, last = ends(server[order], first_day, last_day, columns, WINDOW)
    return replaced(_taken(rows, order[last]), "first_day", pa.array(first_day[first]))


def _taken(rows: pa.Table, at: Ints) -> pa.Table:
    indices = pa.array(at)
    return pa.table({name: one(rows[name]).take(indices) for name in rows.column_names})


def _ranks(rows: pa.Table) -> Ints:
    """A number for each row's server: greater ones for later names."""
    address, ports = one(rows["address"]), one(rows["ports"])
    ranks = [
        np.argsort(np.argsort(np.array(each.dictionary.to_pylist(), dtype=object)))
        for each in (address, ports)
    ]
    found: Ints = ranks[0][codes(address)] * len(ports.dictionary) + ranks[1][codes(ports)]
    return found


def _completed(rows: pa.Table) -> pa.Table:
    """The intervals by server and time, without those in which no Exchange server stood."""
    if not len(rows):
        return INTERVALS.empty_table()
    server = _ranks(rows)
    order = np.argsort(server, kind="stable")
    server, first_day, last_day = (
        each[order] for each in (server, codes(rows["first_day"]), codes(rows["last_day"]))
    )
    same = server[1:] == server[:-1]
    until = last_day + WINDOW
    until[:-1] = np.where(same, np.minimum(until[:-1], first_day[1:] - 1), until[:-1])
    is_exchange = _is_exchange(rows)[order]
    found = {
        "server": whole_numbers(np.append(0, np.cumsum(~same))[is_exchange]),
        "first_day": _days(first_day[is_exchange]),
        "last_day": _days(last_day[is_exchange]),
        "valid_to": _days(until[is_exchange]),
    }
    at = pa.array(order[is_exchange])
    columns = [
        found[name] if name in found else one(rows[name]).take(at).cast(kind)
        for name, kind in zip(INTERVALS.names, INTERVALS.types, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=INTERVALS)


def _is_exchange(rows: pa.Table) -> Flags:
    shown = one(rows["shown"])
    texts = np.array([text != NO_EXCHANGE for text in shown.dictionary.to_pylist()])
    found: Flags = texts[codes(shown)]
    return found


def _days(days: Ints, absent: Flags | None = None) -> pa.Array:
    return whole_numbers(days, absent).cast(pa.date32())


def with_previous(rows: pa.Table) -> pa.Table:
    """The intervals, with what the server showed in the one before, and until when.

    `previous_shown`, `previous_until`: null for the first interval of a server.
    """
    server, shown = codes(rows["server"]), one(rows["shown"])
    is_first = np.append(True, server[1:] != server[:-1])[: len(server)]
    texts = whole_numbers(np.roll(codes(shown), 1), is_first)
    until = _days(np.roll(codes(rows["last_day"].cast(pa.int32())), 1), is_first)
    before = pa.DictionaryArray.from_arrays(texts, shown.dictionary)
    return rows.append_column("previous_shown", before).append_column("previous_until", until)
