"""What the identities of a month show, by key, as today's knowledge reads their evidence."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from patchstand.assess import judge_set
from patchstand.census.runs import NO_EXCHANGE
from patchstand.model import Build, Conclusion, Evidence, EvidenceKind, Knowledge, ProductLine
from patchstand.store.content import content_of, damaged
from patchstand.workflow.conclude import badness, conclude

_COLUMNS = ("key", "is_exchange", "lines", "builds", "reason", "knowledge")
_FOR_ANEW = ("key", "seen_on", "evidence")


def shown_by_key(files: Sequence[Path], known: Knowledge) -> dict[int, str | None]:
    """By identity key: `lines|builds|doubt`, or that no Exchange server is there.

    None stands where nothing can be told. What was concluded with other knowledge is
    concluded anew from its evidence.

    Raises:
        StoreError: a file cannot be read.
    """
    found: dict[int, str | None] = {}
    for path in files:
        content = content_of(path)
        try:
            rows = _read(content, _COLUMNS)
            is_current = set(rows["knowledge"].unique().to_pylist()) <= {known.edition}
            if not is_current:
                rows = _read(content, _FOR_ANEW)
        except (OSError, pa.ArrowException) as error:
            raise damaged(path, str(error)) from error
        found |= _as_concluded(rows) if is_current else _anew(rows, known)
    return found


def badness_on(known: Knowledge, text: str | None, day: date) -> tuple[int, int]:
    """How bad it is what is shown on a day, judged as of it; least where nothing can be told."""
    if text is None or text == NO_EXCHANGE:
        return (-2 if text is None else -1), 0
    _, builds, doubt = read_shown(text)
    return badness(judge_set(known, builds, doubt, day))


def shown(conclusion: Conclusion) -> str | None:
    """What a conclusion shows, as a text; None when nothing can be told."""
    lines = [line.value for line in conclusion.lines]
    builds = [str(build) for build in conclusion.builds]
    return _text(conclusion.is_exchange, lines, builds, conclusion.reason)


def read_shown(text: str) -> tuple[tuple[ProductLine, ...], tuple[Build, ...], str | None]:
    """The lines, the builds and the doubt of what `shown` made."""
    lines, builds, doubt = text.split("|", 2)
    return (
        tuple(ProductLine(each) for each in lines.split()),
        tuple(Build.parse(each) for each in builds.split()),
        doubt or None,
    )


def _text(
    is_exchange: bool | None,
    lines: Sequence[str],
    builds: Sequence[str],
    doubt: str | None,
) -> str | None:
    if is_exchange is None:
        return None
    if not is_exchange:
        return NO_EXCHANGE
    return f"{' '.join(lines)}|{' '.join(builds)}|{doubt or ''}"


def _read(content: pa.Buffer, columns: Sequence[str]) -> pa.Table:
    return pq.ParquetFile(pa.BufferReader(content)).read(columns)


def _as_concluded(rows: pa.Table) -> dict[int, str | None]:
    columns = [rows[name].to_pylist() for name in _COLUMNS[:5]]
    return {key: _text(*concluded) for key, *concluded in zip(*columns, strict=True)}


def _anew(rows: pa.Table, known: Knowledge) -> dict[int, str | None]:
    columns = [rows[name].to_pylist() for name in _FOR_ANEW]
    return {
        key: _concluded(known, evidence, _era(known, seen_on))
        for key, seen_on, evidence in zip(*columns, strict=True)
    }


@lru_cache(maxsize=100_000)
def _concluded(known: Knowledge, evidence: str, seen_on: date) -> str | None:
    rows: list[list[Any]] = msgspec.json.decode(evidence)
    items = tuple(
        Evidence(EvidenceKind(kind), text, None, name, source, connection)
        for kind, text, source, connection, name in rows
    )
    return shown(conclude(items, seen_on, known, seen_on))


def _era(known: Knowledge, day: date) -> date:
    """The last day up to this one on which a build was released: in between nothing changes."""
    days = _release_days(known)
    at = bisect_right(days, day)
    return days[at - 1] if at else day


@lru_cache(maxsize=4)
def _release_days(known: Knowledge) -> list[date]:
    return sorted({update.released_from for update in known.updates})
