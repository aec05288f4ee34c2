"""Certificates from their bytes, and from what a collector selected."""

import base64
from datetime import UTC, date, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from patchstand.collect.certificates import certificates
from patchstand.model.inside import Export, PsObject, Skipped, StoredCertificate, Value

FIRST, LAST = datetime(2024, 1, 2, tzinfo=UTC), datetime(2027, 3, 4, 5, 6, tzinfo=UTC)
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def made(key: Key, subject: str = "mail.example.com", issuer: str = "mail.example.com") -> bytes:
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)]) for cn in (subject, issuer)]
    builder = (
        x509.CertificateBuilder()
        .subject_name(names[0])
        .issuer_name(names[1])
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(FIRST)
        .not_valid_after(LAST)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


RSA = rsa.generate_private_key(65537, 2048)
DER = made(RSA)


def export(*objects: Value) -> Export:
    return Export("Exchange/GetExchangeCertificate.xml", objects)


def stored(raw: "bytes | str", **more: Value) -> StoredCertificate | Skipped:
    text = base64.b64encode(raw).decode() if isinstance(raw, bytes) else raw
    properties: dict[str, Value] = {"rawdata": text}
    properties |= {name.lower(): value for name, value in more.items()}
    return next(iter(certificates(export(PsObject(properties=properties)))))


def test_the_bytes_tell_all_that_is_judged() -> None:
    """Name, dates in UTC, key, signature, and the thumbprint by which Windows names it."""
    found = stored(DER)

    assert isinstance(found, StoredCertificate)
    parsed = x509.load_der_x509_certificate(DER)
    assert found.thumbprint == parsed.fingerprint(hashes.SHA1()).hex().upper()
    assert (found.subject, found.is_self_signed) == ("CN=mail.example.com", True)
    assert (found.not_before, found.not_after) == (date(2024, 1, 2), date(2027, 3, 4))
    assert (found.key, found.key_bits, found.signature) == ("RSA", 2048, "sha256")
    assert found.services is None


def test_an_elliptic_curve_and_another_issuer() -> None:
    """Its size is that of the curve."""
    found = stored(made(ec.generate_private_key(ec.SECP256R1()), issuer="Example CA"))

    assert isinstance(found, StoredCertificate)
    assert (found.key, found.key_bits, found.is_self_signed) == ("EC", 256, False)


@pytest.mark.parametrize(
    ("services", "said"),
    [
        (PsObject(text="IIS, SMTP", number=12), ("IIS", "SMTP")),
        ("None", ()),
        (None, ()),
    ],
)
def test_services_are_told_where_exchange_told_them(services: Value, said: tuple[str, ...]) -> None:
    """None used is not the same as not told."""
    found = stored(DER, Services=services, Status=PsObject(text="Valid"))

    assert isinstance(found, StoredCertificate)
    assert (found.services, found.status) == (said, "Valid")


def test_selected_properties_are_believed() -> None:
    """A collector may leave the bytes out."""
    told = PsObject(
        properties={
            "thumbprint": "ab" * 20,
            "notafter": LAST,
            "subject": "CN=x",
            "issuer": "CN=y",
            "publickeysize": 1024,
        }
    )

    found = next(iter(certificates(export(told))))

    assert isinstance(found, StoredCertificate)
    assert (found.thumbprint, found.not_after) == ("AB" * 20, date(2027, 3, 4))
    assert (found.key, found.key_bits) == ("", 1024)


def test_places_are_counted_through_lists() -> None:
    """Each says where in the file it stands."""
    one = PsObject(properties={"rawdata": base64.b64encode(DER).decode()})

    found = list(certificates(export(PsObject(items=(one, PsObject())), one)))

    assert [each.place for each in found if isinstance(each, StoredCertificate)] == ["[0]", "[2]"]


@given(st.integers(0, len(DER) - 1), st.integers(0, 255))
def test_a_changed_byte_is_read_or_named_but_never_raises(at: int, byte: int) -> None:
    """What cannot be read is among the skipped, with its place."""
    changed = DER[:at] + bytes([byte]) + DER[at + 1 :]

    found = stored(changed)

    assert isinstance(found, StoredCertificate) or "[0]" in found.file


@pytest.mark.parametrize("raw", ["x", "====", "MII", base64.b64encode(DER[:300]).decode()])
def test_broken_bytes_are_named(raw: str) -> None:
    """As a certificate that cannot be read."""
    found = stored(raw)

    assert isinstance(found, Skipped)
    assert found.file == "Exchange/GetExchangeCertificate.xml [0]"


def test_other_objects_are_none() -> None:
    """Neither texts nor objects without bytes."""
    assert (
        list(certificates(export("x", None, PsObject(), PsObject(properties={"rawdata": 5})))) == []
    )
