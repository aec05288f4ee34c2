"""Reads the knowledge files, validates them row by row and returns one `Knowledge`.

Files: `about.json` (version, coverage, sources), `updates.json`, `cves.json`,
`support.json`, `rejected.json`, `fingerprints.json`, and those of `surroundings.py` and
`inside.py`. A file of the same name in the override folder replaces the shipped one.
"""

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import msgspec

from patchstand.errors import KnowledgeError
from patchstand.knowledge.files import read_data_file
from patchstand.knowledge.inside import exchange_directories, known_mitigations
from patchstand.knowledge.invariants import broken_builds_and_flaws, broken_invariants
from patchstand.knowledge.surroundings import fix_switches, known_issues, windows_releases
from patchstand.model import (
    Build,
    Condition,
    Cve,
    EvidenceKind,
    Fingerprint,
    FingerprintMeaning,
    Knowledge,
    LineFix,
    PhaseName,
    Precision,
    ProductLine,
    RejectedBuild,
    SupportPhase,
    Update,
    UpdateKind,
)


class Month(msgspec.Struct, forbid_unknown_fields=True):
    """One month of coverage; a month without security updates has an empty list."""

    month: str
    patch_day: date
    security_updates: list[str]


class About(msgspec.Struct, forbid_unknown_fields=True):
    """Version and coverage of the whole, and the sources that the rows name."""

    schema: str
    version: str
    covered_from: date
    covered_until: date
    sources: dict[str, str]
    months: list[Month]


class _UpdateRow(msgspec.Struct, forbid_unknown_fields=True):
    line: ProductLine
    cu: str
    build: str
    name: str
    family: str
    kind: UpdateKind
    released: date
    precision: Precision
    source: str
    released_from: date | None = None
    released_to: date | None = None
    security: bool | None = None
    kb: str | None = None
    withdrawn_on: date | None = None
    reissue_of: str | None = None
    esu: bool = False
    note: str | None = None


class _LineRow(msgspec.Struct, forbid_unknown_fields=True):
    line: ProductLine
    fixed: dict[str, str]
    default_since: str | None = None


