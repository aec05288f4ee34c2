"""Rows beside builds and CVEs: faults of updates, switches of fixes, Windows releases.

`known-issues.json`, `fix-switches.json`, `windows.json`; each row carries its source, and a
known issue its examples.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Literal

import msgspec

from patchstand.knowledge.files import read_data_file
from patchstand.model import (
    Build,
    Disturbance,
    FaultyBuilds,
    FixSwitch,
    Knowledge,
    KnownIssue,
    WindowsRelease,
)


class _BuildsRow(msgspec.Struct, forbid_unknown_fields=True):
    first: str
    fixed: str | None = None
    same_cu: bool = True


class _IssueRow(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    title: str
    disturbs: Disturbance
    builds: list[_BuildsRow]
    reference: str
    source: str
    examples: dict[str, bool]
    only_where: Literal["", "non_english_windows"] = ""


class _IssuesFile(msgspec.Struct, forbid_unknown_fields=True):
    schema: str
    known_issues: list[_IssueRow]


class _SwitchRow(msgspec.Struct, forbid_unknown_fields=True):
    cve: str
    component: str
    section: str
    parameter: str
    open_when: str
    source: str


class _SwitchesFile(msgspec.Struct, forbid_unknown_fields=True):
    schema: str
    fix_switches: list[_SwitchRow]


class _WindowsRow(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    build: int
    until: date
    source: str
    paid_until: date | None = None


class _WindowsFile(msgspec.Struct, forbid_unknown_fields=True):
    schema: str
    windows: list[_WindowsRow]


def known_issues(override: Path | None) -> Iterator[KnownIssue]:
    """The known faults of updates.

    Raises:
        KnowledgeError: the file cannot be read or has the wrong shape.
        ValueError: a build is none.
    """
    for row in read_data_file("known-issues.json", _IssuesFile, override).known_issues:
        yield KnownIssue(
            id=row.id,
            title=row.title,
            disturbs=row.disturbs,
            builds=tuple(map(_builds, row.builds)),
            only_where=row.only_where,
            reference=row.reference,
            source=row.source,
            examples=tuple((Build.parse(build), has) for build, has in row.examples.items()),
        )


def _builds(row: _BuildsRow) -> FaultyBuilds:
    fixed = Build.parse(row.fixed) if row.fixed else None
    return FaultyBuilds(Build.parse(row.first), fixed, row.same_cu)


def fix_switches(override: Path | None) -> Iterator[FixSwitch]:
    """The overrides that turn fixes off.

    Raises:
        KnowledgeError: the file cannot be read or has the wrong shape.
    """
    for row in read_data_file("fix-switches.json", _SwitchesFile, override).fix_switches:
        yield FixSwitch(**msgspec.structs.asdict(row))


def windows_releases(override: Path | None) -> Iterator[WindowsRelease]:
    """Windows Server releases with the ends of their support.

    Raises:
        KnowledgeError: the file cannot be read or has the wrong shape.
    """
    for row in read_data_file("windows.json", _WindowsFile, override).windows:
        yield WindowsRelease(**msgspec.structs.asdict(row))


def broken_surroundings(knowledge: Knowledge) -> Iterator[str]:
    """Yield one sentence per broken invariant of these rows."""
    yield from _issues(knowledge)
    yield from _switches(knowledge)
    builds = [release.build for release in knowledge.windows]
    for release in knowledge.windows:
        if builds.count(release.build) > 1:
            yield f"Windows build {release.build} has two rows"
        if release.paid_until is not None and release.paid_until <= release.until:
            yield f"{release.name}: paid updates end before support does"


def _issues(knowledge: Knowledge) -> Iterator[str]:
    ids = [issue.id for issue in knowledge.known_issues]
    for issue in knowledge.known_issues:
        if ids.count(issue.id) > 1:
            yield f"known issue {issue.id} has two rows"
        if {has for _, has in issue.examples} != {True, False}:
            yield f"known issue {issue.id} has no example of each kind"
        for build, has in issue.examples:
            if (issue.faulty(build) is not None) is not has:
                yield f"known issue {issue.id}: its example {build} comes out wrong"
        for builds in issue.builds:
            yield from _range(knowledge, issue.id, builds)


def _range(knowledge: Knowledge, issue: str, builds: FaultyBuilds) -> Iterator[str]:
    if builds.fixed is None:
        return
    if builds.fixed <= builds.first or builds.fixed.branch != builds.first.branch:
        yield f"known issue {issue}: {builds.first} is not before {builds.fixed}"
    if knowledge.update(builds.fixed) is None:
        yield f"known issue {issue}: fixed in {builds.fixed}, which has no row"


def _switches(knowledge: Knowledge) -> Iterator[str]:
    """A switch of a CVE that a folder of one's own leaves out does no harm."""
    unconditional = {cve.id for cve in knowledge.cves if cve.condition is None}
    for switch in knowledge.fix_switches:
        if switch.cve in unconditional:
            yield f"{switch.cve} has a switch, but no setting decides it"
