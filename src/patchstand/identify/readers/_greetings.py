"""IMAP and POP greetings: in many languages, but always with the product's name."""

import re
from collections.abc import Iterator

from patchstand.identify.reader import (
    ONLINE,
    SINCE_2007,
    SINCE_2013,
    Context,
    fingerprint_clues,
    version_clue,
)
from patchstand.identify.versions import VERSION, read_version
from patchstand.model import Clue, Evidence, ProductLine

_PRODUCT = re.compile(r"(?i)microsoft\W{1,6}exchange|Microsoft\.Exchange\.(?:Imap4|Pop3)")
_YEAR = re.compile(r"(?i)exchange\W(?:server\W+)?(2000|2003|2007|2010|2013|2016|2019)\b")
_ID_VERSION = re.compile(
    r'(?i)\*\s+ID\s+\([^\r\n]{0,300}?"version"\s+"(\d{1,2}(?:\.\d{1,5}){1,3})"'
)
_ENCODED_NAME = re.compile(r"\[([A-Za-z0-9+/]{24,}={0,2})\]")
_CAPABILITIES_SINCE_2013 = frozenset({"MOVE", "ID", "UNSELECT"})


def read_greeting(evidence: Evidence, context: Context) -> Iterator[Clue]:
    """Clues of an IMAP or POP greeting, with or without capability lines."""
    text = evidence.text
    is_exchange = _PRODUCT.search(text) is not None
    yield from fingerprint_clues(evidence, context.knowledge, is_exchange=is_exchange)
    if not is_exchange:
        return
    if _ENCODED_NAME.search(text):
        yield Clue(
            "encoded_name",
            _ENCODED_NAME.findall(text)[0][:60],
            "a host name in base64: Exchange Online greets so",
            is_exchange=False,
            lines=ONLINE,
        )
        return
    named = _ID_VERSION.search(text)
    if named and (reading := read_version(context.knowledge, named[1], context.on)) is not None:
        yield version_clue("imap_id", named[1], reading)
        if reading.is_online:
            return
    versions = [
        (version, reading)
        for version in VERSION.findall(text)
        if (reading := read_version(context.knowledge, version, context.on)) is not None
        and reading.is_on_premises
    ]
    for version, reading in versions:
        yield version_clue("greeting_version", version, reading)
    if not versions:
        yield _by_name(text)


def _by_name(text: str) -> Clue:
    year = _YEAR.search(text)
    if year:
        return Clue(
            "greeting",
            year[0],
            f"names Exchange {year[1]}",
            is_exchange=True,
            lines=frozenset({ProductLine(year[1])}),
        )
    if _capabilities(text) & _CAPABILITIES_SINCE_2013:
        return Clue(
            "greeting",
            "CAPABILITY",
            "capabilities of Exchange 2013 and later",
            is_exchange=True,
            lines=SINCE_2013,
        )
    return Clue(
        "greeting",
        "Microsoft Exchange",
        "greeting of Exchange 2007 and later",
        is_exchange=True,
        lines=SINCE_2007,
    )


def _capabilities(text: str) -> frozenset[str]:
    """The words of the lines that list capabilities."""
    lines = [line.upper() for line in text.splitlines() if "CAPABILITY" in line.upper()]
    return frozenset(word for line in lines for word in line.split())
