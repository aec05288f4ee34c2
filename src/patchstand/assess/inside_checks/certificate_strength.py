"""Certificates with a short key or an outdated signature.

RSA keys want 2048 bits; SHA-1 and older hash algorithms can be forged, which matters where
somebody else signed (Microsoft Learn, "Exchange Server TLS configuration best practices").
"""

from collections.abc import Iterator

from patchstand.assess.certificates import STORE, are_all_read, reading, stored, uses
from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.severity import HARDENING, NOTE
from patchstand.model import Finding, Remedy
from patchstand.model.inside import StoredCertificate

_LEAST_BITS = 2048
_FORGEABLE = frozenset({"md2", "md4", "md5", "sha1"})


def _run(inside: Inside) -> Iterator[Said]:
    if not are_all_read(inside.state):
        yield Unread(STORE)
    for certificate in stored(inside.state):
        if certificate.key == "RSA" and certificate.key_bits < _LEAST_BITS:
            yield _finding("server_certificate_short_key", inside, certificate)
        if certificate.signature in _FORGEABLE:
            yield _finding("server_certificate_old_hash", inside, certificate)


def _finding(name: str, inside: Inside, certificate: StoredCertificate) -> Finding:
    used = uses(inside.state, certificate)
    key = f"{certificate.key} {certificate.key_bits}"
    is_forgeable = name == "server_certificate_short_key" or not certificate.is_self_signed
    return Finding(
        name,
        HARDENING if used != () and is_forgeable else NOTE,
        (
            ("subject", certificate.subject),
            ("thumbprint", certificate.thumbprint),
            ("key", key),
            ("hash", certificate.signature.upper()),
            ("uses", ", ".join(used or ())),
            ("self_signed", "yes" if certificate.is_self_signed else ""),
        ),
        (Remedy("replace_server_certificate", (("thumbprint", certificate.thumbprint),)),),
        read=(
            reading(certificate, "PublicKey", key),
            reading(certificate, "SignatureAlgorithm", certificate.signature),
        ),
    )


CHECK = InsideCheck("certificate_strength", _run)
