"""One row of the store: what one look, or one row of somebody else's report, showed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from patchstand.model.evidence import Evidence
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
    `certificate` is the SHA-256 of the DER form, as hexadecimal digits.
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


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row of an imported file that cannot be used: its line (from 1), and why."""

    line: int
    reason: str
