"""One row of the store: what one look, or one row of somebody else's report, showed."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from patchstand.model.assessment import ServerClass
from patchstand.model.build import Build, ProductLine
from patchstand.model.evidence import Evidence, IdentityPrecision
from patchstand.model.observation import HERE, Outcome, Permit, Transcript


class Source(StrEnum):
    """Where a row comes from: our own scan, or the format it was imported from."""

    SCAN = "scan"
    SHADOWSERVER = "shadowserver"
    NMAP = "nmap"
    ZGRAB2 = "zgrab2"
    MAIL = "mail"
    COLLECTOR = "collector"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server stands and whose it is, by files the user has; None: not known.

    `country` is ISO 3166-1 alpha-2, `state` ISO 3166-2 (`DE-BY`) or the source's own word,
    `asn` the number of the autonomous system, `sector` the source's own word.
    """

    country: str | None = None
    state: str | None = None
    asn: int | None = None
    sector: str | None = None


NOWHERE = Place()


@dataclass(frozen=True, slots=True)
class Record:
    """What one look at one target, or one imported row, showed; no conclusion in it.

    `target` is its name or address and `ports` the services asked (`https=8443 smtp=2525`,
    empty for the usual ones); both together are unique within a scan. `observed_at` is UTC.
    `answers` are the raw ones; their store ends before that of `evidence`.
    `nodes` are the names of back ends that the answers showed; `evidence` is the essence of
    them. `certificate` is the SHA-256 of the DER form, as hexadecimal digits.
    """

    target: str
    ports: str
    address: str | None
    observed_at: datetime
    outcome: Outcome
    evidence: tuple[Evidence, ...] = ()
    source: Source = Source.SCAN
    requests: int = 0
    detail: str = ""
    vantage_point: str = HERE
    permit: Permit | None = None
    certificate: str | None = None
    place: Place = NOWHERE
    answers: tuple[Transcript, ...] = ()
    nodes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What follows from the evidence of a record, as of a day; recomputable from it at any time.

    `key` is the same for the same evidence seen on the same day. The identity is that of the
    worst node; `clues` read `rule=value`. `behind_low` and `behind_high` are days, None where
    there is no build. `knowledge` is the version that was used.
    """

    key: int
    seen_on: date
    evidence: tuple[Evidence, ...]
    is_exchange: bool | None
    line: ProductLine | None
    lines: tuple[ProductLine, ...]
    builds: tuple[Build, ...]
    or_later: bool
    precision: IdentityPrecision
    clues: tuple[str, ...]
    conflicts: tuple[str, ...]
    reason: str | None
    look_alike: str | None
    node_count: int
    server_class: ServerClass | None
    behind_low: int | None
    behind_high: int | None
    as_of: date
    knowledge: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row of an imported file that cannot be used: its line (from 1), and why."""

    line: int
    reason: str


_USUAL = {"https=443", "smtp=25", "imap=143", "pop=110"}


def usual_ports(ports: str) -> str:
    """The ports that tell servers of one address apart: those that are not the usual ones.

    `https=443` of a report and the empty text of a scan mean the same server.
    """
    return " ".join(sorted(set(ports.split()) - _USUAL)) if ports else ""
