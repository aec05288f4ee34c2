"""The certificate for OAuth, by which servers and the cloud trust this organisation.

Without a valid one nobody logs in to OWA and ECP, and hybrid features stop (Microsoft Learn,
"Can't sign in to Outlook on the web or EAC if Exchange Server OAuth certificate is expired").
"""

from collections.abc import Iterator
from datetime import datetime

from patchstand.assess.certificates import (
    AUTH,
    STORE,
    are_all_read,
    auth_thumbprint,
    reading,
    stored,
    thumbprint,
)
from patchstand.assess.exchange import is_edge
from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.severity import HARDENING
from patchstand.model import Finding, Remedy
from patchstand.model.inside import Reading, StoredCertificate

_SOON_DAYS = 60
_PAGES = ("aka.ms/HC-OAuthExpired",)


def _run(inside: Inside) -> Iterator[Said]:
    if is_edge(inside.state):
        return
    named = auth_thumbprint(inside.state, "Current")
    if named is None:
        yield Unread(AUTH)
        return
    current = _stored(inside, named)
    if not thumbprint(named.value) or (current is None and are_all_read(inside.state)):
        yield _finding("auth_certificate_missing", (named,))
    elif current is None:
        yield Unread(STORE)
    else:
        yield from _by_date(inside, named, current)


def _by_date(inside: Inside, named: Reading, current: StoredCertificate) -> Iterator[Said]:
    left = (current.not_after - inside.as_of).days
    read = (named, reading(current, "NotAfter", str(current.not_after)))
    if left < 0:
        yield _finding("auth_certificate_expired", read, current)
    elif left <= _SOON_DAYS and not _is_followed(inside, current):
        yield _finding("auth_certificate_expires", read, current, left)


def _is_followed(inside: Inside, current: StoredCertificate) -> bool:
    """True when the next certificate is here and takes over before this one ends."""
    named = auth_thumbprint(inside.state, "Next")
    following = _stored(inside, named) if named else None
    settings = inside.state.one(AUTH)
    starts = settings.get("NextCertificateEffectiveDate") if settings else None
    if following is None or not isinstance(starts, datetime):
        return False
    return starts.date() <= current.not_after <= following.not_after


def _stored(inside: Inside, named: Reading) -> StoredCertificate | None:
    wanted = thumbprint(named.value)
    return next((each for each in stored(inside.state) if each.thumbprint == wanted), None)


def _finding(
    name: str,
    read: tuple[Reading, ...],
    current: StoredCertificate | None = None,
    days: int | None = None,
) -> Finding:
    values = (
        ("thumbprint", thumbprint(read[0].value)),
        ("not_after", str(current.not_after) if current else ""),
        *(() if days is None else (("days", str(days)),)),
    )
    return Finding(name, HARDENING, values, (Remedy("renew_auth_certificate"),), _PAGES, (), read)


CHECK = InsideCheck("auth_certificate", _run)
