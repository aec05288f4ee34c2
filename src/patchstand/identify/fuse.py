"""From clues to identities: clues of one node are intersected, different nodes kept apart."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import TypeVar

from patchstand.model import (
    Build,
    Clue,
    Conflict,
    EvidenceKind,
    Identity,
    IdentityPrecision,
    Knowledge,
    ProductLine,
)

_Possible = TypeVar("_Possible", Build, ProductLine)

_IIS_CARRIES = {
    "6.0": {ProductLine.V2003, ProductLine.V2007},
    "7.0": {ProductLine.V2007, ProductLine.V2010},
    "7.5": {ProductLine.V2007, ProductLine.V2010, ProductLine.V2013},
    "8.0": {ProductLine.V2010, ProductLine.V2013, ProductLine.V2016},
    "8.5": {ProductLine.V2010, ProductLine.V2013, ProductLine.V2016},
    "10.0": {ProductLine.V2016, ProductLine.V2019, ProductLine.SE},
}
"""Lines each IIS version can carry (IIS has the version of its Windows)."""

_SHOWN = frozenset({"x_feserver", "x_calculatedbetarget", "x_feproxyinfo", "x_backendhttpstatus"})
"""Headers that only Exchange itself sends, besides its version."""


def fuse(clues: Sequence[Clue], knowledge: Knowledge, on: date) -> Identity:
    """One identity from the clues of one node.

    What speaks against Exchange in one answer silences what speaks for it there, and a
    look-alike silences all. What other answers show for certain stands: a path can lead to
    Exchange Online or to another product while the server itself is one. Clues that are
    not trusted are kept as evidence and reported, never used.
    """
    yes = [clue for clue in clues if clue.is_exchange and clue.trusted]
    no = [clue for clue in clues if clue.is_exchange is False]
    known = Identity(
        is_exchange=None,
        evidence=tuple(clues),
        conflicts=tuple(
            Conflict(clue.rule, clue.says, (clue.value,)) for clue in clues if not clue.trusted
        ),
        node=next((clue.node for clue in clues if clue.node), None),
        fronts=tuple(dict.fromkeys(clue.value for clue in clues if clue.rule == "front")),
        reason=next((clue.reason for clue in clues if clue.reason), None),
        seen_on=max((clue.seen_on for clue in clues if clue.seen_on), default=None),
    )
    on = min(on, known.seen_on) if known.seen_on else on
    if no:
        yes = _standing(yes, no)
        if not yes:
            return _something_else(known, no)
        against = tuple(Conflict("mixed_answers", clue.says, (clue.value,)) for clue in no)
        known = replace(known, conflicts=known.conflicts + against)
    return _exchange(known, yes, knowledge, on) if yes else known


def _standing(yes: list[Clue], no: list[Clue]) -> list[Clue]:
    """What still speaks for Exchange; nothing, unless it shows a build or a back end's name.

    A web page that is not Exchange's says nothing against the headers it came with.
    """
    if any(clue.rule == "look_alike" and clue.kind is not EvidenceKind.HTML for clue in no):
        return []
    pages = {clue.reply for clue in no if clue.kind is EvidenceKind.HTML}
    answers = {clue.reply for clue in no if clue.kind is not EvidenceKind.HTML}
    left = [
        clue
        for clue in yes
        if clue.reply not in answers
        and not (clue.kind is EvidenceKind.HTML and clue.reply in pages)
    ]
    certain = any(clue.builds is not None or clue.rule in _SHOWN for clue in left)
    return left if certain else []


def _something_else(known: Identity, no: list[Clue]) -> Identity:
    lines = frozenset[ProductLine]().union(*(clue.lines or () for clue in no))
    named = min(no, key=lambda clue: clue.rule == "other_product")
    return replace(
        known,
        is_exchange=False,
        lines=tuple(sorted(lines, key=_rank)),
        look_alike=named.says,
        reason=None,
    )


def _rank(line: ProductLine) -> int:
    return line.rank


def _exchange(known: Identity, yes: list[Clue], knowledge: Knowledge, on: date) -> Identity:
    conflicts = [*known.conflicts]
    builds = _intersect(yes, lambda clue: clue.builds, conflicts)
    if builds:
        lines = _lines_of(builds, yes, conflicts)
    else:
        lines = _intersect(yes, lambda clue: clue.lines, conflicts)
    or_later = _or_later(yes, builds)
    conflicts += _oddities(known.evidence, lines, yes, knowledge)
    return replace(
        known,
        is_exchange=True,
        lines=tuple(sorted(lines, key=_rank)),
        builds=tuple(sorted(builds)),
        or_later=or_later,
        precision=_precision(builds, lines, or_later=or_later, knowledge=knowledge, on=on),
        conflicts=tuple(dict.fromkeys(conflicts)),
        reason=_doubt(yes, lines, builds, or_later=or_later) or (None if builds else known.reason),
    )


def _or_later(yes: list[Clue], builds: frozenset[Build]) -> bool:
    """True when the set rests on a number that was rounded up, and on no exact one."""
    speaking = [clue for clue in yes if clue.builds and clue.builds >= builds]
    exact = any(clue.builds == builds and not clue.or_later for clue in speaking)
    return any(clue.or_later for clue in speaking) and not exact


def _doubt(
    yes: list[Clue], lines: frozenset[ProductLine], builds: frozenset[Build], *, or_later: bool
) -> str | None:
    """Why the set must not be trusted to say that nothing is missing.

    One answer may show a build that no table has while another shows a published one; and
    from 2016 on the components carry the product's own number, so that an unlisted one is
    newer than the table, an interim build, or tampered with.
    """
    unknown = next((clue.reason for clue in yes if clue.builds == frozenset()), None)
    if unknown is not None:
        return unknown
    since_2016 = bool(lines) and min(map(_rank, lines)) >= ProductLine.V2016.rank
    return "unlisted_build" if builds and or_later and since_2016 else None


def _intersect(
    yes: list[Clue],
    allowed_by: Callable[[Clue], frozenset[_Possible] | None],
    conflicts: list[Conflict],
) -> frozenset[_Possible]:
    """Intersect what the clues allow; where nothing is left, keep both and say so."""
    possible: frozenset[_Possible] = frozenset()
    for clue in yes:
        allowed = allowed_by(clue)
        if not allowed:
            continue
        left = possible & allowed if possible else allowed
        if not left:
            conflicts.append(_contradiction(yes, clue))
            left = possible | allowed
        possible = left
    return possible


def _lines_of(
    builds: frozenset[Build], yes: list[Clue], conflicts: list[Conflict]
) -> frozenset[ProductLine]:
    lines = frozenset(line for build in builds if (line := build.line) is not None)
    conflicts.extend(
        _contradiction(yes, clue) for clue in yes if clue.lines and not clue.lines & lines
    )
    return lines


def _contradiction(yes: list[Clue], clue: Clue) -> Conflict:
    others = tuple(other.value for other in yes if other is not clue and other.builds)
    return Conflict(
        "contradiction",
        f"{clue.rule} says {clue.value}, other evidence does not allow it",
        (clue.value, *others[:4]),
    )


def _oddities(
    clues: tuple[Clue, ...],
    lines: frozenset[ProductLine],
    yes: list[Clue],
    knowledge: Knowledge,
) -> list[Conflict]:
    found = []
    for clue in clues:
        version = clue.value.partition("/")[2].strip()
        if clue.rule == "iis" and version in _IIS_CARRIES and not lines & _IIS_CARRIES[version]:
            found.append(Conflict("iis", f"{clue.value} cannot carry this Exchange", (clue.value,)))
    for clue in yes:
        since_2016 = clue.lines and min(line.rank for line in clue.lines) >= _rank(
            ProductLine.V2016
        )
        if clue.reason == "not_yet_released":
            says = f"{clue.value} was shown before it was released"
            found.append(Conflict("not_yet_released", says, (clue.value,)))
        unlisted = clue.or_later or clue.reason == "knowledge_too_old"
        if since_2016 and unlisted and not _is_rejected(clue.value, knowledge):
            found.append(
                Conflict(
                    "unlisted_version",
                    f"{clue.value} is in no table: newer than the knowledge, or tampered with",
                    (clue.value,),
                )
            )
    return found


def _is_rejected(value: str, knowledge: Knowledge) -> bool:
    """True for a number that is in no table because it is known to be no build."""
    return any(value == str(build) for build in knowledge.rejected)


def _precision(
    builds: frozenset[Build],
    lines: frozenset[ProductLine],
    *,
    or_later: bool,
    knowledge: Knowledge,
    on: date,
) -> IdentityPrecision:
    if len(builds) == 1 and not or_later:
        return IdentityPrecision.EXACT
    if builds:
        rows = [knowledge.update(build) for build in builds]
        cus = {(row.line, row.cu) for row in rows if row is not None}
        if len(cus) == 1 and not or_later:
            whole = {row.build for row in knowledge.of_cu(*cus.pop()) if row.released_from <= on}
            if whole == builds:
                return IdentityPrecision.CU
        return IdentityPrecision.NARROWED
    return IdentityPrecision.LINE if lines else IdentityPrecision.NONE
