"""The status of each CVE for one build, and joined over a set of builds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from patchstand.assess.support import last_examined
from patchstand.model import (
    Build,
    Cve,
    CveVerdict,
    Knowledge,
    LineFix,
    ProductLine,
    Status,
    Update,
    Why,
)

EXACT_BUILD = "(Get-Command ExSetup.exe).FileVersionInfo.FileVersion"
"""The command that tells the exact build on the server itself."""

_SAFE = frozenset({Status.FIXED, Status.NOT_AFFECTED})


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a build stands: its CU, and how long its line was examined for new CVEs."""

    build: Build
    cu: str
    born: date
    examined: date | None


@dataclass(frozen=True, slots=True)
class _Entry:
    """One CVE on one line at a date, and the few verdicts its builds have shared so far."""

    cve: Cve
    fix: LineFix | None
    made: dict[tuple[Status, Why], CveVerdict]


def verdicts(
    knowledge: Knowledge, build: Build, row: Update, as_of: date
) -> tuple[CveVerdict, ...]:
    """The status of every CVE known on a day, in the order of the knowledge."""
    place = _Place(
        build=build,
        cu=row.cu,
        born=knowledge.of_line(row.line)[0].released_from,
        examined=last_examined(knowledge, row.line),
    )
    return tuple(_verdict(entry, place, as_of) for entry in _entries(knowledge, row.line, as_of))


@lru_cache(maxsize=64)
def _entries(knowledge: Knowledge, line: ProductLine, as_of: date) -> tuple[_Entry, ...]:
    fixes = knowledge.fixes(line)
    return tuple(
        _Entry(cve, fixes.get(cve.id), {}) for cve in knowledge.cves if cve.known_from <= as_of
    )


def _verdict(entry: _Entry, place: _Place, as_of: date) -> CveVerdict:
    cve, fix = entry.cve, entry.fix
    found = _unlisted(cve, place) if fix is None else _listed(cve, fix, place)
    verdict = entry.made.get(found)
    if verdict is None:
        verdict = entry.made[found] = _make(cve, fix, *found, as_of)
    return verdict


def _make(cve: Cve, fix: LineFix | None, status: Status, why: Why, as_of: date) -> CveVerdict:
    affected = status is Status.AFFECTED
    return CveVerdict(
        id=cve.id,
        status=status,
        why=why,
        rce=cve.rce,
        kev=cve.kev if cve.kev is not None and cve.kev <= as_of else None,
        cvss=cve.cvss,
        counts_for_class=cve.counts_for_class,
        pre_authentication=affected and cve.pre_authentication,
        condition=cve.condition,
        decide_by=cve.decide_by if status is Status.UNDETERMINED else None,
        fixed_in=tuple(fixed for _, fixed in fix.fixed) if fix and affected else (),
    )


def _unlisted(cve: Cve, place: _Place) -> tuple[Status, Why]:
    """A line the record does not name: not affected, unless nobody looked any more."""
    examined = place.examined
    if examined is not None and cve.known_from > examined and cve.known_from >= place.born:
        return Status.UNDETERMINED, Why.NOT_EXAMINED
    return Status.NOT_AFFECTED, Why.BUILD


def _listed(cve: Cve, fix: LineFix, place: _Place) -> tuple[Status, Why]:
    if fix.fixed and not _has_fix(fix, place.build, place.cu):
        return Status.AFFECTED, Why.BUILD
    if cve.condition is not None:
        if fix.default_since is not None and place.build >= fix.default_since:
            return Status.FIXED, Why.DEFAULT
        return Status.UNDETERMINED, Why.CONFIGURATION
    if not fix.fixed:
        return Status.UNDETERMINED, Why.ADVISORY_UNKNOWN
    return Status.FIXED, Why.BUILD


def _has_fix(fix: LineFix, build: Build, cu: str) -> bool:
    """Same CU and at least its fixed build, or at least the newest fixed build of the line."""
    newest = fix.newest
    if newest is not None and build >= newest:
        return True
    return any(of_cu == cu and build >= fixed for of_cu, fixed in fix.fixed)


def join(members: Sequence[Iterable[CveVerdict]]) -> tuple[CveVerdict, ...]:
    """Join the verdicts of all members of a set, CVE by CVE.

    Affected, fixed and not affected hold when they hold for every member; a mixture of
    fixed and not affected is fixed; everything else is undetermined, `set`.
    """
    if len(members) == 1:
        return tuple(members[0])
    return tuple(map(_join_one, zip(*members, strict=True)))


def _join_one(verdicts_of_members: tuple[CveVerdict, ...]) -> CveVerdict:
    first = verdicts_of_members[0]
    if all(v.status is first.status and v.why is first.why for v in verdicts_of_members):
        return first
    statuses = {verdict.status for verdict in verdicts_of_members}
    if statuses <= _SAFE:
        status, why, decide_by = Status.FIXED, Why.BUILD, None
    elif statuses == {Status.AFFECTED}:
        return first
    else:
        status, why, decide_by = Status.UNDETERMINED, Why.SET, EXACT_BUILD
    return replace(
        first,
        status=status,
        why=why,
        decide_by=decide_by,
        fixed_in=max((verdict.fixed_in for verdict in verdicts_of_members), key=len),
    )
