from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from tests.observe import servers

from patchstand.observe.certificate import certificate_facts, is_valid_on

DER = serialization.Encoding.DER


def made(subject: str, issuer: str, *, with_names: bool = False) -> bytes:
    key = ed25519.Ed25519PrivateKey.generate()
    start = datetime(2020, 1, 1, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(rsa.generate_private_key(65537, 1024).public_key())
        .serial_number(5)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=90))
    )
    if with_names:
        names = [x509.DNSName(f"n{number}.example") for number in range(300)]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, None).public_bytes(DER)


def test_what_an_exchange_installation_signs_for_itself() -> None:
    """Names, dates, key and the self-made signature are read."""
    pem, _ = servers.certificate()
    certificate = x509.load_pem_x509_certificate(pem)

    facts = certificate_facts(certificate.public_bytes(DER))

    assert facts.sha256 == certificate.fingerprint(hashes.SHA256()).hex()
    assert facts.subject == "mail01"
    assert facts.names == ("mail01", "mail01.corp.example")
    assert facts.issuer == "CN=mail01"
    assert (facts.not_before, facts.not_after) == (date(2024, 9, 11), date(2029, 9, 11))
    assert facts.self_signed
    assert facts.key == "EC secp256r1"
    assert facts.signature == "sha256"
    assert (facts.router, facts.problem) == (None, None)


@pytest.mark.parametrize(
    ("subject", "issuer", "router"),
    [
        ("fritz.box", "fritz.box", "FRITZ!Box"),
        ("abc123.myfritz.net", "R3", "FRITZ!Box"),
        ("nas.synology.me", "R3", "Synology"),
        ("notfritz.boxer.example", "R3", None),
        ("mail.example.org", "R3", None),
        ("FortiGate", "FortiGate", "FortiGate"),
    ],
)
def test_consumer_devices_are_named(subject: str, issuer: str, router: str | None) -> None:
    """A router's or a storage box's own certificate names the device."""
    facts = certificate_facts(made(subject, issuer))

    assert facts.router == router
    assert facts.self_signed is (subject == issuer)
    assert facts.key == "RSA 1024"


def test_validity_is_judged_at_a_date() -> None:
    """The same certificate is valid at one date and expired at another."""
    facts = certificate_facts(made("a", "b"))

    assert is_valid_on(facts, date(2020, 2, 1)) is True
    assert is_valid_on(facts, date(2020, 6, 1)) is False
    assert is_valid_on(facts, date(2019, 6, 1)) is False
    assert is_valid_on(certificate_facts(b"rubbish"), date(2020, 2, 1)) is None


def test_many_names_are_capped() -> None:
    """A certificate for 300 names keeps 100."""
    assert len(certificate_facts(made("a", "b", with_names=True)).names) == 100


WHOLE = made("mail.example", "CA")


@given(st.one_of(st.binary(max_size=200), st.integers(0, len(WHOLE) - 1).map(lambda n: WHOLE[:n])))
def test_no_bytes_raise(der: bytes) -> None:
    """Rubbish and halves of certificates are facts with a problem."""
    facts = certificate_facts(der)

    assert facts.problem
    assert len(facts.sha256) == 64


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_no_changed_byte_raises(place: int, value: int) -> None:
    """A certificate with any byte changed is read or is a problem."""
    changed = bytearray(WHOLE)
    changed[place] = value

    assert certificate_facts(bytes(changed)).sha256
