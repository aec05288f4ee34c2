"""What a server's certificate says of itself; nothing of it is verified or trusted."""

import hashlib
import re
import warnings
from datetime import date
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.x509.oid import NameOID

from patchstand.model import CertificateFacts

NAMES_AT_MOST = 100
TEXT_LENGTH = 500
_ROUTERS = (
    (re.compile(r"(?i)(?:^|[.=, ])(?:fritz\.box|[\w-]+\.myfritz\.net)\b"), "FRITZ!Box"),
    (re.compile(r"(?i)\bspeedport\.ip\b"), "Speedport"),
    (re.compile(r"(?i)\.(?:synology\.me|diskstation\.me)\b|\bO=Synology\b"), "Synology"),
    (re.compile(r"(?i)\.myqnapcloud\.com\b|\bQNAP\b"), "QNAP"),
    (re.compile(r"(?i)\bSophosApplianceCertificate|\bSophos_CA_"), "Sophos"),
    (re.compile(r"(?i)\bFortiGate\b|\bO=Fortinet\b"), "FortiGate"),
)
"""Devices for homes and small offices that answer on the same address as a mail
server: the names their factory certificates carry."""


@lru_cache(maxsize=4096)
def certificate_facts(der: bytes) -> CertificateFacts:
    """Read a DER certificate; never raises: `problem` says why it cannot be read."""
    digest = hashlib.sha256(der).hexdigest()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd serial numbers and the like: theirs, not ours
            return _facts(x509.load_der_x509_certificate(der), digest)
    except Exception as error:  # noqa: BLE001  # any bytes may come, and the parser's errors are many
        return CertificateFacts(digest, problem=f"{type(error).__name__}: {error}"[:TEXT_LENGTH])


def is_valid_on(facts: CertificateFacts, day: date) -> bool | None:
    """Whether `day` lies within the certificate's dates; None when they cannot be read."""
    if facts.not_before is None or facts.not_after is None:
        return None
    return facts.not_before <= day <= facts.not_after


def _facts(certificate: x509.Certificate, digest: str) -> CertificateFacts:
    names = _names(certificate)
    subject = certificate.subject.rfc4514_string()
    issuer = certificate.issuer.rfc4514_string()
    return CertificateFacts(
        sha256=digest,
        subject=(_common_name(certificate) or subject)[:TEXT_LENGTH],
        names=names,
        issuer=issuer[:TEXT_LENGTH],
        not_before=certificate.not_valid_before_utc.date(),
        not_after=certificate.not_valid_after_utc.date(),
        self_signed=certificate.subject == certificate.issuer,
        key=_key(certificate),
        signature=_signature(certificate),
        router=_router(", ".join((subject, issuer, *names))),
    )


def _common_name(certificate: x509.Certificate) -> str:
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return ()
    found = extension.value.get_values_for_type(x509.DNSName)
    return tuple(name[:TEXT_LENGTH] for name in found[:NAMES_AT_MOST])


def _key(certificate: x509.Certificate) -> str:
    try:
        key = certificate.public_key()
    except Exception as error:  # noqa: BLE001  # an unknown key must not hide the dates
        return f"unreadable ({type(error).__name__})"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    if isinstance(key, dsa.DSAPublicKey):
        return f"DSA {key.key_size}"
    return type(key).__name__.removesuffix("PublicKey").strip("_")


def _signature(certificate: x509.Certificate) -> str:
    try:
        algorithm = certificate.signature_hash_algorithm
    except Exception:  # noqa: BLE001  # an unknown algorithm is named by its number
        return certificate.signature_algorithm_oid.dotted_string
    return algorithm.name if algorithm else certificate.signature_algorithm_oid.dotted_string


def _router(text: str) -> str | None:
    return next((name for pattern, name in _ROUTERS if pattern.search(text)), None)
