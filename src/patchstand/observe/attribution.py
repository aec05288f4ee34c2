"""Who asks, as others can find it out: the probe description file and the user agent.

RFC 9511: the file lies at `/.well-known/probing.txt` of the probing machine (section 3: at
the name its address resolves to), in the format of RFC 9116, with the fields Canonical,
Contact, Expires, Preferred-Languages and Description (section 2.2).
"""

import re
from datetime import UTC, date, datetime, time, timedelta

from patchstand.model import Scope

WELL_KNOWN = "/.well-known/probing.txt"
LANGUAGES = "en, de"
LONGEST = timedelta(days=364)
"""RFC 9116 section 2.5.5 recommends an expiry of less than a year."""


def told(contact: str) -> str:
    """The contact as requests carry it: the address in it, else its words in plain ASCII."""
    words = contact.replace("<", " ").replace(">", " ").split()
    address = next((word for word in words if "@" in word or "://" in word), contact)
    plain = address.encode("ascii", "ignore").decode()
    return re.sub(r"[^\w@:/.+~?=&%-]+", "-", plain).strip("-")[:200] or "unnamed"


def contact_uri(contact: str) -> str:
    """The contact as a URI: an address of the web as it is, one of mail as `mailto:`."""
    address = told(contact)
    if "://" in address or address.startswith(("mailto:", "tel:")):
        return address
    return f"mailto:{address}" if "@" in address else address


def canonical_uri(contact: str) -> str | None:
    """Where the file lies, as far as the contact tells: its web site's well-known place."""
    uri = contact_uri(contact)
    match = re.match(r"https://[^/]+", uri)
    return match[0] + WELL_KNOWN if match else None


def probing_txt(scope: Scope, today: date) -> str:
    """The probe description file of a scope."""
    canonical = canonical_uri(scope.contact)
    until = min(scope.valid_until or today + LONGEST, today + LONGEST)
    expires = datetime.combine(until, time(23, 59, 59), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    where = f"Canonical: {canonical}" if canonical else "# Canonical: where this file lies"
    lines = [
        where,
        f"Contact: {contact_uri(scope.contact)}",
        f"Expires: {expires}",
        f"Preferred-Languages: {LANGUAGES}",
        f"Description: {_description(scope)}",
    ]
    return "".join(f"{line}\n" for line in lines)


def _description(scope: Scope) -> str:
    """One line, as RFC 9116 section 4 wants it: what is asked, for whom, on what ground."""
    who = scope.organisation or told(scope.contact)
    ground = f"{scope.authority}, {scope.legal_basis}" if scope.legal_basis else scope.authority
    text = (
        f"{who} looks which build Exchange servers run, with patchstand: ordinary HTTPS, SMTP,"
        f" IMAP and POP requests, no log-in, no exploit. Authority: {ground}."
        f" Purposes: {', '.join(scope.purposes)}. To opt out, write to the contact."
    )
    return " ".join(text.split())
