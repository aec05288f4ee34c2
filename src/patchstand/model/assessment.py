"""Verdicts: patch level, CVE statuses, findings, and the class of a server at a date."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from patchstand.model.build import Build, ProductLine
from patchstand.model.inside import Reading
from patchstand.model.knowledge import Condition, PhaseName


class Status(StrEnum):
    """A build's standing towards a CVE (VEX words plus our ignorance)."""

    AFFECTED = "affected"
    FIXED = "fixed"
    NOT_AFFECTED = "not_affected"
    UNDETERMINED = "undetermined"


class Why(StrEnum):
    """Why a status is what it is, where the build alone does not say it."""

    BUILD = "build"
    DEFAULT = "default"
    CONFIGURATION = "configuration"
    SET = "set"
    NOT_EXAMINED = "not_examined"
    ADVISORY_UNKNOWN = "advisory_unknown"
    KNOWLEDGE_STALE = "knowledge_stale"
    KNOWLEDGE_TOO_OLD = "knowledge_too_old"
    UNSUPPORTED = "unsupported"


class Severity(StrEnum):
    """Ordered from critical to info; the table that assigns them lies in `assess`."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for critical, 4 for info."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class ServerClass(StrEnum):
    """The three classes of a server; shares are [vulnerable, vulnerable + undetermined]."""

    VULNERABLE = "vulnerable"
    UNDETERMINED = "undetermined"
    NOT_VULNERABLE = "not_vulnerable"


@dataclass(frozen=True, slots=True)
class CveVerdict:
    """The status of one CVE. `decide_by`: the command, file or question that decides it."""

    id: str
    status: Status
    why: Why
    rce: bool | None
    kev: date | None
    cvss: float | None
    counts_for_class: bool
    pre_authentication: bool
    condition: Condition | None
    decide_by: str | None
    fixed_in: tuple[Build, ...]


@dataclass(frozen=True, slots=True)
class MissingUpdate:
    """A security update the server lacks; `unsupported`: it exists for successors only."""

    name: str
    released: date
    kb: str | None
    unsupported: bool


@dataclass(frozen=True, slots=True)
class Behind:
    """How far behind one build is; `since` None means nothing is missing (0 days)."""

    since: date | None
    days: int
    months: int
    missing: tuple[MissingUpdate, ...]


@dataclass(frozen=True, slots=True)
class Support:
    """Support phase of a build's CU at a date.

    `until` is the last day of the phase; for `ended` the day on which support ended.
    `public` False: updates of this phase go to paying customers only.
    """

    phase: PhaseName
    until: date | None
    public: bool


@dataclass(frozen=True, slots=True)
class BuildAssessment:
    """What one build means at one date."""

    build: Build
    line: ProductLine
    cu: str
    update: str
    kb: str | None
    released: date
    support: Support
    behind: Behind
    cves: tuple[CveVerdict, ...]
    server_class: ServerClass
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remedy:
    """One step to take; `action` is an id the report renders, with its values."""

    action: str
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing someone should act on.

    `id` names a check in `assess/checks` or `assess/inside_checks`; its text lies in
    `report`, filled by `values`. `read`: what an audit read where, empty from outside.
    """

    id: str
    severity: Severity
    values: tuple[tuple[str, str], ...] = ()
    remedy: tuple[Remedy, ...] = ()
    references: tuple[str, ...] = ()
    cves: tuple[str, ...] = ()
    read: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class Exposure:
    """One service reachable from where we looked, apart from whether it is vulnerable.

    `service` is a name such as owa, ecp, ews, powershell, smtp, imap; `login_methods` as
    offered (`Basic`, `NTLM`, `Negotiate`, `form`, SASL names); `encrypted` False for
    log-ins offered in clear text.
    """

    service: str
    port: int
    reachable: bool
    status: str
    login_methods: tuple[str, ...] = ()
    encrypted: bool = True


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a server's certificate says of itself; nothing of it is trusted.

    `names` are the DNS names; `key` reads `RSA 2048` or `EC secp256r1`; `router` names
    the consumer device whose certificate it is; `problem` says why it cannot be read.
    """

    sha256: str
    subject: str = ""
    names: tuple[str, ...] = ()
    issuer: str = ""
    not_before: date | None = None
    not_after: date | None = None
    self_signed: bool = False
    key: str = ""
    signature: str = ""
    router: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """The verdict over a set of builds at a date.

    `low` is the member with the least to fault, `high` the one with the most: N months
    behind holds for sure by `low`, possibly by `high`. `cves` are joined over the set.
    """

    as_of: date
    knowledge_version: str
    covered_until: date
    stale: bool
    server_class: ServerClass
    reasons: tuple[str, ...]
    members: tuple[BuildAssessment, ...]
    low: Behind | None
    high: Behind | None
    support: Support | None
    cves: tuple[CveVerdict, ...]
    findings: tuple[Finding, ...]
