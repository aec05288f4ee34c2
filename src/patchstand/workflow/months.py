"""The months of a store as runs: what a census reads of the observations, month by month.

A month is a piece of work of its own: any process, and any machine that sees the store under
the same path, makes the same runs of it. The months of a quarter that is over are kept as one
table, half as large as theirs; those of the last one each by itself, as it goes on.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path
from typing import Any, Self

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from patchstand import knowledge
from patchstand.census.intervals import joined
from patchstand.census.reading import Source
from patchstand.census.runs import Month, month_runs
from patchstand.errors import PatchstandError, StoreError, UsageError
from patchstand.model import Knowledge, SkippedMonth
from patchstand.store.content import content_of
from patchstand.store.folder import Folder
from patchstand.workflow.derived import Made, cached, code_digest, digest, is_kept, keep
from patchstand.workflow.sightings import badness_on, shown_by_key

_REFUSED = b"refused"
CENSUS = "census"
SIMULATION = "simulation"
"""Who grants looks that nobody made (`simulate`)."""
_COUNTED = frozenset({"loopback", SIMULATION})
"""Permits that need no purpose: nobody else's servers are asked."""
OnMonth = Callable[[int, int], None]
_AHEAD = 24
"""Months that other processes or machines may be working on, or have done, before their turn."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One month to be turned into runs; everything in it can go to another machine.

    `knowledge`: the edition of what is to be known there; `digest`: what the runs are made of.
    """

    month: str
    observations: tuple[Path, ...]
    identities: tuple[Path, ...]
    until: datetime | None
    override: Path | None
    knowledge: str
    digest: str


Span = tuple[Piece, ...]
"""Months that are kept as one table: those of a quarter, or one."""


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of months, and who allowed observations without a census among the purposes."""

    table: pa.Table
    refused: tuple[str, ...]


def pieces(folder: Folder, known: Knowledge, override: Path | None, as_of: date) -> list[Piece]:
    """The months up to a day that have observations, in the order of time."""
    months: dict[str, dict[str, list[Path]]] = {}
    for table in ("observations", "identities"):
        for file in folder.files(table):
            tables = months.setdefault(file.month, {"observations": [], "identities": []})
            tables[table].append(file.path.absolute())  # a worker has another working directory
    end = datetime.combine(as_of + timedelta(days=1), datetime.min.time(), UTC)
    there = override and override.absolute()
    found = []
    for month, tables in sorted(months.items()):
        if month <= f"{as_of:%Y-%m}" and tables["observations"]:
            files = (tuple(tables["observations"]), tuple(tables["identities"]))
            until = end if f"{end:%Y-%m}" == month and _goes_on(files[0], end) else None
            made_of = digest(code_digest(), known.edition, month, until, *map(_names, files))
            found.append(Piece(month, *files, until, there, known.edition, made_of))
    return found


def _goes_on(paths: Sequence[Path], end: datetime) -> bool:
    """True when rows of these files may be of `end` or later; a damaged file may have any."""
    try:
        spans = [_last(pq.read_metadata(pa.BufferReader(content_of(path)))) for path in paths]
    except StoreError:
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
        UsageError: something else is known here than where the census is made.
    """
    known = _knowledge(piece.override)
    if known.edition != piece.knowledge:
        raise UsageError(
            f"a worker knows {known.edition}, and the census {piece.knowledge}:"
            " install the same patchstand, and the same --knowledge, on all of them"
        )
    shown = shown_by_key(piece.identities, known)
    files = [Source(path, content_of(path)) for path in piece.observations]
    month = Month(piece.month, files, shown, partial(badness_on, known), piece.until)
    return Runs(month_runs(month), tuple(sorted(_refused(files, piece.until))))


def all_runs(
    folder: Folder,
    wanted: Sequence[Piece],
    pool: Executor | None,
    on_month: OnMonth,
    *,
    skip_damaged: bool,
) -> Iterator[Runs | SkippedMonth]:
    """The runs of all months in the order of time, from the derived tables where they are there.

    `pool` makes the others, some months ahead: only those are held in memory. `on_month` is
    told how many months are done, of how many.

    Raises:
        StoreError: a month is damaged, and such are not to be skipped; or the workers are lost.
        UsageError: as `runs_of`.
    """
    spans = _spans(wanted)
    missing = [piece for span in spans if not _is_kept(folder, span) for piece in span]
    done = 0
    with _Work(missing, pool, skip_damaged=skip_damaged) as work:
        for span in spans:
            found = _cached(folder, span)
            if found is not None:
                done += len(span)
                on_month(done, len(wanted))
                yield found
                continue
            months = []
            for piece in span:
                months.append(work.of(piece))
                done += 1
                on_month(done, len(wanted))
            yield from (each for each in months if isinstance(each, SkippedMonth))
            runs = [each for each in months if isinstance(each, Runs)]
            del months
            yield from _kept(folder, span, runs)


def _spans(wanted: Sequence[Piece]) -> list[Span]:
    """Quarters that are over, and the months of the last one."""
    last = _quarter(wanted[-1]) if wanted else ""
    found = groupby(wanted, lambda each: _quarter(each) if _quarter(each) != last else each.month)
    return [tuple(pieces) for _, pieces in found]


def _quarter(piece: Piece) -> str:
    year, month = piece.month.split("-")
    return f"{year}-q{(int(month) + 2) // 3}"


