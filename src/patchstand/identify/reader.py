"""The shape of a reader: one per kind of evidence, found by `plugins.declared`."""

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
    """Turns one piece of evidence of a kind into clues; pure, never raises on any text."""

    kind: EvidenceKind
    read: Callable[[Evidence, Context], Iterable[Clue]]


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
        whole_cu=reading.whole_cu,
        reason=reading.reason,
    )


def fingerprint_clues(evidence: Evidence, knowledge: Knowledge) -> list[Clue]:
    """One clue per product whose text is in the evidence."""
    text = evidence.text
    lowered = text.lower()
    found = dict.fromkeys(
        fingerprint
        for needle, fingerprint in knowledge.needles[evidence.kind]
        if needle in lowered and (fingerprint.pattern is None or fingerprint.pattern.search(text))
    )
    return [_fingerprint_clue(fingerprint) for fingerprint in found]


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
