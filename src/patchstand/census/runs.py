"""From the observations of a month to runs: a server seen with the same conclusion, day by day.

A run is a server at a place, what its looks showed, and the first and last day of them. It
ends where something else is shown, or where the server was not seen for longer than the
window of a population. Looks that failed say nothing; one that surely shows no Exchange
server ends the run before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from patchstand.census.columns import Ints, codes, ends, integers, one, replaced
from patchstand.errors import StoreError
from patchstand.model import usual_ports

WINDOW = 14
"""Days a server counts after its last observation (DESIGN, the definition of a population)."""
NO_EXCHANGE = "-"
"""What a look shows where surely no Exchange server stands."""

PLACE = ("country", "state", "asn", "sector")
_TEXT = ("target", "ports", "address", "source", "country", "state", "sector")
_COLUMNS = ("target", "ports", "address", "observed_at", "identity", "certificate", *PLACE)
_DAY_MS = 86_400_000
_WORD = pa.dictionary(pa.int32(), pa.string())

RUNS = pa.schema(
    {
        "address": _WORD,
        "ports": _WORD,
        "shown": _WORD,
        "first_day": pa.int32(),
        "last_day": pa.int32(),
        "certificate": pa.int64(),
        "country": _WORD,
        "state": _WORD,
        "asn": pa.int64(),
        "sector": _WORD,
    }
)
"""Days count from 1970-01-01."""


@dataclass(frozen=True, slots=True)
class Month:
    """The observation files of a month, and what each identity key shows (`lines|builds|doubt`).

    `until`: the first moment that is not looked at any more, None for the whole month.
    """

    name: str
    files: tuple[Path, ...]
    shown: Mapping[int, str]
    until: datetime | None = None


def month_runs(month: Month) -> pa.Table:
    """The runs of a month, by server and time.

    Raises:
        StoreError: a file cannot be read.
    """
    rows = _read(month)
    if not len(rows) or "identity" not in rows.column_names:
        return RUNS.empty_table()
    address, ports = servers_of(rows)
    server, at = _numbers(address, ports), integers(rows["observed_at"])
    order = _order(server, at)
    if order is not None:
        rows, address, ports = rows.take(order), address.take(order), ports.take(order)
        server, at = server[order], at[order]
    columns = [codes(rows[name]) for name in ("identity", *PLACE) if name in rows.column_names]
    first, last = ends(server, at, at, columns, WINDOW * _DAY_MS)
    found = rows.take(pa.array(last))
    found = replaced(replaced(found, "address", address.take(last)), "ports", ports.take(last))
    found = replaced(found, "first_day", pa.array(at[first] // _DAY_MS, pa.int32()))
    found = replaced(found, "last_day", pa.array(at[last] // _DAY_MS, pa.int32()))
    return _fitted(_joined(_shown(found, month.shown), server[last]))


def _joined(rows: pa.Table, server: Ints) -> pa.Table:
    """Runs that show the same though their keys differ become one; silent ones go."""
    shown = codes(rows["shown"])
    says_something = shown >= 0
    rows, shown, server = (
        rows.filter(pa.array(says_something)),
        *(each[says_something] for each in (shown, server)),
    )
    if not len(shown):
        return rows
    first_day, last_day = integers(rows["first_day"]), integers(rows["last_day"])
    columns = [shown, *(codes(rows[name]) for name in PLACE if name in rows.column_names)]
    first, last = ends(server, first_day, last_day, columns, WINDOW)
    found = rows.take(pa.array(last))
    return replaced(found, "first_day", pa.array(first_day[first], pa.int32()))


def _read(month: Month) -> pa.Table:
    tables = [read_columns(path, _COLUMNS) for path in month.files]
    rows = pa.concat_tables(tables, promote_options="default")
    if month.until is not None:
        rows = rows.filter(pc.less(rows["observed_at"], pa.scalar(month.until)))
    return rows.unify_dictionaries().combine_chunks()


def read_columns(path: Path, columns: Sequence[str]) -> pa.Table:
    """Columns of a file of observations, texts as dictionaries; those without a value left out.

    Raises:
        StoreError: the file cannot be read.
    """
    try:
        return _columns(path, columns).unify_dictionaries()
    except (OSError, pa.ArrowException) as error:
        said = str(error).splitlines()[0]
        raise StoreError(f"{path}: {said}; run `patchstand store check`") from error


def _columns(path: Path, columns: Sequence[str]) -> pa.Table:
    metadata = pq.read_metadata(path)
    groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
    place = {name: at for at, name in enumerate(metadata.schema.names)}
    wanted = [name for name in columns if any(_holds(group, place[name]) for group in groups)]
    texts = [name for name in _TEXT if name in wanted]
    delta = {
        name
        for name in texts
        if any("DELTA_BYTE_ARRAY" in group.column(place[name]).encodings for group in groups)
    }
    words = [name for name in texts if name not in delta]  # no decoder makes these of deltas
    file = pq.ParquetFile(path, read_dictionary=words, page_checksum_verification=True)
    rows = file.read(wanted)
    for name in delta:
        rows = replaced(rows, name, rows[name].dictionary_encode())
    return rows


def _holds(group: pq.RowGroupMetaData, column: int) -> bool:
    statistics = group.column(column).statistics
    return statistics is None or statistics.null_count != group.num_rows


def _shown(rows: pa.Table, texts: Mapping[int, str]) -> pa.Table:
    """The rows with what each shows; null for nothing."""
    keys = one(rows["identity"]).dictionary_encode()
    found = pa.array([texts.get(key) for key in keys.dictionary.to_pylist()], pa.string())
    return replaced(rows, "shown", found.take(keys.indices).dictionary_encode())


def servers_of(rows: pa.Table) -> tuple[pa.DictionaryArray, pa.DictionaryArray]:
    """Address and ports of each row of observations, which together are a server."""
    address = rows["target"]
    if "address" in rows.column_names:
        texts = [rows[name].cast(pa.string()) for name in ("address", "target")]
        address = pc.coalesce(*texts).dictionary_encode()
    if "ports" not in rows.column_names:
        ports = pa.DictionaryArray.from_arrays(np.zeros(len(rows), np.int32), [""])
        return one(address), ports
    listed = one(rows["ports"])
    usual = [usual_ports(text) for text in listed.dictionary.to_pylist()]
    words = sorted({"", *usual})
    number = np.array([words.index(text) for text in usual] + [0], np.int32)
    return one(address), pa.DictionaryArray.from_arrays(number[codes(listed)], words)


def _numbers(address: pa.DictionaryArray, ports: pa.DictionaryArray) -> Ints:
    if len(ports.dictionary) == 1:
        return codes(address)
    return codes(address).astype(np.int64) * len(ports.dictionary) + codes(ports)


def _order(server: Ints, at: Ints) -> pa.Array | None:
    """What sorts by server and time; None where the rows are in that order already."""
    later = server[1:] > server[:-1]
    later |= at[1:] >= at[:-1]
    if later.all() and (server[1:] >= server[:-1]).all():
        return None
    return pa.array(np.lexsort((at, server)))


def _fitted(rows: pa.Table) -> pa.Table:
    """The rows with the columns of `RUNS`, in their order."""
    columns = [
        rows[name].cast(kind) if name in rows.column_names else pa.nulls(len(rows), kind)
        for name, kind in zip(RUNS.names, RUNS.types, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=RUNS)
