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
_UNOBSERVED = """ WHERE NOT EXISTS (
    SELECT 1 FROM read_parquet(?) AS o WHERE o.target = t.target AND o.ports = t.ports)"""
_IN_ORDER = " ORDER BY position, target, ports"
_GIVEN = "COPY (SELECT DISTINCT position, target, ports FROM given AS t"
_TO = ") TO ? (FORMAT parquet, COMPRESSION zstd)"
_SORT = _GIVEN + _IN_ORDER + _TO
_ASKED = _UNOBSERVED.replace("t.ports)", "t.ports AND o.outcome <> 'out_of_scope')")
_SORT_NEW = _GIVEN + _ASKED + _IN_ORDER + _TO
_SPOOLED = "SELECT target, ports FROM read_parquet(?) AS t"
_LIST = _SPOOLED + _IN_ORDER
_LIST_UNOBSERVED = _SPOOLED + _UNOBSERVED + _IN_ORDER
_TOGETHER = 50_000
_MEMORY = "192MB"
_NAME = "targets.parquet"


def spool(folder: Folder, batch: str, targets: Iterable[Spooled], *, only_new: bool = False) -> int:
    """Write the targets of a scan in the order of their positions, each once; their number.

    With `only_new` those are left out that any batch of the store has observed.

    Raises:
        StoreError: the disk is full.
    """
    place = folder.scan(batch)
    beside = place / f".tmp-{_NAME}"
    given = _Given(targets)
    reader = pa.RecordBatchReader.from_batches(_SCHEMA, given.record_batches())
    observed_before = _observations(folder) if only_new else []
    with _connected(place) as duck:
        duck.register("given", reader)
        try:
            _run(duck, _SORT_NEW if observed_before else _SORT, *observed_before, str(beside))
        except StoreError:
            if given.failed is not None:
                raise given.failed from None
            raise
    beside.replace(place / _NAME)
    return int(pq.read_metadata(place / _NAME).num_rows)


def is_spooled(folder: Folder, batch: str) -> bool:
    """True when the targets of a scan are complete on the disk."""
    return (folder.root / "scans" / batch / _NAME).exists()


def pending(folder: Folder, batch: str) -> Iterator[tuple[str, str]]:
    """Target and ports of all that the batch has not observed yet, in the order of asking.

    Raises:
        StoreError: the store cannot be read.
    """
    place = folder.root / "scans" / batch
    seen = _observations(folder, batch)
    query = _LIST_UNOBSERVED if seen else _LIST
    with _connected(place) as duck:
        found = _run(duck, query, [str(place / _NAME)], *seen)
        while rows := found.fetchmany(_TOGETHER):
            yield from rows


def _observations(folder: Folder, batch: str | None = None) -> list[list[str]]:
    """The files of observations as the one parameter of a query; none where there are none."""
    seen = [str(each.path) for each in folder.files("observations", batch)]
    return [seen] if seen else []


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


class _Given:
    """Targets as record batches; keeps the error of whoever gives them, which DuckDB hides."""

    def __init__(self, targets: Iterable[Spooled]) -> None:
        self._targets = iter(targets)
        self.failed: BaseException | None = None

    def record_batches(self) -> Iterator[pa.RecordBatch]:
        try:
            while rows := list(islice(self._targets, _TOGETHER)):
                yield _record_batch(rows)
        except BaseException as error:  # Ctrl-C too: DuckDB would make an error of its own of it
            self.failed = error
            raise


def _record_batch(rows: list[Spooled]) -> pa.RecordBatch:
    columns = [list(column) for column in zip(*rows, strict=True)]
    arrays = [pa.array(values, kind) for values, kind in zip(columns, _SCHEMA.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)


def _connected(place: Path) -> duckdb.DuckDBPyConnection:
    """DuckDB in memory that spills into the scan's folder and reaches nothing else."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": _MEMORY,
        "temp_directory": str(place / "spill"),
        "threads": 2,
    }
    duck = duckdb.connect(":memory:", config=settings)
    duck.execute("SET enable_progress_bar = false")  # it would stand on stdout
    return duck


def _run(
    duck: duckdb.DuckDBPyConnection, query: str, *values: str | list[str]
) -> duckdb.DuckDBPyConnection:
    try:
        return duck.execute(query, values)
    except duckdb.Error as error:
        said = str(error)
        if "No space left" in said:
            raise StoreError("the disk is full; make room, then start again") from error
        first = said.splitlines()[0]
        raise StoreError(f"the list of targets cannot be written or read: {first}") from error
