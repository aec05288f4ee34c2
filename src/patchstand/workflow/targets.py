"""Reads targets: `mail.example.org`, `192.0.2.1:8443`, `127.1.2.3 https=8443 smtp=2525`.

`expand` also takes blocks (`192.0.2.0/24`) and what zmap, masscan and nmap write.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network
from socket import AF_INET, inet_pton
from urllib.parse import urlsplit

from patchstand.errors import UsageError
from patchstand.model import Target
from patchstand.observe.names import canonical, parse_network
from patchstand.workflow.discovered import Discovered, Seen

LIMIT = 1 << 24
"""Targets of one run, unless the user asks for another number: an IPv4 /8."""

_SERVICES = ("https", "smtp", "imap", "pop")
_LAST_PORT = 65535
_LONGEST = 500
_BLOCK = re.compile(r"[0-9a-fA-F.:]+/\S*|\d[\d.]*-\d[\d.]*|\S*/\d[\d.]*")
"""What is meant as a block of addresses, well formed or not; a name has no slash."""


class _TooManyError(UsageError):
    """The limit does not allow it; `expand` adds how much it allows."""


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


def expand(lines: Iterable[str], limit: int = LIMIT, seen: Seen | None = None) -> Iterator[Target]:
    """Read targets one at a time, blocks expanded; never holds more than one line.

    A block gives all of its addresses: the first and the last of an IPv4 block may well be
    servers, as a block is seldom one subnet. Names and addresses come in their canonical
    spelling. `seen` counts.

    Raises:
        UsageError: a line is no target, or there are more than `limit`; names the line.
    """
    counted = seen if seen is not None else Seen()
    found = Discovered(counted)
    for number, raw in enumerate(lines, start=1):
        text = raw.strip()
        try:
            if _is_plain(text) and not found.in_table:  # nearly every line of a long file
                targets: Iterable[Target] = (Target(text),)
            else:
                targets = _targets_of(text, found, limit - counted.targets)
            for target in targets:
                _count(counted, limit)
                yield target
        except _TooManyError as error:
            raise UsageError(f"line {number}: {error}; the limit is {limit} (--limit)") from error
        except UsageError as error:
            raise UsageError(f"line {number}: {error}") from error


def _count(seen: Seen, limit: int) -> None:
    if seen.targets >= limit:
        raise _TooManyError("one target more")
    seen.targets += 1


def count_of(network: IPv4Network | IPv6Network) -> int:
    """How many targets a block gives."""
    return network.num_addresses


def _is_plain(text: str) -> bool:
    try:
        inet_pton(AF_INET, text)
    except (OSError, ValueError):
        return False
    return True


def _targets_of(text: str, found: Discovered, left: int) -> Iterable[Target]:
    if not text or text.startswith("#"):
        return ()
    discovered = found.targets(text)
    if discovered is not None:
        return map(_checked, discovered)
    own = text.partition("#")[0].strip()
    word, _, rest = own.partition(" ")
    if _BLOCK.fullmatch(word):
        return _of_block(parse_network(word), rest, left)
    return (_checked(parse_target(own)),)


def _of_block(network: IPv4Network | IPv6Network, rest: str, left: int) -> Iterable[Target]:
    if count_of(network) > left:
        raise _TooManyError(f"{network} has {count_of(network)} addresses")
    pattern = parse_target(f"block {rest}")
    return (replace(pattern, name=str(address)) for address in network)


def _checked(target: Target) -> Target:
    name = canonical(target.name)
    if name is None:
        raise UsageError(f"{target.name[:60]!r} is neither a name nor an address")
    return target if name == target.name else replace(target, name=name)


def _name_and_port(word: str) -> tuple[str, int | None]:
    authority = word
    if "://" in word:
        parts = urlsplit(word)
        if parts.scheme != "https":
            raise UsageError(f"{word[:60]}: only https addresses can be asked")
        authority = parts.netloc.rpartition("@")[2]
        if not authority:
            raise UsageError(f"{word[:60]!r} names no server")
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
