"""Observations as they leave the store: one row each, in a fixed order, as a stream.

Batch by batch, DuckDB joins and sorts within a fixed memory and spills into the store's own
folder, so that a million rows need no more than ten thousand. Rows are sorted by what is
shown: the order of pseudonyms says nothing of the order of the names.
"""

import contextlib
import io
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from patchstand.errors import StoreError, UsageError
from patchstand.store.columns import OBSERVATIONS
from patchstand.store.folder import TEMPORARY, Folder, TableFile
from patchstand.store.pseudonym import Mask
from patchstand.store.seal import TLP

COLUMNS = (
    "target", "observed_at", "scan", "outcome", "line", "builds", "evidence", "ports", "address",
    "source", "is_exchange", "or_later", "precision", "class", "as_of", "requests", "country",
    "state", "asn", "sector",
)  # fmt: skip
"""Fields of a row; `as_of` is the day as of which `class` was judged."""

_KINDS = {
    "builds": pa.list_(pa.string()),
    "evidence": pa.list_(pa.string()),
    "is_exchange": pa.bool_(),
    "or_later": pa.bool_(),
    "requests": pa.int32(),
    "asn": pa.int64(),
}
EXPORTED = pa.schema([(name, _KINDS.get(name, pa.string())) for name in COLUMNS])
"""The columns of an exported Parquet file; times are texts as in JSON."""

_MEMORY = "192MB"
_TOGETHER = 10_000
_NEEDED = (
    "target", "observed_at", "scan", "outcome", "ports", "address", "source", "requests",
    "identity", "country", "state", "asn", "sector",
)  # fmt: skip
_CLUES = pa.schema({"key": pa.int64(), "evidence": pa.list_(pa.string())})
_ADDRESS = r"[0-9.]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*"

_MOMENT = "strftime(o.observed_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%gZ')"
_ROWS = f"""
SELECT o.target, {_MOMENT} AS observed_at, o.scan, o.outcome, i.line AS line,
    coalesce(i.builds, []) AS builds, coalesce(e.evidence, []) AS evidence, o.ports, o.address,
    o.source, i.is_exchange AS is_exchange, coalesce(i.or_later, false) AS or_later,
    i.precision AS precision, i.class AS class, strftime(i.as_of, '%Y-%m-%d') AS as_of,
    o.requests, o.country, o.state, o.asn, o.sector
FROM (SELECT * FROM observed WHERE observed_at >= $since AND observed_at < $until) AS o
LEFT JOIN drawn i ON i.key = o.identity
LEFT JOIN clues e ON e.key = o.identity
ORDER BY o.target, o.ports, o.observed_at, o.outcome, o.address, o.identity
"""  # noqa: S608  no value of a user is part of the text
_DRAWN = """
CREATE TABLE drawn AS SELECT DISTINCT ON (key)
    key, line, builds, is_exchange, or_later, precision, class, as_of
FROM read_parquet($identities)
"""
_NOT_OWN = """
SELECT count(*) FROM read_parquet($observations)
WHERE observed_at >= $since AND observed_at < $until
    AND coalesce(json_extract_string(permit::VARCHAR, '$.authority'), '') <> 'own'
"""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which observations: of one scan or import, and of some days (both included)."""

    scan: str | None = None
    since: date | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        """Refuse days that leave nothing.

        Raises:
            UsageError: the first day lies after the last.
        """
        if self.since and self.until and self.since > self.until:
            raise UsageError(f"--since {self.since} lies after --until {self.until}")

    def files(self, folder: Folder) -> dict[str, list[TableFile]]:
        """The files of `observations` that can hold such rows, by batch, in order.

        Raises:
            UsageError: there is no such scan or import.
        """
        if self.scan is not None and not folder.files("observations", self.scan):
            raise UsageError(f"{self.scan}: no scan or import of that name is in the store")
        first = f"{self.since:%Y-%m}" if self.since else ""
        last = f"{self.until:%Y-%m}" if self.until else "~"
        found: dict[str, list[TableFile]] = {}
        for each in folder.files("observations", self.scan):
            if first <= each.month <= last and self.scan in (None, each.batch):
                found.setdefault(each.batch, []).append(each)
        return dict(sorted(found.items()))

    def moments(self) -> dict[str, datetime]:
        """The first moment wanted, and the first no longer wanted."""
        since, until = self.since or date(1970, 1, 1), self.until or date(9998, 12, 30)
        return {
            "since": datetime.combine(since, time(), UTC),
            "until": datetime.combine(until + timedelta(days=1), time(), UTC),
        }


def export_json(
    folder: Folder, selection: Selection, mask: Mask | None, tlp: str = ""
) -> Iterator[str]:
    """Rows as JSON texts (`patchstand/observation/1`); names in the clear without a mask.

    `tlp` marks each row, where it is given.

    Raises:
        StoreError: the store cannot be read.
    """
    fields = ", ".join(f"{name} := {name}" for name in COLUMNS)
    marked = f"tlp := '{tlp}', " if tlp in TLP else ""
    packed = f"struct_pack(schema := 'patchstand/observation/1', {marked}{fields})"
    query = f"SELECT to_json({packed})::VARCHAR FROM ({_ROWS})"  # noqa: S608  as above
    for rows in _asked(folder, selection, mask, query):
        while found := rows.fetchmany(_TOGETHER):
            yield from (row[0] for row in found)


def export_rows(
    folder: Folder, selection: Selection, mask: Mask | None
) -> Iterator[tuple[Any, ...]]:
    """Rows as tuples in the order of `COLUMNS`.

    Raises:
        StoreError: the store cannot be read.
    """
    for rows in _asked(folder, selection, mask, _ROWS):
        while found := rows.fetchmany(_TOGETHER):
            yield from found


def write_parquet(rows: Iterable[tuple[Any, ...]], to: IO[bytes] | io.RawIOBase) -> int:
    """Write rows of `export_rows` as one Parquet file; how many there are."""
    waiting, total = iter(rows), 0
    with pq.ParquetWriter(to, EXPORTED, compression="zstd") as writer:
        while some := list(islice(waiting, _TOGETHER)):
            columns = zip(zip(*some, strict=True), EXPORTED.types, strict=True)
            arrays = [pa.array(list(values), kind) for values, kind in columns]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=EXPORTED))
            total += len(some)
    return total


def not_own(folder: Folder, selection: Selection) -> int:
    """How many of the observations were not made on servers of one's own, by their permit.

    Raises:
        StoreError: the store cannot be read.
    """
    total = 0
    for files in selection.files(folder).values():
        values = {"observations": paths(files), **selection.moments()}
        with connected(folder) as duck:
            row = duck.execute(_NOT_OWN, values).fetchone()
            total += row[0] if row else 0
    return total


def _asked(
    folder: Folder, selection: Selection, mask: Mask | None, query: str
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The answer to a query for each batch, one after the other."""
    for batch, files in selection.files(folder).items():
        identities = folder.files("identities", batch)
        with connected(folder) as duck:
            duck.register(
                "given", pa.RecordBatchReader.from_batches(_CLUES, _clues(identities, mask))
            )
            duck.execute("CREATE TABLE clues AS SELECT DISTINCT ON (key) * FROM given")
            duck.execute(_DRAWN, {"identities": paths(identities)})
            duck.register("observed", _observed(files, mask))
            yield duck.execute(query, selection.moments())


