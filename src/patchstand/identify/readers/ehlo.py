"""The reply to EHLO: each generation of Exchange offers its own extensions."""

import re
from collections.abc import Iterator
from dataclasses import replace

from patchstand.identify.reader import SINCE_2007, SINCE_2013, Context, Reader, fingerprint_clues
from patchstand.identify.readers import smtp_banner
from patchstand.model import Clue, Evidence, EvidenceKind, Knowledge, ProductLine

_WORD = re.compile(r"[A-Z0-9][A-Z0-9-]+(?:=[A-Z0-9]+)?")
_CODE = re.compile(r"^\d{3}[- ]")
_BANNER = re.compile(r"(?im)^220[ -].*$")
_OLDER = frozenset({ProductLine.V2000, ProductLine.V2003})
_2010_2013 = frozenset({ProductLine.V2010, ProductLine.V2013})
_2013_2016 = frozenset({ProductLine.V2013, ProductLine.V2016})
_2019_SE = frozenset({ProductLine.V2019, ProductLine.SE})


def _read(evidence: Evidence, context: Context) -> Iterator[Clue]:
    text = evidence.text
    words = frozenset(_WORD.findall(_extensions(text).upper()))
    lines, shown = _generation(words)
    products = fingerprint_clues(evidence, context.knowledge, is_exchange=lines is not None)
    yield from products
    banner = _BANNER.search(text)
    if banner and not products:
        yield from smtp_banner.READER.read(
            replace(evidence, kind=EvidenceKind.SMTP_BANNER, text=banner[0]), context
        )
    if lines is not None and not products:
        yield Clue("ehlo", shown, "extensions of this generation", is_exchange=True, lines=lines)


def _extensions(text: str) -> str:
    """The text without reply codes, 220 lines and the client's own EHLO."""
    return "\n".join(
        _CODE.sub("", line)
        for line in text.splitlines()
        if not line.startswith(("220", "EHLO", "ehlo"))
    )


def _generation(words: frozenset[str]) -> tuple[frozenset[ProductLine] | None, str]:
    """Which lines offer these extensions, as public recordings show them."""
    found: frozenset[ProductLine] | None = None
    shown = ""
    exchange = bool(words & {"X-EXPS", "X-ANONYMOUSTLS"})
    if "X-LINK2STATE" in words:
        found, shown = _OLDER, "X-LINK2STATE"
    elif "XSHADOWREQUEST" in words:
        older = "XEXCH50" in words
        found = frozenset({ProductLine.V2013}) if older else SINCE_2013
        shown = "XSHADOWREQUEST"
    elif "XSHADOW" in words:
        found, shown = frozenset({ProductLine.V2010}), "XSHADOW"
    elif "XEXCH50" in words and "XRDST" in words:
        found, shown = _2010_2013, "XEXCH50 XRDST"
    elif "XEXCH50" in words:
        found, shown = _with_xexch50(words, exchange=exchange)
    elif "XRDST" in words:
        newest = "SMTPUTF8" in words
        found = _2019_SE if newest else _2013_2016
        shown = "SMTPUTF8 XRDST" if newest else "CHUNKING XRDST"
    elif exchange:
        found, shown = SINCE_2007, "X-EXPS" if "X-EXPS" in words else "X-ANONYMOUSTLS"
    return found, shown


def _with_xexch50(words: frozenset[str], *, exchange: bool) -> tuple[frozenset[ProductLine], str]:
    if "X-ANONYMOUSTLS" in words:
        return frozenset({ProductLine.V2007}), "X-ANONYMOUSTLS XEXCH50"
    if exchange or "TURN" in words:
        return _OLDER, "XEXCH50 without X-ANONYMOUSTLS"
    return frozenset({ProductLine.V5_5}), "XEXCH50 HELP ETRN DSN"


_CLOCK = re.compile(
    r"(?i)(\bready at |; )[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} [\d:]{5,8} [+-]\d{4}"
)
_GREETED = re.compile(r"(?im)^(250[- ])[^\r\n]*\bHello\b[^\r\n]*$")
_GREETING = re.compile(r"(?m)^(220[- ])[\w-]+(?:\.[\w-]+)+")


def _essence(text: str, knowledge: Knowledge) -> str:
    """The dialogue without the clock of the greeting, the names, and the line that greets us."""
    text = _GREETED.sub(r"\1Hello", _CLOCK.sub(r"\1-", text, count=1), count=1)
    lowered = text.lower()
    if any(
        "." in needle and needle in lowered for needle, _ in knowledge.needles[EvidenceKind.EHLO]
    ):
        return text  # a name that tells the product
    return _GREETING.sub(r"\1host.invalid", text, count=1)


READER = Reader(EvidenceKind.EHLO, _read, _essence)