class _Work:
    """Months turned into runs here, or by a pool that begins some before their turn."""

    def __init__(
        self, missing: Iterable[Piece], pool: Executor | None, *, skip_damaged: bool
    ) -> None:
        self._missing, self._pool, self._skip = deque(missing), pool, skip_damaged
        self._begun: dict[str, Future[Runs]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for future in self._begun.values():
            future.cancel()

    def of(self, piece: Piece) -> Runs | SkippedMonth:
        """The runs of a month, or that it is damaged."""
        with _elsewhere(piece):
            self._begin()
        future = self._begun.pop(piece.month, None)
        try:
            if future is None:
                return runs_of(piece)
            with _elsewhere(piece):
                return future.result()
        except _LostError:
            raise
        except StoreError as error:
            if not self._skip:
                raise
            return SkippedMonth(piece.month, str(error))

    def _begin(self) -> None:
        while self._pool is not None and self._missing and len(self._begun) < _AHEAD:
            coming = self._missing.popleft()
            self._begun[coming.month] = self._pool.submit(runs_of, coming)


class _LostError(StoreError):
    """What befell a worker: that is no damage of the month, and nothing to skip."""


@contextmanager
def _elsewhere(piece: Piece) -> Iterator[None]:
    """Says what befell a worker as an error of ours."""
    try:
        yield
    except PatchstandError:
        raise
    except (BrokenExecutor, CancelledError) as error:
        raise _LostError("the workers are lost; start them again, then the census") from error
    except Exception as error:
        raise _LostError(
            f"month {piece.month} failed on its worker ({type(error).__name__}: {error});"
            " look into the worker's log"
        ) from error


def digest_of(wanted: Sequence[Piece]) -> str:
    """What a table made of these months is known by."""
    return digest(*(piece.digest for piece in wanted))


def _made(span: Span) -> Made:
    """What the runs of a span are kept as."""
    if len(span) == 1:
        return f"runs-{span[0].month}", span[0].digest
    return f"runs-{_quarter(span[0])}", digest_of(span)


def _is_kept(folder: Folder, span: Span) -> bool:
    return is_kept(folder, _made(span))


def _cached(folder: Folder, span: Span) -> Runs | None:
    table = cached(folder, _made(span))
    if table is None:
        return None
    refused = (table.schema.metadata or {}).get(_REFUSED, b"[]")
    return Runs(table, tuple(msgspec.json.decode(refused, type=list[str])))


def _kept(folder: Folder, span: Span, runs: list[Runs]) -> Iterator[Runs]:
    """The runs of a span as one; kept if they are whole, as a month cut at a day is asked for once.

    Empties the list.
    """
    if not runs:
        return
    whole = len(runs) == len(span) and all(piece.until is None for piece in span)
    found = _together(runs)
    if whole:
        noted = {_REFUSED: msgspec.json.encode(list(found.refused))}
        keep(folder, _made(span), found.table.replace_schema_metadata(noted))
    yield found


def _together(runs: list[Runs]) -> Runs:
    if len(runs) == 1:
        return runs.pop()
    refused = sorted({who for each in runs for who in each.refused})
    tables = [each.table for each in runs]
    runs.clear()
    return Runs(joined(tables), tuple(refused))


def permits(files: Iterable[Source]) -> list[Mapping[str, Any]]:
    """What allowed the observations of files, each once.

    Raises:
        StoreError: a file cannot be read.
    """
    texts = {text for _, content in files for text in _permits(content)}
    return [msgspec.json.decode(text) for text in sorted(texts)]


def _names(paths: Sequence[Path]) -> list[tuple[str, int, int]]:
    """Names carry the digest of what was written; size and time tell what was done to it since."""
    return sorted((path.name, *_size_and_time(path)) for path in paths)


def _size_and_time(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:  # reading it says what is wrong
        return -1, -1
    return stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=2)
def _knowledge(override: Path | None) -> Knowledge:
    return knowledge.load(override)


def _refused(files: Sequence[Source], until: datetime | None) -> set[str]:
    """Who allowed observations before a moment for other purposes than a census."""
    found = set()
    for _, content in files:
        refused = {text for text in _permits(content) if not _allows(text)}
        if refused and until is not None:
            refused &= _permits_before(content, until)
        found |= {_told(text) for text in refused}
    return found


def _allows(text: str) -> bool:
    permit = msgspec.json.decode(text)
    return permit["granted_by"] in _COUNTED or CENSUS in permit["purposes"]


def _told(text: str) -> str:
    permit = msgspec.json.decode(text)
    return f"{permit['granted_by']} ({', '.join(permit['purposes'])})"


def _permits(content: pa.Buffer) -> set[str]:
    """The permits of a file; its statistics tell when there is one only."""
    file = pq.ParquetFile(pa.BufferReader(content), read_dictionary=["permit"])
    at = file.schema.names.index("permit")
    groups = [file.metadata.row_group(each).column(at) for each in range(file.num_row_groups)]
    noted = [each.statistics for each in groups]
    if all(each is not None and each.has_min_max and each.min == each.max for each in noted):
        return {each.min for each in noted}
    return {text for text in file.read(["permit"])["permit"].unique().to_pylist() if text}


def _permits_before(content: pa.Buffer, until: datetime) -> set[str | None]:
    file = pq.ParquetFile(pa.BufferReader(content), read_dictionary=["permit"])
    rows = file.read(["permit", "observed_at"])
    before = rows.filter(pc.less(rows["observed_at"], pa.scalar(until)))
    return set(before["permit"].unique().to_pylist())