def paths(files: Iterable[TableFile]) -> list[str]:
    """The files as DuckDB takes them."""
    return [str(each.path) for each in files]


def _observed(files: Iterable[TableFile], mask: Mask | None) -> pa.RecordBatchReader:
    """The observations with names as they are shown, read file by file as they are needed."""
    fields = [(name, _plain(OBSERVATIONS.field(name).type)) for name in _NEEDED]
    schema = pa.schema(fields)

    def batches() -> Iterator[pa.RecordBatch]:
        for each in files:
            table = _read(each.path, list(_NEEDED))
            target, address = table["target"], _address(table)
            table = table.set_column(0, "target", _shown(target, mask))
            at = _NEEDED.index("address")
            yield from (
                table.set_column(at, "address", _shown(address, mask)).cast(schema).to_batches()
            )

    return pa.RecordBatchReader.from_batches(schema, batches())


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_dictionary(kind) else kind


def _address(table: pa.Table) -> pa.ChunkedArray:
    """The address, also where it is the target itself, which the store leaves out."""
    target, address = table["target"], table["address"]
    literal = pc.match_substring_regex(target, f"^(?:{_ADDRESS})$")
    return pc.if_else(pc.and_(pc.is_null(address), literal), target, address)


def _shown(column: pa.ChunkedArray, mask: Mask | None) -> pa.ChunkedArray:
    if mask is None:
        return column
    texts = column.to_pylist()
    shown = [None if text is None else mask.name(text) for text in texts]
    return pa.chunked_array([pa.array(shown, pa.string())])


def _clues(files: Iterable[TableFile], mask: Mask | None) -> pa.RecordBatchReader:
    """The clues of each identity, as they are shown."""

    def batches() -> Iterator[pa.RecordBatch]:
        for each in files:
            table = _read(each.path, ["key", "clues"])
            shown = table["clues"].to_pylist()
            if mask is not None:
                shown = [[mask.clue(clue) for clue in clues or ()] for clues in shown]
            rows = {"key": table["key"].to_pylist(), "evidence": shown}
            yield pa.RecordBatch.from_pydict(rows, _CLUES)

    return pa.RecordBatchReader.from_batches(_CLUES, batches())


def _read(path: Path, columns: list[str]) -> pa.Table:
    try:
        return pq.read_table(path, columns=columns, partitioning=None)
    except (OSError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise StoreError(f"{path}: {first}; run `patchstand store check`") from error


@contextlib.contextmanager
def connected(folder: Folder) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB in memory; what it must spill lies in the store and goes at the end.

    Raises:
        StoreError: a file cannot be read.
    """
    spill = folder.root / f"{TEMPORARY}-{os.getpid()}-export"
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": _MEMORY,
        "temp_directory": str(spill),
        "threads": 1,
        "preserve_insertion_order": False,
    }
    try:
        with duckdb.connect(":memory:", config=settings) as duck:
            duck.execute("SET enable_progress_bar = false")  # it would stand among the rows
            yield duck
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise StoreError(
            f"the store cannot be read: {first}; run `patchstand store check`"
        ) from error
    finally:
        shutil.rmtree(spill, ignore_errors=True)
