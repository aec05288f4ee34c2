"""Which sources saw each server in the last days: for the estimate of the servers nobody saw."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from patchstand.census.columns import codes, one
from patchstand.census.looks import servers_of
from patchstand.census.reading import Source, observed, with_same
from patchstand.census.runs import NO_EXCHANGE

SEEN_BY = pa.schema({"address": pa.string(), "ports": pa.string(), "source": pa.string()})
_COLUMNS = ("target", "ports", "address", "source", "observed_at", "identity")
_AT_ONCE = 1 << 17
"""Rows looked at at a time."""


def seen_by(
    files: Iterable[Source], shown: Mapping[int, str | None], since: datetime, until: datetime
) -> pa.Table:
    """Every server with every source that saw it as an Exchange server in that time.

    Raises:
        StoreError: a file cannot be read.
    """
    nobody = (None, NO_EXCHANGE)
    keys = pa.array([key for key, text in shown.items() if text not in nobody], pa.int64())
    found = [SEEN_BY.empty_table()]
    for path in files:
        file = observed(path, _COLUMNS)
        for rows in file.pieces(_AT_ONCE) if "identity" in file.columns else ():
            at, key = rows["observed_at"], rows["identity"]
            inside = pc.and_(pc.greater_equal(at, pa.scalar(since)), pc.less(at, pa.scalar(until)))
            seen = rows.filter(pc.and_(inside, pc.is_in(key, keys)))
            found.append(_distinct(with_same(seen, file.same, file.same)))
    return _together(found)


def _distinct(rows: pa.Table) -> pa.Table:
    if not len(rows):
        return SEEN_BY.empty_table()
    address, ports = servers_of(rows)
    source = one(rows["source"])
    numbers = (codes(address), codes(ports), codes(source))
    sizes = (len(ports.dictionary), len(source.dictionary))
    each = (numbers[0].astype(np.int64) * sizes[0] + numbers[1]) * sizes[1] + numbers[2]
    first = pa.array(np.unique(each, return_index=True)[1])
    columns = [part.take(first).cast(pa.string()) for part in (address, ports, source)]
    return pa.Table.from_arrays(columns, schema=SEEN_BY)


def _together(tables: Sequence[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables).group_by(SEEN_BY.names).aggregate([])
