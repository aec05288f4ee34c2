"""The tables of what was seen means: each distinct sight judged once for all days (assess)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from patchstand.assess import (
    Bounds,
    Course,
    Span,
    course,
    cve_standings,
    joined_cves,
    security_updates,
    update_standings,
)
from patchstand.census.tables import JUDGED
from patchstand.model import Build, Knowledge, PhaseName, ProductLine, Status
from patchstand.workflow.sightings import read_shown

Row = tuple[Any, ...]
_DAY = timedelta(days=1)
_PHASES = {
    "supported": {PhaseName.MAINSTREAM, PhaseName.EXTENDED},
    "esu": {PhaseName.ESU},
    "ended": {PhaseName.ENDED},
    "unsupported": {PhaseName.ESU, PhaseName.ENDED},
}
_OPEN = (Status.AFFECTED, Status.UNDETERMINED)


@dataclass(slots=True)
class _Rows:
    """The rows of each table, as they come."""

    of: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in JUDGED})

    def tables(self) -> dict[str, pa.Table]:
        return {name: _table(rows, JUDGED[name]) for name, rows in self.of.items()}


def judged_tables(
    sights: Iterable[str], known: Knowledge, first: date, as_of: date
) -> dict[str, pa.Table]:
    """One table for each of `census.tables.JUDGED`, for the days from `first` to `as_of`.

    Nothing that was published after `as_of` is in them.
    """
    rows = _Rows()
    standings: dict[str, dict[str, str]] = {}
    for text in sorted(sights):
        lines, builds, doubt = read_shown(text)
        found = course(
            knowledge=known, builds=builds, lines=lines, reason=doubt, first=first, last=as_of
        )
        rows.of["sight"].append(_sight(text, lines, builds, found, known))
        rows.of["verdict"] += _verdicts(text, found.spans, as_of)
        cves = joined_cves(known, builds, as_of)
        rows.of["flaw"] += [
            (text, cve.id, _known_from(known)[cve.id], cve.status is Status.AFFECTED)
            for cve in cves
            if cve.status in _OPEN
        ]
        standings[text] = cve_standings(cves) | update_standings(known, builds, as_of)
    rows.of["standing"] = [
        (text, fix, standing) for text, each in standings.items() for fix, standing in each.items()
    ]
    rows.of["fix"] = list(_fixes(standings, known, as_of))
    rows.of["phase"] = list(_phases(known))
    return rows.tables()


def _sight(
    text: str,
    lines: Sequence[ProductLine],
    builds: Sequence[Build],
    found: Course,
    known: Knowledge,
) -> Row:
    rows = [row for build in builds if (row := known.row_for(build)) is not None]
    cus = sorted({f"{row.line.value} {row.cu}" for row in rows})
    bounds: tuple[Bounds, ...] = (found.any_cve, found.rce, found.known_exploited)
    days = [day for each in bounds for day in (each.low, each.high)]
    return (text, [line.value for line in lines if line is not ProductLine.ONLINE], cus, *days)


def _verdicts(text: str, spans: Sequence[Span], as_of: date) -> Iterator[Row]:
    ends = [later.since - _DAY for later in spans[1:]] + [as_of]
    for span, until in zip(spans, ends, strict=True):
        behind = (span.behind.low, span.behind.high)
        phases = [
            holds
            for names in _PHASES.values()
            for holds in (bool(span.phases) and span.phases <= names, _may(span, names))
        ]
        yield (text, span.since, until, span.server_class.value, *behind, *phases)


def _may(span: Span, names: set[PhaseName]) -> bool:
    """Possible; of a server whose line nobody knows, everything is."""
    return not span.phases or bool(span.phases & names)


def _fixes(standings: dict[str, dict[str, str]], known: Knowledge, as_of: date) -> Iterator[Row]:
    """Every fix with its day; those that are one and the same update share a pattern."""
    updates = security_updates(known, as_of)
    cves = {cve.id: cve.known_from for cve in known.cves if cve.known_from <= as_of}
    patterns: dict[tuple[object, ...], int] = {}
    for name, since in sorted((cves | updates).items()):
        pattern = (since, *(each.get(name) for each in standings.values()))
        number = patterns.setdefault(pattern, len(patterns))
        yield (name, "update" if name in updates else "cve", since, number)


def _phases(known: Knowledge) -> Iterator[Row]:
    for (line, cu), phases in known.support.items():
        for phase in phases:
            yield (line.value, cu, phase.phase.value, phase.since, phase.until)


def _known_from(known: Knowledge) -> dict[str, date]:
    return {cve.id: cve.known_from for cve in known.cves}


def _table(rows: list[Row], schema: pa.Schema) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(values, kind) for values, kind in zip(columns, schema.types, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
