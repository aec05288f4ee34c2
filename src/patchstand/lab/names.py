"""A small DNS over UDP: the names of the estate, its mail exchangers, a few TXT records.

Server 12 is `s00012.lab.invalid`: an A record for it and for any name below it
(`mail.`, `autodiscover.`), and an MX that points to `mail.` of it.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from patchstand.lab.servers import DOMAIN, Estate, Server

_TTL = 60
_NAME = re.compile(rf"(?:[a-z0-9_-]+\.)*(s\d{{5,}}\.{re.escape(DOMAIN)})\.")


class NameServer(asyncio.DatagramProtocol):
    """Answers A, MX and TXT; `texts` maps a name (no final dot) to its TXT strings."""

    def __init__(self, estate: Estate, texts: Mapping[str, tuple[str, ...]]) -> None:
        self._servers = {server.name: server for server in estate.servers}
        self._texts = texts
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for the answers."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, packet: bytes, caller: tuple[str, int]) -> None:
        """Answer one query; what is no query is dropped."""
        try:
            query = dns.message.from_wire(packet)
            answer = self._answer(query)
        except (dns.exception.DNSException, IndexError):
            return
        if self._transport is not None:
            self._transport.sendto(answer.to_wire(), caller)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        question = query.question[0]
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA
        name = question.name.to_text().lower()
        texts = self._texts.get(name.rstrip("."), ())
        found = _NAME.fullmatch(name)
        server = self._servers.get(found[1]) if found else None
        if server is None and not texts:
            answer.set_rcode(dns.rcode.NXDOMAIN)
            return answer
        kind = dns.rdatatype.to_text(question.rdtype)
        values = _values(kind, server, texts)
        if values:
            answer.answer.append(dns.rrset.from_text(question.name, _TTL, "IN", kind, *values))
        return answer


def _values(kind: str, server: Server | None, texts: tuple[str, ...]) -> list[str]:
    if kind == "TXT":
        return ['"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in texts]
    if server is None:
        return []
    values = {"A": [server.address], "MX": [f"10 mail.{server.name}."]}
    return values.get(kind, [])
