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
    known_from = {cve.id: cve.known_from for cve in known.cves}
    fixes = _fixes(known, first, as_of)
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
            (text, cve.id, known_from[cve.id], cve.status is Status.AFFECTED)
            for cve in cves
            if cve.status in _OPEN
        ]
        found_standings = cve_standings(cves) | update_standings(known, builds, as_of)
        standings[text] = {fix: found_standings.get(fix, "unknown") for fix in fixes}
    _add_fixes(rows, fixes, standings)
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


def _fixes(known: Knowledge, first: date, as_of: date) -> dict[str, tuple[str, date]]:
    """The CVEs and updates published in the period: kind and day, by name."""
    cves = {cve.id: ("cve", cve.known_from) for cve in known.cves}
    updates = {name: ("update", day) for name, day in security_updates(known, as_of).items()}
    found = sorted((cves | updates).items())
    return {name: (kind, day) for name, (kind, day) in found if first <= day <= as_of}


def _add_fixes(
    rows: _Rows, fixes: dict[str, tuple[str, date]], standings: dict[str, dict[str, str]]
) -> None:
    """The fixes and who has them; those that are one and the same update share a pattern."""
    patterns: dict[tuple[object, ...], int] = {}
    for name, (kind, since) in fixes.items():
        pattern = (since, *(each[name] for each in standings.values()))
        number = patterns.setdefault(pattern, len(patterns))
        rows.of["fix"].append((name, kind, since, number))
    for text, each in standings.items():
        rows.of["standing"] += [(text, fix, standing) for fix, standing in each.items()]


def _phases(known: Knowledge) -> Iterator[Row]:
    for (line, cu), phases in known.support.items():
        for phase in phases:
            yield (line.value, cu, phase.phase.value, phase.since, phase.until)


def _table(rows: list[Row], schema: pa.Schema) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(values, kind) for values, kind in zip(columns, schema.types, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
