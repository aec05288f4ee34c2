"""From clues to identities: clues of one node are intersected, different nodes kept apart."""

from collections.abc import Iterable, Sequence
from datetime import date

from patchstand.model import (
    Build,
    Clue,
    Conflict,
    Identity,
    IdentityPrecision,
    Knowledge,
    ProductLine,
)

_IIS_CARRIES = {
    "6.0": {ProductLine.V2003, ProductLine.V2007},
    "7.0": {ProductLine.V2007, ProductLine.V2010},
    "7.5": {ProductLine.V2007, ProductLine.V2010, ProductLine.V2013},
    "8.0": {ProductLine.V2010, ProductLine.V2013, ProductLine.V2016},
    "8.5": {ProductLine.V2010, ProductLine.V2013, ProductLine.V2016},
    "10.0": {ProductLine.V2016, ProductLine.V2019, ProductLine.SE},
}
"""Lines each IIS version can carry (reference, section a: IIS is Windows' own version)."""

_STRONG_NO = frozenset({"look_alike", "online"})


def fuse(clues: Sequence[Clue], knowledge: Knowledge, on: date) -> Identity:
    """One identity from the clues of one node.

    A look-alike or Exchange Online outweighs what looks like a server; another product's
    banner does not, since a gateway can stand before it. Clues that are not trusted are
    kept as evidence and reported, never used.
    """
    conflicts = [
        Conflict(clue.rule, clue.says, (clue.value,)) for clue in clues if not clue.trusted
    ]
    fronts = tuple(dict.fromkeys(clue.value for clue in clues if clue.rule == "front"))
    node = next((clue.node for clue in clues if clue.node), None)
    seen_on = max((clue.seen_on for clue in clues if clue.seen_on), default=None)
    yes = [clue for clue in clues if clue.is_exchange and clue.trusted]
    no = [clue for clue in clues if clue.is_exchange is False]
    if any(_outweighs(clue) for clue in no) or (no and not yes):
        return Identity(
            is_exchange=False,
            lines=tuple(sorted(set().union(*(c.lines or () for c in no)), key=_rank)),
            evidence=tuple(clues),
            conflicts=tuple(conflicts),
            node=node,
            look_alike=_name_of(no),
            fronts=fronts,
            seen_on=seen_on,
        )
    if not yes:
        return Identity(
            is_exchange=None, evidence=tuple(clues), conflicts=tuple(conflicts), node=node,
            fronts=fronts, reason=next((c.reason for c in clues if c.reason), None),
            seen_on=seen_on,
        )
    return _exchange(yes, tuple(clues), conflicts, fronts, node, seen_on, knowledge, on)


def _outweighs(clue: Clue) -> bool:
    return clue.rule in _STRONG_NO or clue.lines == {ProductLine.ONLINE}


def _name_of(no: Iterable[Clue]) -> str:
    ranked = sorted(no, key=lambda clue: clue.rule not in _STRONG_NO)
    return ranked[0].says


def _rank(line: ProductLine) -> int:
    return line.rank


def _exchange(
    yes: list[Clue],
    clues: tuple[Clue, ...],
    conflicts: list[Conflict],
    fronts: tuple[str, ...],
    node: str | None,
    seen_on: date | None,
    knowledge: Knowledge,
    on: date,
) -> Identity:
    lines, builds = _intersect(yes, conflicts)
    or_later = any(clue.or_later and clue.builds and clue.builds >= builds for clue in yes)
    or_later = or_later and not any(
        clue.builds and not clue.or_later and clue.builds >= builds for clue in yes
    )
    reason = None if builds else next((c.reason for c in yes if c.reason), None)
    conflicts += _oddities(clues, lines, yes)
    return Identity(
        is_exchange=True,
        lines=tuple(sorted(lines, key=_rank)),
        builds=tuple(sorted(builds)),
        or_later=or_later,
        precision=_precision(builds, lines, or_later=or_later, knowledge=knowledge, on=on),
        evidence=clues,
        conflicts=tuple(conflicts),
        node=node,
        fronts=fronts,
        reason=reason,
        seen_on=seen_on,
    )


def _intersect(
    yes: list[Clue], conflicts: list[Conflict]
) -> tuple[frozenset[ProductLine], frozenset[Build]]:
    """Intersect what the clues allow; where nothing is left, keep both and say so."""
    builds: frozenset[Build] = frozenset()
    for clue in yes:
        if not clue.builds:
            continue
        narrowed = builds & clue.builds if builds else clue.builds
        if not narrowed:
            conflicts.append(_contradiction(yes, clue))
            narrowed = builds | clue.builds
        builds = narrowed
    if builds:
        of_builds = frozenset(line for build in builds if (line := build.line) is not None)
        for clue in yes:
            if clue.lines and not clue.lines & of_builds:
                conflicts.append(_contradiction(yes, clue))
        return of_builds, builds
    lines: frozenset[ProductLine] = frozenset()
    for clue in yes:
        if not clue.lines:
            continue
        kept = lines & clue.lines if lines else clue.lines
        if not kept:
            conflicts.append(_contradiction(yes, clue))
            kept = lines | clue.lines
        lines = kept
    return lines, builds


def _contradiction(yes: list[Clue], clue: Clue) -> Conflict:
    others = tuple(other.value for other in yes if other is not clue and other.builds)
    return Conflict(
        "contradiction", f"{clue.rule} says {clue.value}, other evidence does not allow it",
        (clue.value, *others[:4]),
    )


def _oddities(
    clues: tuple[Clue, ...], lines: frozenset[ProductLine], yes: list[Clue]
) -> list[Conflict]:
    found = []
    for clue in clues:
        version = clue.value.partition("/")[2].strip()
        if clue.rule == "iis" and version in _IIS_CARRIES and not lines & _IIS_CARRIES[version]:
            found.append(
                Conflict("iis", f"{clue.value} cannot carry this Exchange", (clue.value,))
            )
    for clue in yes:
        since_2016 = clue.lines and min(line.rank for line in clue.lines) >= _rank(
            ProductLine.V2016
        )
        if since_2016 and (clue.or_later or clue.reason == "knowledge_too_old"):
            found.append(
                Conflict(
                    "unlisted_version",
                    f"{clue.value} is in no table: newer than the knowledge, or tampered with",
                    (clue.value,),
                )
            )
    return found


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
            whole = {
                row.build for row in knowledge.of_cu(*cus.pop()) if row.released_from <= on
            }
            if whole == builds:
                return IdentityPrecision.CU
        return IdentityPrecision.NARROWED
    return IdentityPrecision.LINE if lines else IdentityPrecision.NONE
