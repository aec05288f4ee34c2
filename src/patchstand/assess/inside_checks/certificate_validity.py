"""Certificates that have expired, expire soon, or that Windows calls invalid.

The certificates for OAuth and for transport have checks of their own.
"""

from collections.abc import Iterator

from patchstand.assess.certificates import (
    STORE,
    are_all_read,
    auth_thumbprint,
    reading,
    stored,
    thumbprint,
    transport_thumbprint,
    uses,
)
from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.severity import HARDENING, NOTE
from patchstand.model import Finding, Remedy
from patchstand.model.inside import ServerState, StoredCertificate

_SOON_DAYS = 30
_INVALID = frozenset({"Revoked", "Invalid"})


def _run(inside: Inside) -> Iterator[Said]:
    if not are_all_read(inside.state):
        yield Unread(STORE)
    apart = set(_checked_apart(inside.state))
    for certificate in stored(inside.state):
        if certificate.thumbprint not in apart:
            yield from _of_one(inside, certificate)


def _checked_apart(state: ServerState) -> Iterator[str]:
    for found in (auth_thumbprint(state, "Current"), transport_thumbprint(state)):
        if found is not None:
            yield thumbprint(found.value)


def _of_one(inside: Inside, certificate: StoredCertificate) -> Iterator[Said]:
    left = (certificate.not_after - inside.as_of).days
    if left < 0:
        yield _finding("server_certificate_expired", inside.state, certificate)
    elif left <= _SOON_DAYS:
        days = ("days", str(left))
        yield _finding("server_certificate_expires", inside.state, certificate, days)
    if certificate.status in _INVALID:
        yield _finding("server_certificate_invalid", inside.state, certificate)


def _finding(
    name: str, state: ServerState, certificate: StoredCertificate, *more: tuple[str, str]
) -> Finding:
    used = uses(state, certificate)
    which = (("thumbprint", certificate.thumbprint),)
    values = (
        ("subject", certificate.subject),
        *which,
        ("not_after", str(certificate.not_after)),
        ("uses", ", ".join(used or ())),
        ("unused", "yes" if used == () else ""),
        ("status", certificate.status),
        *more,
    )
    remedy = "remove_server_certificate" if used == () else "replace_server_certificate"
    read = [reading(certificate, "NotAfter", str(certificate.not_after))]
    if certificate.status:
        read.append(reading(certificate, "Status", certificate.status))
    severity = NOTE if used == () else HARDENING
    return Finding(name, severity, values, (Remedy(remedy, which),), read=tuple(read))


CHECK = InsideCheck("certificate_validity", _run)
