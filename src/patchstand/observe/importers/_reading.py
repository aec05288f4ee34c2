"""What several importers read alike: addresses, ports, moments."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import IPv6Address
from typing import TypeVar

_BYTE = r"(?:[1-9]?[0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])"
_IPV4 = re.compile(rf"{_BYTE}\.{_BYTE}\.{_BYTE}\.{_BYTE}")
is_ipv4 = _IPV4.fullmatch
"""A match where the whole text is an IPv4 address in canonical form; quicker than `ipaddress`."""
TEXT_AT_MOST = 200
"""Characters of a foreign text that go into a reason or a detail."""


YEARS = range(1996, 2101)
"""From the first release of Exchange on; a moment outside was never observed."""
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class UnusableError(ValueError):
    """Why a row cannot be used; its text becomes the reason."""


class Memo(dict[_Key, _Value]):
    """Makes a value for each key once; forgets all of them when there are too many."""

    def __init__(self, make: Callable[[_Key], _Value], at_most: int = 100_000) -> None:
        super().__init__()
        self._make, self._at_most = make, at_most

    def __missing__(self, key: _Key) -> _Value:
        if len(self) >= self._at_most:
            self.clear()
        value = self[key] = self._make(key)
        return value


def address(text: str) -> str:
    """The canonical form of an IPv4 or IPv6 address.

    Raises:
        UnusableError: it is none, or has a zone (`fe80::1%eth0`).
    """
    if is_ipv4(text):
        return text
    try:
        found = IPv6Address(text)
    except ValueError:
        raise UnusableError(f"no address: {text[:60]!r}") from None
    if found.scope_id is not None:
        raise UnusableError(f"an address of one link only: {text[:60]!r}")
    return str(found.ipv4_mapped or found)


def port_number(text: str) -> int:
    """A port from 1 to 65535.

    Raises:
        UnusableError: it is none.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536):
        raise UnusableError(f"no port: {text[:20]!r}")
    return int(text)


def ports(service: str, port: int) -> str:
    """The one service a row speaks of; empty for https on 443, which is the usual."""
    return "" if (service, port) == ("https", 443) else f"{service}={port}"


def moment(text: str) -> datetime:
    """A moment in ISO 8601 form; one without a zone is UTC.

    Raises:
        UnusableError: it is none, or lies outside `YEARS`.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UnusableError(f"no timestamp: {text[:40]!r}") from None
    return in_utc(found)


def in_utc(found: datetime) -> datetime:
    """The same moment in UTC; one without a zone is taken for UTC.

    Raises:
        UnusableError: it lies outside `YEARS`.
    """
    try:
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UnusableError(f"no moment in UTC: {found!s:.40}") from None
    if found.year not in YEARS:
        raise UnusableError(f"not a year of Exchange: {found.year}")
    return found


def epoch(text: str) -> datetime:
    """A moment in seconds since 1970.

    Raises:
        UnusableError: it is none, or lies outside `YEARS`.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 11):
        raise UnusableError(f"no time in seconds: {text[:40]!r}")
    return in_utc(datetime.fromtimestamp(int(text), UTC))


def readable(raw: bytes) -> str:
    """UTF-8, else Latin-1, which reads every byte."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def said(text: str) -> str:
    """A short printable form of somebody's text, for a reason or a detail."""
    return "".join(each if each.isprintable() else " " for each in text[:TEXT_AT_MOST]).strip()
