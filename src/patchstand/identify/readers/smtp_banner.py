"""The 220 line of an SMTP server."""

import re
from collections.abc import Iterator

from patchstand.identify.reader import SINCE_2007, Context, Reader, fingerprint_clues, version_clue
from patchstand.identify.versions import read_version
from patchstand.model import Clue, Evidence, EvidenceKind

_MAIL_SERVICE = re.compile(
    r"(?i)Exchange (?:Internet Mail (?:Service|Connector)|SMTP server version)"
    r"\W+(\d{1,2}(?:\.\d{1,5}){2,3})"
)
_WINDOWS_SMTP = re.compile(
    r"(?i)Microsoft E?SMTP MAIL\b[^\r\n]{0,120}?Version:?\s*(\d+(?:\.\d+){3,4})"
)
_EXCHANGE_MAJORS = frozenset({"8", "14", "15"})  # Windows itself counts 5, 6 and 10
_SINCE_2007 = re.compile(r"(?i)Microsoft ESMTP MAIL Service ready at")
_OTHER = re.compile(r"(?i)\bE?SMTP\b")
_NAME_AND_VERSION = re.compile(r"(?<![\w.-])[A-Za-z][A-Za-z/_-]{2,30}[ (]+v?\d+\.\d+[\w.]*(?!\.)")


def _read(evidence: Evidence, context: Context) -> Iterator[Clue]:
    text = evidence.text
    is_exchange = _SINCE_2007.search(text) is not None
    products = fingerprint_clues(evidence, context.knowledge, is_exchange=is_exchange)
    yield from products
    mail_service = _MAIL_SERVICE.search(text)
    if mail_service:
        reading = read_version(context.knowledge, mail_service[1], context.on)
        if reading is not None:
            yield version_clue("internet_mail_service", mail_service[1], reading)
        return
    windows = _WINDOWS_SMTP.search(text)
    if windows:
        yield from _printed_version(windows[1], context)
    elif is_exchange:
        if not products:
            yield Clue(
                "smtp_banner",
                "Microsoft ESMTP MAIL Service",
                "banner of Exchange 2007 and later",
                is_exchange=True,
                lines=SINCE_2007,
            )
    elif not products and _OTHER.search(text):
        yield from _names_itself(text)


def _printed_version(version: str, context: Context) -> Iterator[Clue]:
    if version.split(".", maxsplit=1)[0] not in _EXCHANGE_MAJORS:
        yield Clue(
            "windows_smtp",
            version,
            "the SMTP service of Windows: with or without Exchange 2000/2003",
        )
    elif reading := read_version(context.knowledge, version, context.on):
        yield version_clue("smtp_banner", version, reading)


def _names_itself(text: str) -> Iterator[Clue]:
    named = _NAME_AND_VERSION.search(text)
    if named and "microsoft" not in text.lower():
        yield Clue(
            "other_product",
            named[0],
            "names another product and its version",
            is_exchange=False,
            lines=frozenset(),
        )


READER = Reader(EvidenceKind.SMTP_BANNER, _read)
