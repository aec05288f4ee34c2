"""Which sources saw each server in the last days: for the estimate of the servers nobody saw."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from patchstand.census.runs import NO_EXCHANGE, servers_of
from patchstand.errors import StoreError

SEEN_BY = pa.schema({"address": pa.string(), "ports": pa.string(), "source": pa.string()})
_COLUMNS = ["target", "ports", "address", "source", "observed_at", "identity"]


def seen_by(
    files: Sequence[Path], shown: Mapping[int, str], since: datetime, until: datetime
) -> pa.Table:
    """Every server with every source that saw it as an Exchange server in that time.

    Raises:
        StoreError: a file cannot be read.
    """
    keys = pa.array([key for key, text in shown.items() if text != NO_EXCHANGE], pa.int64())
    inside = (
        (pc.field("observed_at") >= pa.scalar(since))
        & (pc.field("observed_at") < pa.scalar(until))
        & pc.field("identity").isin(keys)
    )
    found = [SEEN_BY.empty_table()]
    for path in files:
        try:
            rows = pq.read_table(path, columns=_COLUMNS, filters=inside, partitioning=None)
        except (OSError, pa.ArrowException) as error:
            raise StoreError(f"{path}: {error}; run `patchstand store check`") from error
        found.append(_distinct(rows))
    return _together(found)


def _distinct(rows: pa.Table) -> pa.Table:
    if not len(rows):
        return SEEN_BY.empty_table()
    address, ports = (each.cast(pa.string()) for each in servers_of(rows))
    columns = [address, ports, rows["source"].cast(pa.string())]
    return _together([pa.Table.from_arrays(columns, schema=SEEN_BY)])


def _together(tables: Sequence[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables).group_by(SEEN_BY.names).aggregate([])
