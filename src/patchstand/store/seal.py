"""Lists that name servers, encrypted to named recipients (CMS EnvelopedData, RFC 5652).

What is to be encrypted never lies on the disk in the clear: it is built in memory, sealed
there, and only the sealed bytes are written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7EnvelopeBuilder, PKCS7Options
from cryptography.x509.oid import ExtendedKeyUsageOID

from patchstand.errors import UsageError

TLP = ("red", "amber+strict", "amber", "green", "clear")
"""The labels of the Traffic Light Protocol 2.0 (FIRST), the strictest first."""

SMALLEST_KEY = 2048
"""Bits; shorter RSA keys are no protection (BSI TR-02102-1 asks for more still)."""

_FOR_MAIL = {ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody a list is encrypted to; `fingerprint` is the SHA-256 of the certificate."""

    subject: str
    fingerprint: str
    certificate: x509.Certificate


def read_recipient(path: Path, now: datetime) -> Recipient:
    """Read the certificate of a recipient (PEM, or DER).

    Raises:
        UsageError: it cannot be read, is not valid at `now`, or is not made to encrypt to.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"recipient {path}: {error.strerror}") from error
    try:
        pem = b"-----BEGIN CERTIFICATE-----" in content
        load = x509.load_pem_x509_certificate if pem else x509.load_der_x509_certificate
        certificate = load(content)
        refused = _refused(certificate, now)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"recipient {path}: not an X.509 certificate") from error
    if refused:
        raise UsageError(f"recipient {path}: {refused}; ask the recipient for another certificate")
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
    return Recipient(certificate.subject.rfc4514_string(), fingerprint, certificate)


def _refused(certificate: x509.Certificate, now: datetime) -> str | None:
    """Why nothing may be encrypted to a certificate; None when it may."""
    if now < certificate.not_valid_before_utc:
        return f"not valid before {certificate.not_valid_before_utc:%Y-%m-%d}"
    if now > certificate.not_valid_after_utc:
        return f"expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        return "its key is not an RSA key, which this encryption needs"
    if key.key_size < SMALLEST_KEY:
        return f"its RSA key has {key.key_size} bits, at least {SMALLEST_KEY} are needed"
    if not _may_encrypt(certificate):
        return "it is not made for encryption (key usage)"
    return None


def _may_encrypt(certificate: x509.Certificate) -> bool:
    """RFC 8551, section 4.4: what key usage and extended key usage must allow, where present."""
    for extension in certificate.extensions:
        value = extension.value
        if isinstance(value, x509.KeyUsage) and not value.key_encipherment:
            return False
        if isinstance(value, x509.ExtendedKeyUsage) and not _FOR_MAIL & set(value):
            return False
    return True


def seal(content: bytes, recipients: Sequence[Recipient]) -> bytes:
    """Encrypt to every recipient: AES-256-CBC, DER; `openssl cms -decrypt -inform DER` opens it."""
    builder = PKCS7EnvelopeBuilder().set_data(content).set_content_encryption_algorithm(AES256)
    for recipient in recipients:
        builder = builder.add_recipient(recipient.certificate)
    return builder.encrypt(Encoding.DER, [PKCS7Options.Binary])
