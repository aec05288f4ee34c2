"""The DNS of the lab."""

import socket
from collections.abc import Iterator

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest
from tests.lab.conversation import SECONDS, an_estate, connected

from patchstand.lab import Lab, lab_in_thread

PROOF = {"_patchstand.s00000.lab.invalid": ('patchstand "proof"',)}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Three servers, and a TXT record for the first."""
    with lab_in_thread(an_estate(3, '{"SE": 1}'), texts=PROOF) as running:
        yield running


def _answer(lab: Lab, name: str, kind: str) -> tuple[dns.rcode.Rcode, list[str]]:
    query = dns.message.make_query(name, kind)
    reply = dns.query.udp(query, "127.0.0.1", port=lab.ports.dns, timeout=SECONDS)
    return reply.rcode(), [str(row) for rrset in reply.answer for row in rrset]


def test_servers_have_addresses_and_mail_exchangers(lab: Lab) -> None:
    """The name and any name below it have the server's address; mail goes to `mail.`."""
    server = lab.estate.servers[1]

    assert _answer(lab, server.name, "A") == (dns.rcode.NOERROR, [server.address])
    assert _answer(lab, f"autodiscover.{server.name}", "A")[1] == [server.address]
    [exchanger] = _answer(lab, server.name.upper(), "MX")[1]
    assert exchanger.lower() == f"10 mail.{server.name}."


def test_texts_are_answered(lab: Lab) -> None:
    """TXT records are those given, and only those."""
    assert _answer(lab, "_patchstand.s00000.lab.invalid", "TXT")[1] == ['"patchstand \\"proof\\""']
    assert _answer(lab, "_patchstand.s00001.lab.invalid", "TXT") == (dns.rcode.NOERROR, [])


def test_other_names_do_not_exist(lab: Lab) -> None:
    """A name of no server is NXDOMAIN; a type it has not is empty."""
    assert _answer(lab, "www.example.org", "A") == (dns.rcode.NXDOMAIN, [])
    assert _answer(lab, lab.estate.servers[0].name, "AAAA") == (dns.rcode.NOERROR, [])


def test_rubbish_is_dropped(lab: Lab) -> None:
    """What is no DNS message gets no answer, and the next query does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"rubbish", ("127.0.0.1", lab.ports.dns))
        sock.sendto(b"", ("127.0.0.1", lab.ports.dns))

    assert _answer(lab, lab.estate.servers[0].name, "A")[0] == dns.rcode.NOERROR
    connected(lab.estate.servers[0].address, lab.ports.smtp).close()
