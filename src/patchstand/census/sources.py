"""Which sources saw each server in the last days: for the estimate of the servers nobody saw."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from patchstand.census.columns import codes, one
from patchstand.census.looks import MAIL, address_of, servers_of
from patchstand.census.reading import Source, observed, with_same
from patchstand.census.runs import NO_EXCHANGE

SEEN_BY = pa.schema({"address": pa.string(), "ports": pa.string(), "source": pa.string()})
"""A name in place of the address, with no ports: a mail names a server that nothing else saw."""
_NAMED = SEEN_BY.append(pa.field("target", pa.string()))
_COLUMNS = ("target", "ports", "address", "source", "observed_at", "identity")
_AT_ONCE = 1 << 17
"""Rows looked at at a time."""


def seen_by(
    files: Iterable[Source], shown: Mapping[int, str | None], since: datetime, until: datetime
) -> pa.Table:
    """Every server with every source that saw it as an Exchange server in that time.

    A server that a mail names is the one that was asked under this name.

    Raises:
        StoreError: a file cannot be read.
    """
    nobody = (None, NO_EXCHANGE)
    keys = pa.array([key for key, text in shown.items() if text not in nobody], pa.int64())
    found = [_NAMED.empty_table()]
    for path in files:
        file = observed(path, _COLUMNS)
        for rows in file.pieces(_AT_ONCE) if "identity" in file.columns else ():
            at, key = rows["observed_at"], rows["identity"]
            inside = pc.and_(pc.greater_equal(at, pa.scalar(since)), pc.less(at, pa.scalar(until)))
            seen = rows.filter(pc.and_(inside, pc.is_in(key, keys)))
            found.append(_distinct(with_same(seen, file.same, file.same)))
    return _together(found)


def _distinct(rows: pa.Table) -> pa.Table:
    """Each combination once; those that a mail names have no address."""
    if not len(rows):
        return _NAMED.empty_table()
    address, ports = servers_of(rows)
    parts = [address, ports, one(rows["source"]), one(rows["target"])]
    each = np.zeros(len(rows), np.int64)
    for part in parts:
        each = each * (len(part.dictionary) + 1) + codes(part)
    first = pa.array(np.unique(each, return_index=True)[1])
    found = [part.take(first).cast(pa.string()) for part in parts]
    known = one(address_of(rows.take(first)))
    by_mail = pc.equal(found[2], MAIL)
    found[0] = pc.if_else(by_mail, known, found[0])
    return pa.Table.from_arrays(found, schema=_NAMED)


def _together(tables: Sequence[pa.Table]) -> pa.Table:
    """Names become the addresses that were asked under them, or stay names."""
    rows = pa.concat_tables(tables).group_by(_NAMED.names, use_threads=False).aggregate([])
    has_address = rows["address"].is_valid()
    asked, by_name = rows.filter(has_address), rows.filter(pc.invert(has_address))
    places = asked.select(["target", "address", "ports"]).group_by(
        ["target", "address", "ports"], use_threads=False
    ).aggregate([])  # fmt: skip
    found = by_name.select(["target", "source"]).join(
        places, "target", join_type="left outer", use_threads=False
    )
    named = pa.Table.from_arrays(
        [
            pc.coalesce(found["address"], found["target"]),
            pc.coalesce(found["ports"], pa.scalar("")),
            found["source"],
        ],
        schema=SEEN_BY,
    )
    whole = pa.concat_tables([asked.select(SEEN_BY.names), named])
    return whole.group_by(SEEN_BY.names, use_threads=False).aggregate([]).sort_by(
        [(name, "ascending") for name in SEEN_BY.names]
    )  # fmt: skip
