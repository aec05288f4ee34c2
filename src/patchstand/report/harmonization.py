"""What an event for IntelMQ may hold: the fields that we write, and a check for each.

Written from the published description of the format (event fields of version 3.5); nothing
of that program is used. Where it would correct a value by itself, the check here refuses it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

from patchstand.model import Severity

Check = Callable[[object], bool]

TYPES = {
    "system-compromise": "intrusions",
    "vulnerable-system": "vulnerable",
    "weak-crypto": "vulnerable",
    "potentially-unwanted-accessible": "vulnerable",
    "information-disclosure": "vulnerable",
    "ddos-amplifier": "vulnerable",
    "test": "test",
    "undetermined": "other",
    "other": "other",
}
"""Allowed types of a classification, each with its taxonomy."""
TLP = ("RED", "AMBER", "GREEN", "WHITE")
"""The labels that every version of the program accepts."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3,6})?\+00:00")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_FQDN = re.compile(rf"(?=.{{1,253}}$)(?:{_LABEL}\.)+{_LABEL}")
_IPV4_LIKE = re.compile(r"[0-9.]+")
_CVES = re.compile(r"cve-[0-9]{4}-[0-9]{4,}(?:;cve-[0-9]{4}-[0-9]{4,})*")
_EXTRA = re.compile(r"extra\.[a-z0-9_]+(?:\.[a-z0-9_]+)*")
_URL = re.compile(
    r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:[/?#][!-~]*)?"
)
_CC = re.compile(r"[A-Z]{2}")


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.strip() == value


def _lower(value: object) -> bool:
    return isinstance(value, str) and _text(value) and value == value.lower()


def _like(pattern: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _one_of(*words: str) -> Check:
    return lambda value: isinstance(value, str) and value in words


def _number(least: int, most: int) -> Check:
    return lambda value: type(value) is int and least <= value <= most


def _accuracy(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value <= 100  # type: ignore[operator]


def _moment(value: object) -> bool:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return False
    try:
        return datetime.fromisoformat(value).utcoffset() == timedelta()
    except ValueError:
        return False


def _ip(value: object) -> bool:
    try:
        return isinstance(value, str) and str(ip_address(value)) == value and "%" not in value
    except ValueError:
        return False


def _fqdn(value: object) -> bool:
    return (
        isinstance(value, str) and bool(_FQDN.fullmatch(value)) and not _IPV4_LIKE.fullmatch(value)
    )


def _cves(value: object) -> bool:
    if not isinstance(value, str) or not _CVES.fullmatch(value):
        return False
    ids = value.split(";")
    return ids == sorted(set(ids))


FIELDS: dict[str, Check] = {
    "classification.identifier": _lower,
    "classification.taxonomy": _one_of(*sorted(set(TYPES.values()))),
    "classification.type": _one_of(*TYPES),
    "comment": _text,
    "event_description.text": _text,
    "event_description.url": _like(_URL),
    "feed.accuracy": _accuracy,
    "feed.code": _text,
    "feed.documentation": _text,
    "feed.name": _text,
    "feed.provider": _text,
    "product.full_name": _text,
    "product.name": _lower,
    "product.vendor": _lower,
    "product.version": _lower,
    "product.vulnerabilities": _cves,
    "protocol.application": _lower,
    "protocol.transport": _lower,
    "severity": _one_of(*(each.value for each in Severity)),
    "source.asn": _number(1, (1 << 32) - 1),
    "source.fqdn": _fqdn,
    "source.geolocation.cc": _like(_CC),
    "source.geolocation.region": _text,
    "source.ip": _ip,
    "source.port": _number(1, 65535),
    "source.url": _like(_URL),
    "status": _text,
    "time.observation": _moment,
    "time.source": _moment,
    "tlp": _one_of(*TLP),
}
"""Each field of an event with its check; fields beside them are `extra.*`."""
REQUIRED = ("classification.taxonomy", "classification.type", "feed.name", "time.source")
_WHERE = ("source.ip", "source.fqdn", "source.url", "extra.pseudonym", "extra.target")
"""One of them says which server it is; a pseudonym is enough where names may not leave, and
a name that is none in the DNS (one label) has no field of its own."""


def problems(event: Mapping[str, Any]) -> list[str]:
    """What is wrong with an event, one line each; empty for a valid one."""
    return [*_missing(event), *_wrong(event), *_taxonomy(event)]


def _missing(event: Mapping[str, Any]) -> Iterator[str]:
    for name in REQUIRED:
        if name not in event:
            yield f"{name} is missing"
    if not any(name in event for name in _WHERE):
        yield f"none of {', '.join(_WHERE)} is there"


def _wrong(event: Mapping[str, Any]) -> Iterator[str]:
    for name, value in event.items():
        check = FIELDS.get(name)
        if check is None and _EXTRA.fullmatch(name):
            check = _is_plain
        if check is None:
            yield f"{name} is no field of an event"
        elif not check(value):
            yield f"{name} cannot be {value!r:.80}"


def _taxonomy(event: Mapping[str, Any]) -> Iterator[str]:
    kind, taxonomy = event.get("classification.type"), event.get("classification.taxonomy")
    if kind in TYPES and taxonomy in TYPES.values() and TYPES[str(kind)] != taxonomy:
        yield f"classification.taxonomy of {kind} is {TYPES[str(kind)]}, not {taxonomy}"


def _is_plain(value: object) -> bool:
    """A value of `extra`: a text, a number, true or false, or a list of such."""
    if isinstance(value, list):
        return all(isinstance(each, str | int | float) for each in value)
    return isinstance(value, str | int | float)