class _CveRow(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    known_from: date
    counts_for_class: bool
    lines: list[_LineRow]
    sources: list[str]
    published: date | None = None
    title: str | None = None
    impact: str | None = None
    rce: bool | None = None
    cvss: float | None = None
    vector: str | None = None
    kev: date | None = None
    condition: Condition | None = None
    decide_by: str | None = None
    note: str | None = None


class _SupportRow(msgspec.Struct, forbid_unknown_fields=True):
    line: ProductLine
    cu: str
    phase: PhaseName
    since: date
    until: date
    public: bool
    source: str


class _RejectedRow(msgspec.Struct, forbid_unknown_fields=True):
    build: str
    reason: str
    source: str


class _FingerprintRow(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    name: str
    meaning: FingerprintMeaning
    kinds: list[EvidenceKind]
    contains: list[str]
    examples: list[str]
    source: str
    pattern: str | None = None


class _FingerprintsFile(msgspec.Struct, forbid_unknown_fields=True):
    schema: str
    fingerprints: list[_FingerprintRow]


class _UpdatesFile(msgspec.Struct, forbid_unknown_fields=True):
    schema: str
    updates: list[_UpdateRow]


class _CvesFile(msgspec.Struct, forbid_unknown_fields=True):
    schema: str
    cves: list[_CveRow]


class _SupportFile(msgspec.Struct, forbid_unknown_fields=True):
    schema: str
    support: list[_SupportRow]


class _RejectedFile(msgspec.Struct, forbid_unknown_fields=True):
    schema: str
    rejected: list[_RejectedRow]


_AUDIT_FILES = (
    "exchange-directories.json",
    "fix-switches.json",
    "known-issues.json",
    "mitigations-seen.json",
    "windows.json",
)
"""What an audit compares with."""
_FILES = (
    "about.json",
    "updates.json",
    "cves.json",
    "support.json",
    "rejected.json",
    "fingerprints.json",
    *_AUDIT_FILES,
)
_DIGITS = 8


def about(override: Path | None = None) -> About:
    """Version, coverage and sources of the knowledge in use."""
    return read_data_file("about.json", About, override)


@lru_cache(maxsize=4)
def load(override: Path | None = None) -> Knowledge:
    """Load, validate and index all knowledge; the same object for the same folder.

    Raises:
        KnowledgeError: a file cannot be read, has the wrong shape, or breaks an invariant.
    """
    head = about(override)
    try:
        knowledge = Knowledge(
            version=head.version,
            covered_from=head.covered_from,
            covered_until=head.covered_until,
            updates=map(_update, read_data_file("updates.json", _UpdatesFile, override).updates),
            cves=map(_cve, read_data_file("cves.json", _CvesFile, override).cves),
            support=map(_phase, read_data_file("support.json", _SupportFile, override).support),
            rejected=map(
                _rejected, read_data_file("rejected.json", _RejectedFile, override).rejected
            ),
            fingerprints=map(
                _fingerprint,
                read_data_file("fingerprints.json", _FingerprintsFile, override).fingerprints,
            ),
            own=_own(override),
            directories=exchange_directories(override),
            mitigations=known_mitigations(override),
            known_issues=known_issues(override),
            fix_switches=fix_switches(override),
            windows=windows_releases(override),
        )
    except (ValueError, re.error) as error:
        raise KnowledgeError(f"knowledge: {error}") from error
    if override is not None:  # the shipped files are proved by the tests, not at every start
        for broken in _broken(knowledge, override):
            raise KnowledgeError(f"knowledge in {override}: {broken}")
    return knowledge


def _broken(knowledge: Knowledge, override: Path) -> Iterator[str]:
    """What is broken in knowledge with files of one's own: the tables that these concern."""
    whole = any((override / name).is_file() for name in _AUDIT_FILES)
    return broken_invariants(knowledge) if whole else broken_builds_and_flaws(knowledge)


def _own(override: Path | None) -> str:
    """A digest of the files of a folder that win over the shipped ones; empty without any."""
    files_there = [override / name for name in _FILES] if override is not None else []
    found = [(path.name, path.read_bytes()) for path in files_there if path.is_file()]
    return sha256(repr(found).encode()).hexdigest()[:_DIGITS] if found else ""


def _update(row: _UpdateRow) -> Update:
    return Update(
        line=row.line,
        cu=row.cu,
        build=Build.parse(row.build),
        name=row.name,
        family=row.family,
        kind=row.kind,
        released=row.released,
        released_from=row.released_from or row.released,
        released_to=row.released_to or row.released,
        precision=row.precision,
        security=row.security,
        kb=row.kb,
        withdrawn_on=row.withdrawn_on,
        reissue_of=Build.parse(row.reissue_of) if row.reissue_of else None,
        esu=row.esu,
        source=row.source,
        note=row.note,
    )


def _cve(row: _CveRow) -> Cve:
    return Cve(
        id=row.id,
        published=row.published,
        known_from=row.known_from,
        title=row.title,
        impact=row.impact,
        rce=row.rce,
        cvss=row.cvss,
        vector=row.vector,
        kev=row.kev,
        condition=row.condition,
        counts_for_class=row.counts_for_class,
        lines=tuple(map(_line_fix, row.lines)),
        decide_by=row.decide_by,
        sources=tuple(row.sources),
        note=row.note,
    )


def _line_fix(row: _LineRow) -> LineFix:
    return LineFix(
        line=row.line,
        fixed=tuple(
            sorted(
                ((cu, Build.parse(build)) for cu, build in row.fixed.items()),
                key=lambda fixed: fixed[1],
            )
        ),
        default_since=Build.parse(row.default_since) if row.default_since else None,
    )


def _phase(row: _SupportRow) -> SupportPhase:
    return SupportPhase(**msgspec.structs.asdict(row))


def _rejected(row: _RejectedRow) -> RejectedBuild:
    return RejectedBuild(Build.parse(row.build), row.reason, row.source)


def _fingerprint(row: _FingerprintRow) -> Fingerprint:
    return Fingerprint(
        id=row.id,
        name=row.name,
        meaning=row.meaning,
        kinds=frozenset(row.kinds),
        contains=tuple(row.contains),
        pattern=re.compile(row.pattern) if row.pattern else None,
        examples=tuple(row.examples),
        source=row.source,
    )
