"""The targets of a scan on the disk: sorted into the order of asking, less those observed.

Sorting and comparing is DuckDB's, which spills to the disk: ten million targets need no more
memory than ten thousand.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from patchstand.errors import StoreError
from patchstand.store.folder import Folder

Spooled = tuple[int, str, str]
"""Position in the order of asking (64 bits, unsigned), target, ports."""

_SCHEMA = pa.schema({"position": pa.uint64(), "target": pa.string(), "ports": pa.string()})
_TOGETHER = 50_000
_MEMORY = "192MB"
_NAME = "targets.parquet"


def spool(folder: Folder, batch: str, targets: Iterable[Spooled]) -> int:
    """Write the targets of a scan in the order of their positions, each once; their number.

    Raises:
        StoreError: the disk is full.
    """
    place = folder.scan(batch)
    beside = place / f".tmp-{_NAME}"
    reader = pa.RecordBatchReader.from_batches(_SCHEMA, _record_batches(targets))
    with _connected(place) as duck:
        duck.register("given", reader)
        _run(
            duck,
            "COPY (SELECT DISTINCT position, target, ports FROM given"
            " ORDER BY position, target, ports) TO ? (FORMAT parquet, COMPRESSION zstd)",
            str(beside),
        )
    beside.replace(place / _NAME)
    return int(pq.read_metadata(place / _NAME).num_rows)


def is_spooled(folder: Folder, batch: str) -> bool:
    """True when the targets of a scan are complete on the disk."""
    return (folder.root / "scans" / batch / _NAME).exists()


def pending(folder: Folder, batch: str, *, only_new: bool) -> Iterator[tuple[str, str]]:
    """Target and ports of all that have no observation yet, in the order of asking.

    Of this batch; with `only_new` of any.

    Raises:
        StoreError: the store cannot be read.
    """
    place = folder.root / "scans" / batch
    seen = [str(each.path) for each in folder.files("observations", None if only_new else batch)]
    query = "SELECT target, ports FROM read_parquet(?) AS t"
    if seen:
        query += (
            " WHERE NOT EXISTS (SELECT 1 FROM read_parquet(?) AS o"
            " WHERE o.target = t.target AND o.ports = t.ports)"
        )
    with _connected(place) as duck:
        files = [[str(place / _NAME)], *([seen] if seen else [])]
        found = _run(duck, query + " ORDER BY position, target, ports", *files)
        while rows := found.fetchmany(_TOGETHER):
            yield from rows


def observed(folder: Folder, batch: str) -> Iterator[tuple[str, str]]:
    """Target and ports of every observation of a batch.

    Raises:
        StoreError: the store cannot be read.
    """
    seen = [str(each.path) for each in folder.files("observations", batch)]
    if not seen:
        return
    with _connected(folder.scan(batch)) as duck:
        found = _run(duck, "SELECT target, ports::VARCHAR FROM read_parquet(?)", seen)
        while rows := found.fetchmany(_TOGETHER):
            yield from rows


def _record_batches(targets: Iterable[Spooled]) -> Iterator[pa.RecordBatch]:
    waiting = iter(targets)
    while rows := list(islice(waiting, _TOGETHER)):
        columns = [list(column) for column in zip(*rows, strict=True)]
        yield pa.RecordBatch.from_arrays(
            [pa.array(values, kind) for values, kind in zip(columns, _SCHEMA.types, strict=True)],
            schema=_SCHEMA,
        )


def _connected(place: Path) -> duckdb.DuckDBPyConnection:
    """DuckDB in memory that spills into the scan's folder and reaches nothing else."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": _MEMORY,
        "temp_directory": str(place / "spill"),
        "threads": 2,
    }
    return duckdb.connect(":memory:", config=settings)


def _run(
    duck: duckdb.DuckDBPyConnection, query: str, *values: str | list[str]
) -> duckdb.DuckDBPyConnection:
    try:
        return duck.execute(query, values)
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise StoreError(f"the list of targets cannot be written or read: {first}") from error
