"""Looking at servers from outside: targets, permission, outcomes, transcripts."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

HERE = "this machine"
"""The vantage point where nobody named one."""


class Outcome(StrEnum):
    """How one attempt ended: a failed measurement is a result, not an exception."""

    ANSWERED = "answered"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    RESET = "reset"
    UNREACHABLE = "unreachable"
    TLS_FAILED = "tls_failed"
    PROTOCOL_ERROR = "protocol_error"
    TOO_LARGE = "too_large"
    NO_ADDRESS = "no_address"
    OUT_OF_SCOPE = "out_of_scope"
    BUDGET_SPENT = "budget_spent"


@dataclass(frozen=True, slots=True)
class Target:
    """What to look at: a name or an address, and the ports of its services.

    A port of None means: do not ask that service. Read from `127.1.2.3 https=8443`.
    """

    name: str
    https: int | None = 443
    smtp: int | None = 25
    imap: int | None = 143
    pop: int | None = 110


@dataclass(frozen=True, slots=True)
class Scope:
    """Who allows which targets to be asked, for what purpose, how often, from when until when.

    `networks` are CIDR strings, `domains` names that cover their sub-domains;
    `authority` is own, contract or statutory (then `legal_basis` names the norm).
    `opt_outs` are addresses, networks and domains that asked not to be asked, those of
    `opt_out_file` included. Budgets and rates as in `PaceRules`; None: none of its own.
    """

    authority: str
    legal_basis: str
    purposes: tuple[str, ...]
    contact: str
    networks: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    denied_networks: tuple[str, ...] = ()
    denied_domains: tuple[str, ...] = ()
    valid_until: date | None = None
    valid_from: date | None = None
    organisation: str = ""
    data_protection_officer: str = ""
    opt_outs: tuple[str, ...] = ()
    opt_out_file: str | None = None
    requests_per_server: int | None = None
    requests_per_network: int | None = None
    rate: float | None = None
    rate_per_network: float | None = None


@dataclass(frozen=True, slots=True)
class Permit:
    """The gate's yes for one address; every connection needs one, every result carries it.

    `granted_by`: loopback, scope, domain_proof or responsible.
    """

    address: str
    granted_by: str
    authority: str
    legal_basis: str
    purposes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """What the TLS handshake showed; `certificate` is DER, taken without trusting it."""

    version: str
    cipher: str
    certificate: bytes | None


@dataclass(frozen=True, slots=True)
class Transcript:
    """One question and its answer, unchanged.

    `service` is https, smtp, imap or pop; `question` the request line or dialogue name.
    `answer` holds the raw bytes received, cut at the probe's limit (`truncated`).
    `connection` numbers the connection of this observation it went over.
    """

    service: str
    question: str
    outcome: Outcome
    answer: bytes = b""
    truncated: bool = False
    detail: str = ""
    connection: int = 0
    tls: TlsFacts | None = None
    milliseconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Observation:
    """All that one look at one address showed; says what happened, not what it means.

    `requests` counts HTTP requests and mail sessions. `outcome` is the best one reached.
    """

    target: Target
    address: str | None
    observed_at: datetime
    vantage_point: str
    outcome: Outcome
    requests: int
    transcripts: tuple[Transcript, ...]
    permit: Permit | None = None
    detail: str = ""
