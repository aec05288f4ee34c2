"""The certificate by which the servers of an organisation know each other in SMTP.

Without a valid one mail between them may stop (HealthChecker, "Internal Transport
Certificate").
"""

from collections.abc import Iterator

from patchstand.assess.certificates import (
    STORE,
    TRANSPORT,
    are_all_read,
    reading,
    stored,
    thumbprint,
    transport_thumbprint,
)
from patchstand.assess.exchange import is_edge
from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.severity import HARDENING
from patchstand.model import Finding, Remedy
from patchstand.model.inside import Reading

_SOON_DAYS = 30
_PAGES = ("aka.ms/HC-InternalTransportCertificate",)


def _run(inside: Inside) -> Iterator[Said]:
    if is_edge(inside.state):
        return
    named = transport_thumbprint(inside.state)
    if named is None:
        yield Unread(TRANSPORT)
        return
    wanted = thumbprint(named.value)
    found = next((each for each in stored(inside.state) if each.thumbprint == wanted), None)
    if found is None:
        if are_all_read(inside.state):
            yield _finding("transport_certificate_missing", wanted, (named,))
        else:
            yield Unread(STORE)
        return
    left = (found.not_after - inside.as_of).days
    read = (named, reading(found, "NotAfter", str(found.not_after)))
    ends = ("not_after", str(found.not_after))
    if left < 0:
        yield _finding("transport_certificate_expired", wanted, read, ends)
    elif left <= _SOON_DAYS:
        yield _finding("transport_certificate_expires", wanted, read, ends, ("days", str(left)))


def _finding(
    name: str, wanted: str, read: tuple[Reading, ...], *values: tuple[str, str]
) -> Finding:
    told = (("thumbprint", wanted), *values)
    remedy = (Remedy("renew_transport_certificate"),)
    return Finding(name, HARDENING, told, remedy, _PAGES, (), read)


CHECK = InsideCheck("transport_certificate", _run)
