"""The nouns of the lab: a Kind, a Node, a Server, an Estate, and the truth about them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any

from patchstand.lab.answers import MailboxFace, Request, Response, SmtpFace
from patchstand.model import Build, IdentityPrecision, ProductLine

DOMAIN = "lab.invalid"
_TRUST = tuple(IdentityPrecision)


class Service(StrEnum):
    """What a port speaks; the words of a target line."""

    HTTPS = "https"
    SMTP = "smtp"
    IMAP = "imap"
    POP = "pop"


class Trouble(StrEnum):
    """What a hostile server does instead of answering."""

    SILENT = "silent"
    SLOW = "slow"
    ENDLESS_HEADER = "endless_header"
    HUGE_BODY = "huge_body"
    GZIP_BOMB = "gzip_bomb"
    BROKEN_TLS = "broken_tls"
    RANDOM_BYTES = "random_bytes"
    RESET = "reset"
    PLAIN_HTTP = "plain_http"
    REFUSED = "refused"


class Tls(StrEnum):
    """Which TLS versions a server accepts."""

    ANY = "1.2 and 1.3"
    ONLY_1_2 = "1.2"
    ONLY_1_0 = "1.0"


@dataclass(frozen=True, slots=True)
class Node:
    """One back end behind an address.

    `build` is the published build it truly has; `shown` the four-part version its web
    component prints, on 2007 and 2010 sometimes a little below. `says_version`: it sends
    X-OWA-Version. `powershell` is the status of its /powershell directory.
    """

    name: str
    domain: str
    line: ProductLine
    build: Build
    shown: str
    iis: str
    tls: Tls
    says_version: bool = True
    has_manifest: bool = False
    only_of_its_cu: bool = False
    powershell: int = 401
    language: str = "en"

    @property
    def host(self) -> str:
        """The full name inside the organisation."""
        return f"{self.name.lower()}.{self.domain}"

    @property
    def cu_path(self) -> str:
        """The first three parts, as in the paths of the sign-in page of 2013 and later."""
        return ".".join(str(part) for part in self.build.cu_key)

    @property
    def visible(self) -> IdentityPrecision:
        """The best an honest observer learns when nothing in front hides anything."""
        if self.line is ProductLine.V2003:
            return IdentityPrecision.EXACT
        if self.says_version and self.shown != str(self.build):
            return IdentityPrecision.NARROWED
        if self.says_version or self.has_manifest or self.only_of_its_cu:
            return IdentityPrecision.EXACT
        return IdentityPrecision.CU


Web = Callable[["Server", Node, Request], Response]
Smtp = Callable[["Server", Node], SmtpFace]
Mailbox = Callable[["Server", Node], MailboxFace]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of server: how it answers and how much of it can be seen.

    `is_exchange` None: nothing it answers lets anyone tell. `lines`: what its nodes run;
    kinds that are no Exchange server have none. `nodes`: fewest and most back ends.
    `visible` overrides what its nodes would show (a front hides it). `certificates` and
    `tls` override the usual choice. A service whose function is None is not offered;
    those in `always` are offered whatever the population says.
    """

    name: str
    says: str
    is_exchange: bool | None
    lines: tuple[ProductLine, ...] = ()
    nodes: tuple[int, int] = (1, 1)
    web: Web | None = None
    smtp: Smtp | None = None
    imap: Mailbox | None = None
    pop: Mailbox | None = None
    visible: IdentityPrecision | None = None
    certificates: tuple[str, ...] = ()
    tls: Tls | None = None
    always: frozenset[Service] = frozenset({Service.HTTPS})
    trouble: Trouble | None = None

    def offers(self, service: Service) -> bool:
        """True when this kind speaks `service` at all."""
        return getattr(self, "web" if service is Service.HTTPS else service.value) is not None


@dataclass(frozen=True, slots=True)
class Server:
    """One address of the estate; `services` are those it offers, in target-line order."""

    number: int
    address: str
    kind: Kind
    nodes: tuple[Node, ...]
    services: tuple[Service, ...]
    certificate: str
    tls: Tls

    @property
    def name(self) -> str:
        """Its name in the DNS of the lab; its mail domain is the same."""
        return f"s{self.number:05d}.{DOMAIN}"

    @property
    def visible(self) -> IdentityPrecision:
        """The best an honest observer learns of its least visible node."""
        if self.kind.visible is not None:
            return self.kind.visible
        if not self.nodes or not self.kind.is_exchange:
            return IdentityPrecision.NONE
        return max((node.visible for node in self.nodes), key=_TRUST.index)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the services listen; 0 lets the system choose. `refused`: nobody listens there."""

    https: int = 8443
    smtp: int = 2525
    imap: int = 1143
    pop: int = 1110
    dns: int = 5353
    refused: int = 0

    @classmethod
    def free(cls) -> "Ports":
        """Ports that the system chooses."""
        return cls(0, 0, 0, 0, 0, 0)

    def of(self, service: Service) -> int:
        """The port of a TCP service."""
        port: int = getattr(self, service.value)
        return port


@dataclass(frozen=True)
class Estate:
    """All simulated servers, as they are on `as_of`."""

    servers: tuple[Server, ...]
    as_of: date

    @cached_property
    def by_address(self) -> dict[str, Server]:
        """Look-up from the local address of a connection."""
        return {server.address: server for server in self.servers}


def target_line(server: Server, ports: Ports) -> str:
    """Return the line of the targets file, such as `127.1.2.3 https=8443 smtp=2525`."""
    refused = server.kind.trouble is Trouble.REFUSED
    words = [
        f"{service.value}={ports.refused if refused else ports.of(service)}"
        for service in server.services
    ]
    return " ".join([server.address, *words])


def truth_record(server: Server, ports: Ports) -> dict[str, Any]:
    """Return what a server truly is, for the truth file (one JSON object a line).

    `visible` is an IdentityPrecision: the best anyone can learn by honest questions; where
    it is `none` or `line`, not knowing is the honest answer. `build` is the published build,
    for 2003 as its greetings print it (6.5.7638.1 for 6.5.7638).
    """
    return {
        "target": target_line(server, ports),
        "name": server.name,
        "kind": server.kind.name,
        "is_exchange": server.kind.is_exchange,
        "hostile": server.kind.trouble is not None,
        "visible": server.visible.value,
        "nodes": [_truth_of_node(server, node) for node in server.nodes],
    }


def _truth_of_node(server: Server, node: Node) -> dict[str, Any]:
    visible = server.kind.visible or node.visible
    return {
        "name": node.name,
        "line": node.line.value,
        "build": node.shown if node.line is ProductLine.V2003 else str(node.build),
        "visible": visible.value,
    }
