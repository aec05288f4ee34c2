"""The shape of a reader: one per kind of evidence, found by `plugins.declared`."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from patchstand.identify.versions import Reading
from patchstand.model import (
    Clue,
    Evidence,
    EvidenceKind,
    Fingerprint,
    FingerprintMeaning,
    Knowledge,
    ProductLine,
)

SINCE_2007 = frozenset(
    {
        ProductLine.V2007,
        ProductLine.V2010,
        ProductLine.V2013,
        ProductLine.V2016,
        ProductLine.V2019,
        ProductLine.SE,
    }
)
SINCE_2013 = SINCE_2007 - {ProductLine.V2007, ProductLine.V2010}
ONLINE = frozenset({ProductLine.ONLINE})


@dataclass(frozen=True, slots=True)
class Context:
    """What a reader may use besides the text: the knowledge and the day of the evidence."""

    knowledge: Knowledge
    on: date


@dataclass(frozen=True, slots=True)
class Reader:
    """Turns one piece of evidence of a kind into clues; pure, never raises on any text.

    `essence` shortens a text of the kind to what `read` looks at: the same clues follow
    from both (a test sees to that), whatever changes from answer to answer is gone.
    """

    kind: EvidenceKind
    read: Callable[[Evidence, Context], Iterable[Clue]]
    essence: Callable[[str, Knowledge], str] = lambda text, _: text


def version_clue(rule: str, value: str, reading: Reading, says: str = "") -> Clue:
    """The clue of a version that the product itself prints."""
    if reading.is_online:
        return Clue(
            rule,
            value,
            says or "Exchange Online has such numbers",
            is_exchange=False,
            lines=ONLINE,
        )
    on_premises = True if reading.is_on_premises else None
    return Clue(
        rule,
        value,
        says,
        is_exchange=on_premises,
        lines=reading.lines if on_premises else None,
        builds=reading.builds if on_premises else None,
        or_later=reading.or_later,
        reason=reading.reason,
    )


_HOST_NAME = re.compile(r"(?<![\w.@-])(?:[A-Za-z0-9_-]{1,63}\.){1,8}[A-Za-z]{2,63}(?![\w.-])")


_NAMING_LINE = re.compile(
    r"(?im)^[ \t]*(?:x-(?:fe|be)server|x-calculated\w{1,20}|x-diaginfo)[ \t]*:.*$"
)
"""Headers whose values are names of servers, never of products."""


def fingerprint_clues(
    evidence: Evidence, knowledge: Knowledge, *, is_exchange: bool = False
) -> list[Clue]:
    """One clue per product whose text is in the evidence.

    Host names are left out, except for texts that name a host themselves: a server may be
    called `mercury.example.org`. With `is_exchange` (the text bears Exchange's own marks)
    another product's name decides nothing; Exchange Online bears the same marks.
    """
    text = _HOST_NAME.sub(" ", _NAMING_LINE.sub("", evidence.text))
    lowered, whole = text.lower(), evidence.text.lower()
    found: dict[Fingerprint, None] = {}
    for needle, fingerprint in knowledge.needles[evidence.kind]:
        in_host = "." in needle
        if needle not in (whole if in_host else lowered):
            continue
        pattern = fingerprint.pattern
        if pattern is None or pattern.search(evidence.text if in_host else text):
            found[fingerprint] = None
    other = FingerprintMeaning.OTHER_PRODUCT
    return [
        _fingerprint_clue(fingerprint)
        for fingerprint in found
        if not (is_exchange and fingerprint.meaning is other)
    ]


def _fingerprint_clue(fingerprint: Fingerprint) -> Clue:
    meaning = fingerprint.meaning
    if meaning is FingerprintMeaning.FRONT:
        return Clue("front", fingerprint.name, f"{fingerprint.name} stands in front")
    lines = ONLINE if meaning is FingerprintMeaning.ONLINE else frozenset()
    return Clue(
        meaning.value,
        fingerprint.name,
        f"not an Exchange server: {fingerprint.name}",
        is_exchange=False,
        lines=lines,
    )
