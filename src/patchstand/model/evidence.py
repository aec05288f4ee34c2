"""Evidence (what a server said) and identity (the set of builds it is compatible with)."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from patchstand.model.build import Build, ProductLine


class EvidenceKind(StrEnum):
    """What sort of text it is; decides which reader looks at it."""

    HTTP_HEADERS = "http_headers"
    HTML = "html"
    SMTP_BANNER = "smtp_banner"
    EHLO = "ehlo"
    IMAP = "imap"
    POP = "pop"
    NTLM = "ntlm"
    MANIFEST = "manifest"
    RECEIVED = "received"
    EWS_SOAP = "ews_soap"
    BUILD = "build"


class IdentityPrecision(StrEnum):
    """How narrow the set is: one build, a part of a CU, a whole CU, a line, nothing."""

    EXACT = "exact"
    NARROWED = "narrowed"
    CU = "cu"
    LINE = "line"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One text a server (or a mail) showed.

    `seen_on` is the day it was seen; `server_name` the name under which the server was
    asked, if known (decides whether an absolute URL in a page is its own).
    `connection` numbers the connection it came over: several items of one connection
    belong to one node.
    """

    kind: EvidenceKind
    text: str
    seen_on: date | None = None
    server_name: str | None = None
    source: str | None = None
    connection: int = 0


@dataclass(frozen=True, slots=True)
class Clue:
    """What one rule concluded from one piece of evidence.

    `is_exchange`: True on-premises, False something else, None says nothing.
    `lines`: product lines it is compatible with; None leaves them open.
    `builds`: builds it is compatible with; None leaves them open, empty means that it
    names a build no table knows, and `reason` says why. `or_later`: the number was rounded
    up. `node` names the back end, `reply` the answer it stands in: what one answer says
    of itself goes together. Clues that are not `trusted` are reported, never used.
    """

    rule: str
    value: str
    says: str
    is_exchange: bool | None = None
    lines: frozenset[ProductLine] | None = None
    builds: frozenset[Build] | None = None
    or_later: bool = False
    reason: str | None = None
    node: str | None = None
    source: str | None = None
    kind: EvidenceKind | None = None
    seen_on: date | None = None
    trusted: bool = True
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two clues that cannot both be true of one node, or one that looks tampered with."""

    rule: str
    says: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """What one node is: a set of builds with its reasons.

    `is_exchange` True: an on-premises Exchange server; False: something else
    (`look_alike` says what, if known); None: cannot be told from this evidence.
    `reason` says why `builds` is empty (`knowledge_too_old`, `pre_release`, `unlisted`,
    `not_yet_released`), or what casts doubt on it (`unlisted_build`: a number of 2016 or
    later that is in no table).
    """

    is_exchange: bool | None
    lines: tuple[ProductLine, ...] = ()
    builds: tuple[Build, ...] = ()
    or_later: bool = False
    precision: IdentityPrecision = IdentityPrecision.NONE
    evidence: tuple[Clue, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    node: str | None = None
    look_alike: str | None = None
    fronts: tuple[str, ...] = ()
    reason: str | None = None
    seen_on: date | None = None

    @property
    def line(self) -> ProductLine | None:
        """The product line, None when several are possible."""
        return self.lines[0] if len(self.lines) == 1 else None


@dataclass(frozen=True, slots=True)
class Sighted:
    """All nodes that the evidence of one target shows; `nodes` is never empty."""

    nodes: tuple[Identity, ...]
