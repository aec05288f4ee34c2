"""What is known of updates, CVEs and support, as values; loaded by `patchstand.knowledge`."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from patchstand.model.build import Build, ProductLine
from patchstand.model.directories import ExchangeDirectories
from patchstand.model.evidence import EvidenceKind
from patchstand.model.fingerprint import Fingerprint
from patchstand.model.seen_mitigations import KnownMitigation


class UpdateKind(StrEnum):
    """CU: full release (RTM, service pack, cumulative update); SU: security; HU: hotfix."""

    CU = "CU"
    SU = "SU"
    HU = "HU"


class Precision(StrEnum):
    """How well a release date is known; MONTH stands for its second Tuesday."""

    DAY = "day"
    MONTH = "month"


class Condition(StrEnum):
    """What besides the build decides a CVE: a closed vocabulary."""

    EXTENDED_PROTECTION = "extended_protection"
    SERIALIZED_DATA_SIGNING = "serialized_data_signing"
    FIP_FS = "fip_fs"
    SETTING_OVERRIDE = "setting_override"
    DOTNET = "dotnet"
    IIS_MODULE = "iis_module"
    AD_SCHEMA = "ad_schema"
    DOWNLOAD_DOMAINS = "download_domains"
    REGISTRY = "registry"
    HYBRID = "hybrid"
    WINDOWS = "windows"
    MALWARE_ENGINE = "malware_engine"


class PhaseName(StrEnum):
    """Support state of a cumulative update at a date."""

    MAINSTREAM = "mainstream"
    EXTENDED = "extended"
    ESU = "esu"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Update:
    """One published build: a CU, SU or HU of one line.

    `family` is the name under which one security release appears on several CUs
    (`Mar21SU`; rollups of 2007/2010 carry the family of their bulletin's month).
    `security` None means unknown. `released` of month precision is the second Tuesday;
    `released_from` and `released_to` keep the range.
    """

    line: ProductLine
    cu: str
    build: Build
    name: str
    family: str
    kind: UpdateKind
    released: date
    released_from: date
    released_to: date
    precision: Precision
    security: bool | None
    kb: str | None
    withdrawn_on: date | None
    reissue_of: Build | None
    esu: bool
    source: str
    note: str | None


@dataclass(frozen=True, slots=True)
class LineFix:
    """How one CVE is fixed on one line.

    `fixed`: the first fixed build per CU, oldest first; empty when no build decides.
    `default_since`: from this build the safe setting is the default.
    """

    line: ProductLine
    fixed: tuple[tuple[str, Build], ...]
    default_since: Build | None

    @property
    def newest(self) -> Build | None:
        """The newest fixed build: at or above it every build of the line has the fix."""
        return self.fixed[-1][1] if self.fixed else None


@dataclass(frozen=True, slots=True)
class Cve:
    """One CVE (or ADV) id with its fixes and what else decides it.

    `rce`, `cvss` and the dates are None when unknown. `known_from` is the first day on
    which the entry may be used: published, else the fix's release, else the id's year.
    """

    id: str
    published: date | None
    known_from: date
    title: str | None
    impact: str | None
    rce: bool | None
    cvss: float | None
    vector: str | None
    kev: date | None
    condition: Condition | None
    counts_for_class: bool
    lines: tuple[LineFix, ...]
    decide_by: str | None
    sources: tuple[str, ...]
    note: str | None

    @property
    def pre_authentication(self) -> bool:
        """True when the CVSS vector says: over the network, without any privileges.

        Whether a user has to click (UI:R) makes no difference to "before a log-in".
        """
        vector = self.vector or ""
        return "/AV:N" in vector and "/PR:N" in vector


@dataclass(frozen=True, slots=True)
class SupportPhase:
    """A CU is in `phase` from `since` to `until`, both inclusive."""

    line: ProductLine
    cu: str
    phase: PhaseName
    since: date
    until: date
    public: bool
    source: str


@dataclass(frozen=True, slots=True)
class RejectedBuild:
    """A number that public tables list as a build but that never was one."""

    build: Build
    reason: str
    source: str


class Disturbance(StrEnum):
    """What a known fault of an update disturbs."""

    MAIL_FLOW = "mail_flow"
    MANAGEMENT = "management"
    CLIENTS = "clients"


@dataclass(frozen=True, slots=True)
class FaultyBuilds:
    """Builds with a known fault: from `first` on, until `fixed` (None: there is no fix).

    `same_cu`: only builds of the cumulative update of `first`; otherwise all of its branch.
    """

    first: Build
    fixed: Build | None
    same_cu: bool

    def has(self, build: Build) -> bool:
        """True when a build has the fault."""
        if build.branch != self.first.branch or build < self.first:
            return False
        if self.same_cu and build.cu_key != self.first.cu_key:
            return False
        return self.fixed is None or build < self.fixed


@dataclass(frozen=True, slots=True)
class KnownIssue:
    """A fault of published updates that the vendor names.

    `title` says what it is, in English. `reference` is the vendor's article or post.
    `only_where`: empty, or `non_english_windows`. `examples`: a build, and whether it has
    the fault.
    """

    id: str
    title: str
    disturbs: Disturbance
    builds: tuple[FaultyBuilds, ...]
    only_where: str
    reference: str
    source: str
    examples: tuple[tuple[Build, bool], ...]

    def faulty(self, build: Build) -> FaultyBuilds | None:
        """The range a build lies in; None when it has not got the fault."""
        return next((each for each in self.builds if each.has(build)), None)


@dataclass(frozen=True, slots=True)
class FixSwitch:
    """A setting override that turns the fix of a CVE off again when it says `open_when`."""

    cve: str
    component: str
    section: str
    parameter: str
    open_when: str
    source: str


@dataclass(frozen=True, slots=True)
class WindowsRelease:
    """A Windows Server release by its build number (14393).

    `until`: last day of support for everybody; `paid_until`: last day of paid updates, None
    where none are announced.
    """

    name: str
    build: int
    until: date
    paid_until: date | None
    source: str


class Knowledge:
    """All that is known, with the look-ups the pure stages need.

    Updates and advisories are complete from `covered_from` to `covered_until`, both
    inclusive; for earlier days only what survived in public tables is known.
    `needles`: per kind of evidence, each text to look for with its fingerprint.
    `edition`: the version, and of files of one's own (`own`) the digest: what was concluded
    with another edition may have to be concluded anew.
    `directories` and `mitigations`: what an audit compares the configuration of IIS with.
    """

    __slots__ = (
        "__weakref__",
        "_builds_by_cu",
        "_by_build",
        "_by_line",
        "_fixes",
        "covered_from",
        "covered_until",
        "cves",
        "directories",
        "edition",
        "fingerprints",
        "fix_switches",
        "known_issues",
        "mitigations",
        "needles",
        "rejected",
        "support",
        "updates",
        "version",
        "windows",
    )

    def __init__(  # noqa: PLR0913  one argument per kind of knowledge, by name only
        self,
        *,
        version: str,
        covered_from: date,
        covered_until: date,
        updates: Iterable[Update],
        cves: Iterable[Cve],
        support: Iterable[SupportPhase],
        rejected: Iterable[RejectedBuild],
        fingerprints: Iterable[Fingerprint] = (),
        own: str = "",
        directories: ExchangeDirectories | None = None,
        mitigations: Iterable[KnownMitigation] = (),
        known_issues: Iterable[KnownIssue] = (),
        fix_switches: Iterable[FixSwitch] = (),
        windows: Iterable[WindowsRelease] = (),
    ) -> None:
        self.version = version
        self.edition = f"{version}+{own}" if own else version
        self.covered_from = covered_from
        self.covered_until = covered_until
        self.updates = tuple(sorted(updates, key=lambda update: update.build))
        self.cves = tuple(cves)
        self.fingerprints = tuple(fingerprints)
        self.directories = directories or ExchangeDirectories()
        self.mitigations = tuple(mitigations)
        self.known_issues = tuple(known_issues)
        self.fix_switches = tuple(fix_switches)
        self.windows = tuple(windows)
        self.needles = _needles(self.fingerprints)
        self.support: dict[tuple[ProductLine, str], tuple[SupportPhase, ...]] = {}
        for phase in support:
            key = (phase.line, phase.cu)
            self.support[key] = (*self.support.get(key, ()), phase)
        self.rejected = {row.build: row for row in rejected}
        self._fixes: dict[ProductLine, dict[str, LineFix]] = {line: {} for line in ProductLine}
        for cve in self.cves:
            for fix in cve.lines:
                self._fixes[fix.line][cve.id] = fix
        self._by_build = {update.build: update for update in self.updates}
        self._by_line: dict[ProductLine, tuple[Update, ...]] = {}
        self._builds_by_cu: dict[tuple[ProductLine, str], tuple[Update, ...]] = {}
        for update in self.updates:
            self._by_line[update.line] = (*self._by_line.get(update.line, ()), update)
            key = (update.line, update.cu)
            self._builds_by_cu[key] = (*self._builds_by_cu.get(key, ()), update)

    def update(self, build: Build) -> Update | None:
        """The row of exactly this build; None when it is not published."""
        return self._by_build.get(build)

    def of_line(self, line: ProductLine) -> tuple[Update, ...]:
        """All updates of a line, oldest build first."""
        return self._by_line.get(line, ())

    def fixes(self, line: ProductLine) -> dict[str, LineFix]:
        """How each CVE that concerns a line is fixed there, by CVE id."""
        return self._fixes[line]

    def of_cu(self, line: ProductLine, cu: str) -> tuple[Update, ...]:
        """All builds of one CU or service pack, its own release first."""
        return self._builds_by_cu.get((line, cu), ())

    def row_for(self, build: Build) -> Update | None:
        """The row of this build or, for lines up to 2003, of the next lower published one.

        Greetings of 5.5 to 2003 print numbers of hotfixes that no table lists; the row
        below is what is certainly installed.
        """
        exact = self._by_build.get(build)
        if exact is not None or not build.is_printed_in_full or build.line is None:
            return exact
        rows = self.of_line(build.line)
        at = bisect_right(rows, build, key=lambda update: update.build)
        return rows[at - 1] if at else None


def _needles(
    fingerprints: Iterable[Fingerprint],
) -> dict[EvidenceKind, tuple[tuple[str, Fingerprint], ...]]:
    return {
        kind: tuple(
            (needle, fingerprint)
            for fingerprint in fingerprints
            if kind in fingerprint.kinds
            for needle in fingerprint.contains
        )
        for kind in EvidenceKind
    }
