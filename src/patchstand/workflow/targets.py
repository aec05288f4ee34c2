"""Reads targets: `mail.example.org`, `192.0.2.1:8443`, `127.1.2.3 https=8443 smtp=2525`."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from patchstand.errors import UsageError
from patchstand.model import Target

_SERVICES = ("https", "smtp", "imap", "pop")
_LAST_PORT = 65535
_LONGEST = 500


def parse_target(text: str) -> Target:
    """Read one target.

    Without ports the usual ones are meant (443, 25, 143, 110); `service=port` pairs name
    the only services to ask; a port behind the name is that of HTTPS.

    Raises:
        UsageError: not a name or an address, an unknown service, or no valid port.
    """
    words = text.split()
    if not words or len(text) > _LONGEST or not "".join(words).isprintable():
        raise UsageError(f"{text[:60]!r} is not a target like mail.example.org or 192.0.2.1:443")
    name, port = _name_and_port(words[0])
    target = Target(name) if port is None else Target(name, https=port)
    pairs = dict(_pair(word) for word in words[1:])
    if not pairs:
        return target
    return replace(
        target,
        https=port if port is not None else pairs.get("https"),
        smtp=pairs.get("smtp"),
        imap=pairs.get("imap"),
        pop=pairs.get("pop"),
    )


def read_targets(lines: Iterable[str]) -> Iterator[Target]:
    """Read one target per line; blank lines and lines that begin with # are left out.

    Raises:
        UsageError: a line is no target; names its number.
    """
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        if text:
            try:
                yield parse_target(text)
            except UsageError as error:
                raise UsageError(f"line {number}: {error}") from error


def _name_and_port(word: str) -> tuple[str, int | None]:
    authority = word
    if "://" in word:
        parts = urlsplit(word)
        if parts.scheme != "https":
            raise UsageError(f"{word[:60]}: only https addresses can be asked")
        authority = parts.netloc.rpartition("@")[2]
    if authority.startswith("["):
        name, _, rest = authority[1:].partition("]")
        return name, _port(rest[1:]) if rest.startswith(":") else None
    name, colon, port = authority.rpartition(":")
    if not colon or ":" in name:  # no port, or an IPv6 address without brackets
        return authority, None
    return name, _port(port)


def _pair(word: str) -> tuple[str, int]:
    service, equals, port = word.partition("=")
    if not equals or service not in _SERVICES:
        raise UsageError(f"{word[:40]!r}: say {', '.join(_SERVICES)} with a port, as https=8443")
    return service, _port(port)


def _port(text: str) -> int:
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(_LAST_PORT))
    if not digits or not 0 < int(text) <= _LAST_PORT:
        raise UsageError(f"{text[:20]!r} is not a port")
    return int(text)
