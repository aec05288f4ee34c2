"""Derived tables of a store, kept beside it: runs of each month, intervals, cube.

They follow from the observations and from what is known of builds, and are named after the
files they were made of; what does not fit any more is made anew. Nothing is lost with them.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from patchstand import knowledge
from patchstand.census.runs import Month, month_runs
from patchstand.errors import StoreError
from patchstand.model import Knowledge, SkippedMonth
from patchstand.store.folder import Folder, write_whole
from patchstand.workflow.sightings import shown_by_key

DERIVED = "derived"
_FORMAT = "1"
"""Changed whenever the same observations would give other tables."""
_REFUSED = b"refused"
CENSUS = "census"
_COUNTED = frozenset({"loopback", "simulation"})
"""Permits that need no purpose: nobody else's servers are asked."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One month to be turned into runs; everything in it can go to another machine."""

    month: str
    observations: tuple[Path, ...]
    identities: tuple[Path, ...]
    until: datetime | None
    override: Path | None
    digest: str


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of a month, and who allowed observations without a census among the purposes."""

    table: pa.Table
    refused: tuple[str, ...]


def pieces(folder: Folder, known: Knowledge, override: Path | None, as_of: date) -> list[Piece]:
    """The months up to a day that have observations, in the order of time."""
    months: dict[str, dict[str, list[Path]]] = {}
    for table in ("observations", "identities"):
        for file in folder.files(table):
            tables = months.setdefault(file.month, {"observations": [], "identities": []})
            tables[table].append(file.path)
    end = datetime.combine(as_of + timedelta(days=1), datetime.min.time(), UTC)
    found = []
    for month, tables in sorted(months.items()):
        if month <= f"{as_of:%Y-%m}" and tables["observations"]:
            files = (tuple(tables["observations"]), tuple(tables["identities"]))
            until = end if f"{end:%Y-%m}" == month and _goes_on(files[0], end) else None
            digest = _digest(_FORMAT, known.version, month, until, *map(_names, files))
            found.append(Piece(month, *files, until, override, digest))
    return found


def _goes_on(paths: Sequence[Path], end: datetime) -> bool:
    """True when rows of these files may be of `end` or later; a damaged file may have any."""
    try:
        spans = [_last(pq.read_metadata(path)) for path in paths]
    except (OSError, pa.ArrowException):
        return True
    return any(last is None or last >= end.timestamp() * 1000 for last in spans)


def _last(metadata: pq.FileMetaData) -> int | None:
    """The time of the last row (milliseconds since 1970), as the groups of rows note it."""
    at = metadata.schema.names.index("observed_at")
    groups = [metadata.row_group(each).column(at) for each in range(metadata.num_row_groups)]
    noted = [each.statistics for each in groups]
    if not all(each is not None and each.has_min_max for each in noted):
        return None
    return max((each.max_raw for each in noted), default=None)


def runs_of(piece: Piece) -> Runs:
    """Read a month, and turn it into runs.

    Raises:
        StoreError: a file of the month is damaged.
    """
    shown = shown_by_key(piece.identities, _knowledge(piece.override))
    month = Month(piece.month, piece.observations, shown, piece.until)
    return Runs(month_runs(month), tuple(sorted(_refused(piece))))


def all_runs(
    folder: Folder, wanted: Sequence[Piece], pool: Executor | None, *, skip_damaged: bool
) -> Iterator[Runs | SkippedMonth]:
    """The runs of every month, from the cache where they are there; `pool` makes the others.

    Raises:
        StoreError: a month is damaged, and such are not to be skipped.
    """
    cached = {piece.month: _read_cached(folder, piece) for piece in wanted}
    missing = [piece for piece in wanted if cached[piece.month] is None]
    made = {} if pool is None else {piece.month: pool.submit(runs_of, piece) for piece in missing}
    for piece in wanted:
        found = cached[piece.month]
        if found is None:
            try:
                found = made[piece.month].result() if piece.month in made else runs_of(piece)
            except StoreError as error:
                if not skip_damaged:
                    raise
                yield SkippedMonth(piece.month, str(error))
                continue
            _keep(folder, piece, found)
        yield found


def clear(folder: Folder) -> int:
    """Remove all derived tables; how many files there were."""
    found = [path for path in (folder.root / DERIVED).rglob("*") if path.is_file()]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def cached(folder: Folder, name: str, digest: str) -> pa.Table | None:
    """A derived table, if it is there and made of just this."""
    path = _path(folder, name, digest)
    try:
        return pq.ParquetFile(path).read() if path.exists() else None
    except (OSError, pa.ArrowException):
        return None  # whatever is wrong with it: it is made anew


def keep(folder: Folder, name: str, digest: str, table: pa.Table) -> None:
    """Keep a derived table, in place of an older one of this name."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    path = write_whole(_path(folder, name, digest), bytes(sink.getvalue()))
    for other in path.parent.glob(f"{name}.*.parquet"):
        if other != path:
            other.unlink(missing_ok=True)


def digest_of(wanted: Sequence[Piece]) -> str:
    """What a table made of these months is known by."""
    return _digest(*(piece.digest for piece in wanted))


def _read_cached(folder: Folder, piece: Piece) -> Runs | None:
    table = cached(folder, _name(piece), piece.digest)
    if table is None:
        return None
    refused = (table.schema.metadata or {}).get(_REFUSED, b"[]")
    return Runs(table, tuple(msgspec.json.decode(refused, type=list[str])))


def _keep(folder: Folder, piece: Piece, found: Runs) -> None:
    """Whole months only: a month cut at a day is asked for once."""
    if piece.until is None:
        noted = {_REFUSED: msgspec.json.encode(list(found.refused))}
        keep(folder, _name(piece), piece.digest, found.table.replace_schema_metadata(noted))


def _name(piece: Piece) -> str:
    return f"runs-{piece.month}"


def _path(folder: Folder, name: str, digest: str) -> Path:
    return folder.root / DERIVED / f"{name}.{digest}.parquet"


def _names(paths: Sequence[Path]) -> list[tuple[str, int, int]]:
    """Names carry the digest of what was written; size and time tell what was done to it since."""
    found = ((path.name, path.stat()) for path in paths)
    return sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in found)


def _digest(*parts: object) -> str:
    return sha256(repr(parts).encode()).hexdigest()[:16]


@lru_cache(maxsize=2)
def _knowledge(override: Path | None) -> Knowledge:
    return knowledge.load(override)


def _refused(piece: Piece) -> set[str]:
    """Who allowed observations of the month for other purposes than a census."""
    permits = {text for path in piece.observations for text in _permits(path)}
    found = set()
    for text in permits:
        permit = msgspec.json.decode(text)
        if permit["granted_by"] not in _COUNTED and CENSUS not in permit["purposes"]:
            found.add(f"{permit['granted_by']} ({', '.join(permit['purposes'])})")
    return found


def _permits(path: Path) -> set[str]:
    """The permits of a file; its statistics tell when there is one only."""
    file = pq.ParquetFile(path, read_dictionary=["permit"])
    at = file.schema.names.index("permit")
    groups = [file.metadata.row_group(each).column(at) for each in range(file.num_row_groups)]
    noted = [each.statistics for each in groups]
    if all(each is not None and each.has_min_max and each.min == each.max for each in noted):
        return {each.min for each in noted}
    return {text for text in file.read(["permit"])["permit"].unique().to_pylist() if text}
