"""From the evidence of many records to conclusions, each distinct one drawn once."""

from collections import OrderedDict
from datetime import date
from hashlib import blake2b

from patchstand.assess import judge
from patchstand.identify import identify
from patchstand.model import Assessment, Conclusion, Evidence, Identity, Knowledge, Record, Sighted

_MOST_REMEMBERED = 20_000
"""Distinct evidence kept in memory; a country shows a few thousand a day."""
_MOST_CHARACTERS = 32_000_000
"""Of all that is kept: pages of other products may be long, and none like another."""


class Concluding:
    """Identifies and judges records as of a day, with one state of the knowledge."""

    def __init__(self, known: Knowledge, as_of: date) -> None:
        """Nothing is remembered yet."""
        self._known = known
        self._as_of = as_of
        self._characters = 0
        self._drawn: OrderedDict[tuple[tuple[Evidence, ...], date], Conclusion] = OrderedDict()

    def of(self, record: Record) -> Conclusion:
        """What follows from one record; builds released after it was seen are no members."""
        asked = (record.evidence, record.observed_at.date())
        found = self._drawn.get(asked)
        if found is None:
            found = self._drawn[asked] = conclude(*asked, self._known, self._as_of)
            self._characters += _length(record.evidence)
            while self._characters > _MOST_CHARACTERS or len(self._drawn) > _MOST_REMEMBERED:
                (oldest, _), _ = self._drawn.popitem(last=False)
                self._characters -= _length(oldest)
        return found


def _length(evidence: tuple[Evidence, ...]) -> int:
    return sum(len(item.text) for item in evidence)


def conclude(
    evidence: tuple[Evidence, ...], seen_on: date, known: Knowledge, as_of: date
) -> Conclusion:
    """What follows from evidence seen on a day, judged as of another."""
    sighted = identify(evidence, known, seen_on)
    judged = [(node, _judged(node, known, as_of)) for node in sighted.nodes]
    identity, assessment = max(judged, key=lambda pair: badness(pair[1]))
    return Conclusion(
        key=key_of(evidence, seen_on),
        seen_on=seen_on,
        evidence=evidence,
        is_exchange=is_exchange(sighted),
        line=identity.line,
        lines=identity.lines,
        builds=identity.builds,
        or_later=identity.or_later,
        precision=identity.precision,
        clues=tuple(dict.fromkeys(f"{clue.rule}={clue.value}" for clue in identity.evidence)),
        conflicts=tuple(dict.fromkeys(each.rule for each in identity.conflicts)),
        reason=identity.reason,
        look_alike=identity.look_alike,
        node_count=len(sighted.nodes),
        server_class=assessment.server_class if assessment else None,
        behind_low=assessment.low.days if assessment and assessment.low else None,
        behind_high=assessment.high.days if assessment and assessment.high else None,
        as_of=as_of,
        knowledge=known.edition,
    )


def _judged(identity: Identity, known: Knowledge, as_of: date) -> Assessment | None:
    return judge(known, identity, as_of) if identity.is_exchange else None


_CLASSES = ("not_vulnerable", "undetermined", "vulnerable")


def badness(assessment: Assessment | None) -> tuple[int, int]:
    """How bad a verdict is, more is worse: by the class, then by how long it is open.

    The worst node of a server counts, and of several looks at one moment the worst.
    """
    if assessment is None:
        return -1, -1
    days = assessment.high.days if assessment.high and assessment.high.since else -1
    return _CLASSES.index(assessment.server_class.value), days


def is_exchange(sighted: Sighted) -> bool | None:
    """True when any node is one; False only when every node is something else."""
    seen = {node.is_exchange for node in sighted.nodes}
    if True in seen:
        return True
    return None if None in seen else False


def key_of(evidence: tuple[Evidence, ...], seen_on: date) -> int:
    """The key of a conclusion: the same for the same evidence seen on the same day."""
    digest = blake2b(repr(seen_on).encode(), digest_size=8)
    for item in evidence:
        parts = (item.kind.value, item.text, item.server_name, item.source, item.connection)
        digest.update(repr(parts).encode("utf-8", "surrogatepass"))
    return int.from_bytes(digest.digest(), "big", signed=True)
