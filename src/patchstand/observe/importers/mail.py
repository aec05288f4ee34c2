"""Mails (`.eml`) and mailboxes (mbox): every Exchange server on the way wrote its build.

Only `Received` lines are read, and of them only what the server wrote of itself: `by`,
`with ... id` and the date. Sender, recipients, subject and body are never kept. Servers of
Exchange Online are passed over: their numbers say nothing of a server on premises.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from patchstand.errors import UsageError
from patchstand.model import Evidence, EvidenceKind, Outcome
from patchstand.model.record import Record, Rejected, Source
from patchstand.observe.importer import Importer
from patchstand.observe.importers._opened import OVERLONG, Lines, Opened, opened
from patchstand.observe.importers._reading import UnusableError, in_utc, readable
from patchstand.observe.names import canonical_name

LONGEST = 1 << 20
RECEIVED_AT_MOST = 200
"""Received lines of one mail; RFC 5321 section 6.3 calls more than 100 a loop."""
FIELD_BYTES = 8192
REMEMBERED = 1 << 20
_OUTLOOK = b"\xd0\xcf\x11\xe0"
_FROM = re.compile(rb"From \S.{0,300}\b(?:19|20)\d\d\b")
_FIELD = re.compile(rb"[!-9;-~]{1,100}[ \t]*:")
_EXCHANGE = re.compile(
    r"(?i)\bwith\s+(?:Microsoft\s+SMTP\s+Server\s*(?:\([^)]{0,300}\))?|mapi)\s+"
    r"id\s+(\d{1,2}(?:\.\d{1,5}){3})(?![\d.]*\d)"
)
_COMMENT = re.compile(r"\([^()]{0,500}\)")
_BY = re.compile(r"(?i)\bby\s+([A-Za-z0-9._-]{1,255})")
_ONLINE_NAME = re.compile(r"(?i)\.(?:outlook|office365|office)\.com$")
_ONLINE_BUILDS = ("15.20.", "15.21.")
_DATE = re.compile(r";\s*([^;]{1,100})$")


def _recognises(name: str, head: bytes) -> bool:
    start = head.lstrip()
    if start.startswith((b"<", b"{", b"PK", _OUTLOOK)):
        return name.lower().endswith(".msg")
    fields = [line for line in start.splitlines()[:50] if _FIELD.match(line)]
    known = any(line.lower().startswith((b"received:", b"return-path:")) for line in fields)
    return known or bool(_FROM.match(start)) or name.lower().endswith((".eml", ".mbox"))


def _read(path: Path) -> Iterator[Record | Rejected]:
    with opened(path) as file:
        seen: set[tuple[str, str]] = set()
        for mail in _mails(file):
            if len(seen) > REMEMBERED:
                seen.clear()
            yield from _records(mail, seen)


@dataclass(slots=True)
class _Mail:
    """The Received fields of one mail with their lines, or what is wrong with it."""

    line: int
    received: list[tuple[int, bytes]] = field(default_factory=list)
    problem: str = ""
    in_received: bool = False


def _mails(file: Opened) -> Iterator[_Mail]:
    """The heads of all mails, in their order; bodies are passed over line by line."""
    lines = Lines(file, LONGEST)
    mail: _Mail | None = _Mail(1)
    blank, number = True, 0
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip(b"\r")
        if number == 1 and line.startswith((_OUTLOOK, b"\xff\xfe", b"\xfe\xff")):
            raise UsageError(f"{file.name} is no mail as text; save it as .eml")
        if blank and line[:5] == b"From " and _FROM.match(line):
            mail = _Mail(number)
        elif mail is not None and _ends_head(mail, number, line):
            yield mail
            mail = None
        blank = not line
    if not number:
        raise UsageError(f"{file.name} is empty")
    if mail is not None:
        cut = file.damage or not lines.ended
        mail.problem = file.damage or ("the file ends within the head of a mail" if cut else "")
        yield mail
    elif file.damage:
        yield _Mail(number + 1, problem=file.damage)


def _ends_head(mail: _Mail, number: int, line: bytes) -> bool:
    """Take one line of a head; True when the head is complete, or turns out to be none."""
    if not line:
        return bool(mail.received) or number > mail.line
    mail.in_received = _take(mail, number, line, continues=mail.in_received)
    return bool(mail.problem)


def _take(mail: _Mail, number: int, line: bytes, *, continues: bool) -> bool:
    """Add one line of a head; True when it belongs to a Received field."""
    if line[:1] in b" \t":
        if continues and len(mail.received[-1][1]) < FIELD_BYTES:
            at, text = mail.received[-1]
            mail.received[-1] = (at, text + b" " + line.strip())
        return continues
    if line == OVERLONG:
        return False
    if not _FIELD.match(line):
        mail.line, mail.problem = number, "no line of a mail's head"
        return False
    is_received = line[:9].lower() == b"received:" and len(mail.received) < RECEIVED_AT_MOST
    if is_received:
        mail.received.append((number, line[:FIELD_BYTES]))
    return is_received


@dataclass(frozen=True, slots=True)
class _Hop:
    """What one Exchange server wrote of itself."""

    server: str
    build: str
    text: str
    observed_at: datetime


def _records(mail: _Mail, seen: set[tuple[str, str]]) -> Iterator[Record | Rejected]:
    if mail.problem:
        yield Rejected(mail.line, mail.problem)
        return
    hops: dict[str, list[_Hop]] = {}
    refused = []
    for line, raw in mail.received:
        try:
            hop = _hop(readable(raw))
        except UnusableError as error:
            refused.append(Rejected(line, str(error)))
        else:
            if hop is not None:
                hops.setdefault(hop.server, []).append(hop)
    yield from refused
    if not hops and not refused:
        yield Rejected(mail.line, "no Received line of an Exchange server on premises")
    yield from (record for own in hops.values() for record in _unless_seen(own, seen))


def _unless_seen(hops: list[_Hop], seen: set[tuple[str, str]]) -> Iterator[Record]:
    """The record of one server, once per build and day."""
    observed_at = max(hop.observed_at for hop in hops)
    builds = " ".join(sorted({hop.build for hop in hops}))
    key = (hops[0].server, f"{observed_at:%Y%m%d} {builds}")
    if key not in seen:
        seen.add(key)
        yield _record(hops[0].server, "\n".join(hop.text for hop in hops), observed_at)


def _hop(text: str) -> _Hop | None:
    """The hop, None when it is no Exchange server's on premises.

    Raises:
        UnusableError: it is one, but its name or date cannot be read.
    """
    text = " ".join(text.split())
    exchange = _EXCHANGE.search(text)
    if exchange is None or exchange[1].startswith(_ONLINE_BUILDS):
        return None
    by = _BY.search(_COMMENT.sub("", text[: exchange.start()]))
    if by is not None and _ONLINE_NAME.search(by[1]):
        return None
    server = canonical_name(by[1]) if by is not None else None
    if server is None:
        raise UnusableError("a Received line of Exchange without the server's name")
    date = _DATE.search(_COMMENT.sub("", text))
    if date is None:
        raise UnusableError("a Received line of Exchange without a date")
    own = f"Received: by {server} {exchange[0]}; {date[1].strip()}"
    return _Hop(server, exchange[1], own, _moment(date[1]))


def _moment(text: str) -> datetime:
    try:
        return in_utc(parsedate_to_datetime(text.strip()))
    except (ValueError, IndexError, TypeError, OverflowError):
        raise UnusableError(f"no date of a Received line: {text[:40]!r}") from None


def _record(server: str, text: str, observed_at: datetime) -> Record:
    day = observed_at.date()
    evidence = Evidence(EvidenceKind.RECEIVED, text, day, server, "mail Received")
    return Record(
        target=server,
        ports="",
        address=None,
        observed_at=observed_at,
        outcome=Outcome.ANSWERED,
        evidence=(evidence,),
        source=Source.MAIL,
        vantage_point="mail",
    )


IMPORTER = Importer("mail", "mails (.eml) and mailboxes (mbox): Received lines", _recognises, _read)
