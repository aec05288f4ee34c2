"""Received lines of a mail: every Exchange server on its way wrote its build there."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date
from email.utils import parsedate_to_datetime

from patchstand.identify.reader import ONLINE, Context, Reader, version_clue
from patchstand.identify.versions import read_version
from patchstand.model import Clue, Evidence, EvidenceKind

_HOP = re.compile(r"(?im)^(?=received\s*:)")
_NEXT = re.compile(
    r"(?m)^(?!received\s*:)[A-Za-z][A-Za-z0-9-]{1,60}:[ \t]|\n[ \t]*\r?\n", re.IGNORECASE
)
_EXCHANGE = re.compile(
    r"(?i)\bwith\s+(?:Microsoft\s+SMTP\s+Server\s*(?:\([^)]{0,300}\))?|mapi)\s+"
    r"id\s+(\d{1,2}(?:\.\d{1,5}){3})(?![\d.]*\d)"
)
_WINDOWS = re.compile(r"(?i)\bwith\s+Microsoft\s+SMTPSVC\s*\((\d+(?:\.\d+){3})\)")
_BY = re.compile(r"(?i)\bby\s+([A-Za-z0-9._-]{1,255})")
_ONLINE_NAME = re.compile(r"(?i)\.(?:outlook|office365|office)\.com$")
_DATE = re.compile(r";\s*((?:[A-Za-z]{3},\s*)?\d{1,2}\s+[A-Za-z]{3}\s+\d{4}[^\r\n]{0,40})")


def _read(evidence: Evidence, context: Context) -> Iterator[Clue]:
    parts = [part for part in _HOP.split(evidence.text) if part.strip()]
    hops = [part for part in parts if _HOP.match(part)] or parts  # a bare line is one hop
    for hop in reversed(hops):  # the lowest line was written first: by the sender's server
        yield from _read_hop(" ".join(_NEXT.split(hop, maxsplit=1)[0].split()), context)


def _read_hop(hop: str, context: Context) -> Iterator[Clue]:
    by = _BY.search(hop)
    name = by[1] if by else None
    seen_on = _seen_on(hop)
    on = min(seen_on, context.on) if seen_on else context.on
    node = name[:255] if name else None
    for version in _EXCHANGE.findall(hop):
        reading = read_version(context.knowledge, version, on)
        if reading is None:
            continue
        if name and _ONLINE_NAME.search(name):
            yield Clue(
                "received",
                version,
                f"{name} is Exchange Online",
                is_exchange=False,
                lines=ONLINE,
                node=node,
                seen_on=seen_on,
            )
        else:
            clue = version_clue("received", version, reading)
            yield replace(clue, node=node, seen_on=seen_on)
    for version in _WINDOWS.findall(hop):
        yield Clue(
            "windows_smtp",
            version,
            "the SMTP service of Windows: with or without Exchange",
            node=node,
            seen_on=seen_on,
        )


def _seen_on(hop: str) -> date | None:
    """The day (UTC) the hop was written; None when the date cannot be read."""
    found = _DATE.search(hop)
    if not found:
        return None
    try:
        moment = parsedate_to_datetime(found[1])
        return (moment.astimezone(UTC) if moment.tzinfo else moment).date()
    except (ValueError, IndexError, TypeError, OverflowError):
        return None


READER = Reader(EvidenceKind.RECEIVED, _read)
