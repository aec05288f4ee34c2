"""Names to addresses, TXT and MX records, over the system's resolver or a given server."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patchstand.errors import UsageError
from patchstand.observe.names import canonical_address, canonical_name, is_local_name

if TYPE_CHECKING:
    import dns.asyncresolver

LOOK_UP_SECONDS = 5.0
"""For all attempts of one look-up together."""
ADDRESSES_AT_MOST = 8
"""Addresses kept of one name, IPv4 first, lowest first."""
MAIL_SERVERS_AT_MOST = 16
LOOPBACK_ADDRESSES = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Resolution:
    """The addresses of a name; `detail` says why there is none."""

    addresses: tuple[str, ...]
    detail: str = ""


class Resolver:
    """Asks one DNS server, or those of the system; never anything but DNS."""

    def __init__(self, server: str | None = None, seconds: float = LOOK_UP_SECONDS) -> None:
        """Take `address`, `address:port` or `[address]:port`; None for the system's servers.

        Raises:
            UsageError: `server` is no address with an optional port.
        """
        self._server = _server(server) if server is not None else None
        self._seconds = seconds
        self._asked: dns.asyncresolver.Resolver | None = None  # made for the first name

    @property
    def is_loopback(self) -> bool:
        """True when a look-up stays on this machine."""
        address = canonical_address(self._server[0]) if self._server else None
        return address is not None and address.is_loopback

    def __str__(self) -> str:
        """Name it in journals and permits."""
        return "{}:{}".format(*self._server) if self._server else "the system's resolver"

    async def addresses(self, name: str) -> Resolution:
        """Look up A and AAAA; an address is its own, `localhost` is never asked for.

        Never raises: a name without address is a result.
        """
        address = canonical_address(name)
        if address is not None:
            return Resolution((str(address),))
        asked = canonical_name(name)
        if asked is None:
            return Resolution((), "neither a name nor an address")
        if is_local_name(asked):
            return Resolution(LOOPBACK_ADDRESSES)
        four, six = await asyncio.gather(self._ask(asked, "A"), self._ask(asked, "AAAA"))
        found = {canonical_address(text) for text in (*four[0], *six[0])}
        ordered = sorted((each for each in found if each), key=lambda each: (each.version, each))
        addresses = tuple(map(str, ordered[:ADDRESSES_AT_MOST]))  # the same at every look
        return Resolution(addresses, "" if addresses else four[1])

    async def texts(self, name: str) -> tuple[str, ...]:
        """The TXT records of a name; none when there are none or nobody answers."""
        records, _ = await self._ask(name, "TXT")
        return tuple(record.replace('" "', "").strip('"') for record in records)

    async def mail_servers(self, domain: str) -> tuple[str, ...]:
        """The names of a domain's MX records, most preferred first; none when it has none."""
        asked = canonical_name(domain)
        records, _ = await self._ask(asked, "MX") if asked else ([], "")
        ranked = sorted((int(rank), name) for rank, name in (r.split() for r in records))
        names = (canonical_name(name) for _, name in ranked)
        return tuple(name for name in names if name)[:MAIL_SERVERS_AT_MOST]

    async def _ask(self, name: str, kind: str) -> tuple[list[str], str]:
        import dns.exception  # noqa: PLC0415  slow to load, and addresses need no look-up
        import dns.name  # noqa: PLC0415

        try:
            resolver = self._resolver()
            question = dns.name.from_text(name)  # absolute: no search list is appended
            answer = await resolver.resolve(question, kind, lifetime=self._seconds)
        except (dns.exception.DNSException, OSError, EOFError, ValueError) as error:
            return [], _reason(error)
        return [record.to_text() for record in answer], ""

    def _resolver(self) -> "dns.asyncresolver.Resolver":
        import dns.asyncresolver  # noqa: PLC0415

        if self._asked is None:
            resolver = dns.asyncresolver.Resolver(configure=self._server is None)
            if self._server is not None:
                address, resolver.port = self._server
                resolver.nameservers = [address]
            self._asked = resolver
        return self._asked


def _reason(error: Exception) -> str:
    import dns.exception  # noqa: PLC0415
    import dns.resolver  # noqa: PLC0415

    if isinstance(error, dns.resolver.NXDOMAIN):
        return "the name does not exist"
    if isinstance(error, dns.resolver.NoAnswer):
        return "the name has no address"
    if isinstance(error, dns.exception.Timeout):
        return "no name server answered in time"
    return f"the look-up failed ({type(error).__name__})"


def _server(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or canonical_address(text) is not None:
        host, port = text, "53"
    address = canonical_address(host)
    if address is None or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"resolver {text}: give an address and a port, such as 127.0.0.1:53")
    return str(address), int(port)
