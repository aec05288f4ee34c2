"""The certificates among the objects of an export.

`Export-Clixml` keeps of a certificate little more than its bytes, so those are read. A
collector that selected properties instead (`Thumbprint`, `NotAfter`) is believed.
"""

import base64
import warnings
from collections.abc import Iterator
from datetime import date, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from patchstand.model.inside import Export, PsObject, Skipped, StoredCertificate, Value, shown

_LONGEST_NAME = 500
"""Characters of a subject or an issuer that are kept."""


def certificates(export: Export) -> Iterator[StoredCertificate | Skipped]:
    """Each certificate of an export; one whose bytes are broken says so."""
    for number, each in enumerate(_objects(export.objects)):
        raw, place = each.get("RawData"), f"[{number}]"
        if isinstance(raw, str) and raw:
            yield _read(raw, each, export.file, place)
        elif isinstance(each.get("NotAfter"), datetime) and shown(each.get("Thumbprint")):
            yield _told(each, export.file, place)


def _objects(values: tuple[Value, ...]) -> Iterator[PsObject]:
    for value in values:
        if isinstance(value, PsObject):
            yield from _objects(value.items) if value.items else (value,)


def _read(raw: str, exported: PsObject, file: str, place: str) -> StoredCertificate | Skipped:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd serial numbers and the like: theirs, not ours
            certificate = x509.load_der_x509_certificate(base64.b64decode(raw))
            return _stored(certificate, exported, file, place)
    except Exception as error:  # noqa: BLE001  # any bytes may come, and the parser's errors are many
        return Skipped(f"{file} {place}", f"a certificate that cannot be read: {error}"[:200])


def _stored(
    certificate: x509.Certificate, exported: PsObject, file: str, place: str
) -> StoredCertificate:
    key, bits = _key(certificate)
    return StoredCertificate(
        file=file,
        place=place,
        # The name that Windows gives a certificate; nothing is trusted by it.
        thumbprint=certificate.fingerprint(hashes.SHA1()).hex().upper(),  # noqa: S303
        subject=certificate.subject.rfc4514_string()[:_LONGEST_NAME],
        issuer=certificate.issuer.rfc4514_string()[:_LONGEST_NAME],
        not_before=certificate.not_valid_before_utc.date(),
        not_after=certificate.not_valid_after_utc.date(),
        key=key,
        key_bits=bits,
        signature=_signature(certificate),
        services=_services(exported),
        status=shown(exported.get("Status")),
    )


def _told(exported: PsObject, file: str, place: str) -> StoredCertificate:
    bits = exported.get("PublicKeySize") or exported.get("KeySize")
    return StoredCertificate(
        file=file,
        place=place,
        thumbprint=shown(exported.get("Thumbprint")).upper(),
        subject=shown(exported.get("Subject"))[:_LONGEST_NAME],
        issuer=shown(exported.get("Issuer"))[:_LONGEST_NAME],
        not_before=_day(exported.get("NotBefore"), date.min),
        not_after=_day(exported.get("NotAfter"), date.min),
        key="",
        key_bits=bits if isinstance(bits, int) else 0,
        signature="",
        services=_services(exported),
        status=shown(exported.get("Status")),
    )


def _day(value: Value, otherwise: date) -> date:
    return value.date() if isinstance(value, datetime) else otherwise


def _key(certificate: x509.Certificate) -> tuple[str, int]:
    """Algorithm and bits; a key of a kind nobody knows must not hide the dates."""
    try:
        key = certificate.public_key()
    except Exception:  # noqa: BLE001  # as above
        return "", 0
    if isinstance(key, RSAPublicKey):
        return "RSA", key.key_size
    return ("EC", key.key_size) if isinstance(key, EllipticCurvePublicKey) else ("", 0)


def _signature(certificate: x509.Certificate) -> str:
    try:
        algorithm = certificate.signature_hash_algorithm
    except Exception:  # noqa: BLE001  # as above
        return ""
    return algorithm.name if algorithm else ""


def _services(exported: PsObject) -> tuple[str, ...] | None:
    if not exported.has("Services"):
        return None
    said = shown(exported.get("Services"))
    return tuple(part for part in said.replace(",", " ").split() if part.lower() != "none")
