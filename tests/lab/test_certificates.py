"""Certificates as they are met in the field."""

import ssl
from datetime import date, timedelta

import pytest
from cryptography import x509
from tests.lab.conversation import connected, encrypted

from patchstand.lab import Lab
from patchstand.lab.certificates import EXPIRED, PUBLIC, ROUTER, SELF_SIGNED, Certificates
from patchstand.lab.servers import Tls

DAY = date(2026, 11, 22)


def _by_certificate(zoo: Lab) -> dict[str, x509.Certificate]:
    """What the servers of the zoo present, by the name of their certificate."""
    found: dict[str, x509.Certificate] = {}
    for server in zoo.estate.servers:
        if server.certificate not in found and server.kind.trouble is None:
            with encrypted(server.address, zoo.ports.https) as sock:
                der = sock.getpeercert(binary_form=True)
            assert der is not None
            found[server.certificate] = x509.load_der_x509_certificate(der)
    return found


def test_each_sort_is_presented(zoo: Lab) -> None:
    """Self-signed by set-up, publicly issued, expired, and a router's: as drawn."""
    noon = zoo.estate.as_of

    seen = _by_certificate(zoo)

    assert {PUBLIC, *SELF_SIGNED} <= set(seen)
    for host in SELF_SIGNED:
        assert seen[host].subject == seen[host].issuer
        assert seen[host].not_valid_after_utc - seen[host].not_valid_before_utc == timedelta(
            days=1826
        )
    assert seen[PUBLIC].subject != seen[PUBLIC].issuer
    if EXPIRED in seen:
        assert seen[EXPIRED].not_valid_after_utc.date() < noon
    if ROUTER in seen:
        assert seen[ROUTER].subject.rfc4514_string() == "CN=fritz.box"


def test_contexts_are_shared() -> None:
    """The same certificate and versions give the same context: making one costs time."""
    certificates = Certificates(DAY)

    assert certificates.context(PUBLIC, Tls.ANY) is certificates.context(PUBLIC, Tls.ANY)
    assert certificates.context(PUBLIC, Tls.ANY) is not certificates.context(ROUTER, Tls.ANY)


@pytest.mark.parametrize(
    ("kind", "version"), [("2003", "TLSv1"), ("2007", "TLSv1"), ("2010", "TLSv1.2")]
)
def test_old_servers_speak_old_tls(zoo: Lab, kind: str, version: str) -> None:
    """2003 and 2007 accept TLS 1.0 and nothing newer."""
    server = next(server for server in zoo.estate.servers if server.kind.name == kind)

    with encrypted(server.address, zoo.ports.https) as sock:
        assert sock.version() == version

    if version == "TLSv1":
        modern = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        modern.check_hostname, modern.verify_mode = False, ssl.CERT_NONE
        modern.minimum_version = ssl.TLSVersion.TLSv1_2  # Python's default depends on its build
        with connected(server.address, zoo.ports.https) as plain, pytest.raises(OSError):
            modern.wrap_socket(plain)
