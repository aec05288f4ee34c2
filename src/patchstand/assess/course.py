"""The verdict over a set of builds for every day of a period, as spans between changes.

A census judges each distinct set once and not once a day: between two days on which
something changes (a release, an advisory, a support end) a verdict stays as it is. That the
spans say of each day what `judge_set` says is a property test.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from weakref import WeakKeyDictionary

from patchstand.assess.cves import join
from patchstand.assess.dates import patch_day_after
from patchstand.assess.families import families
from patchstand.assess.patch_level import behind
from patchstand.assess.support import public_support_end, support_at
from patchstand.assess.verdict import classify, judge_build, limits_at
from patchstand.model import (
    ON_PREMISES,
    Behind,
    Build,
    CveVerdict,
    Knowledge,
    PhaseName,
    ProductLine,
    ServerClass,
    Status,
    Update,
    Why,
)

_DAY = timedelta(days=1)
_SAFE = frozenset({Status.FIXED, Status.NOT_AFFECTED})


NEVER = date.max
"""The first day of what does not happen."""
ALWAYS = date.min


@dataclass(frozen=True, slots=True)
class Bounds:
    """From when on something holds: surely (for every member), and possibly (for any).

    Each is the first day, `NEVER` where there is none. An open flaw stays open on a build.
    """

    low: date
    high: date


UNKNOWN = Bounds(low=NEVER, high=ALWAYS)


@dataclass(frozen=True, slots=True)
class Span:
    """What holds from a day on, until the next span begins.

    `behind.low`: the day since which every member lacks a security update, `NEVER` when one
    lacks none; `behind.high`: since which the first of them does, `ALWAYS` for a set without
    a known build. `phases`: all possible support phases.
    """

    since: date
    server_class: ServerClass
    behind: Bounds
    phases: frozenset[PhaseName]


@dataclass(frozen=True, slots=True)
class Course:
    """The verdict over a set through a period: what changes, and from when flaws are open.

    Only flaws that count for the class are looked at: others hang on the machine around
    Exchange and cannot be seen from outside. Those whose being a remote code execution is
    unknown count for the upper bound only.
    """

    spans: tuple[Span, ...]
    any_cve: Bounds
    rce: Bounds
    known_exploited: Bounds


@dataclass(frozen=True, slots=True)
class _Member:
    """A build with its row, its open CVEs that count, and the first own update it lacks."""

    build: Build
    row: Update
    open: tuple[CveVerdict, ...]
    lacks_from: date


@dataclass(frozen=True, slots=True)
class _Set:
    """All that is known of a set, whatever the day; `decisive` CVEs decide its class."""

    knowledge: Knowledge
    members: tuple[_Member, ...]
    decisive: tuple[CveVerdict, ...]
    doubts: tuple[str, ...]
    lines: tuple[ProductLine, ...]


def course(
    *,
    knowledge: Knowledge,
    builds: tuple[Build, ...],
    lines: tuple[ProductLine, ...],
    reason: str | None,
    first: date,
    last: date,
) -> Course:
    """The verdict over a set from `first` to `last`, both inclusive; equal spans are one.

    `lines` are the possible product lines, for sets without builds; `reason` is the doubt
    about the set, as in `judge_set`. Nothing later than `last` is looked at.
    """
    whole = _set(knowledge, builds, lines, reason, last)
    found: list[Span] = []
    for day in sorted(day for day in {first, *_change_days(whole)} if first <= day <= last):
        span = _span(whole, day)
        if not found or replace(span, since=found[-1].since) != found[-1]:
            found.append(span)
    known_from = _known_from(knowledge)
    return Course(
        tuple(found),
        _bounds(whole, lambda cve: known_from[cve.id], lambda _: (True, True)),
        _bounds(
            whole,
            lambda cve: known_from[cve.id],
            lambda cve: (cve.rce is True, cve.rce is not False),
        ),
        _bounds(
            whole, lambda cve: max(known_from[cve.id], cve.kev or NEVER), lambda _: (True, True)
        ),
    )


def _set(
    knowledge: Knowledge,
    builds: tuple[Build, ...],
    lines: tuple[ProductLine, ...],
    reason: str | None,
    last: date,
) -> _Set:
    judged = [(build, judge_build(knowledge, build, last)) for build in builds]
    known = [(build, each) for build, each in judged if each is not None]
    doubts = [Why.KNOWLEDGE_TOO_OLD.value] if len(known) < len(judged) else []
    if reason is not None:
        doubts.append(reason)
    return _Set(
        knowledge,
        tuple(_member(knowledge, build, each.cves, last) for build, each in known),
        _decisive(knowledge, join([each.cves for _, each in known]) if known else ()),
        tuple(doubts),
        lines,
    )


def _member(knowledge: Knowledge, build: Build, cves: Iterable[CveVerdict], last: date) -> _Member:
    row = knowledge.row_for(build)
    assert row is not None  # or there would be no verdict over it
    lacking = (
        family.released
        for family in families(knowledge, row.line)
        if family.released <= last and not family.is_in(build, row.cu)
    )
    still_open = tuple(cve for cve in cves if cve.status not in _SAFE and cve.counts_for_class)
    return _Member(build, row, still_open, min(lacking, default=NEVER))


def _decisive(knowledge: Knowledge, joined: Iterable[CveVerdict]) -> tuple[CveVerdict, ...]:
    """Of the affected and of the undetermined ones that count, the one known first."""
    known_from = _known_from(knowledge)
    first: dict[Status, CveVerdict] = {}
    for cve in joined:
        if cve.status in _SAFE or not cve.counts_for_class:
            continue
        known = first.get(cve.status)
        if known is None or known_from[cve.id] < known_from[known.id]:
            first[cve.status] = cve
    return tuple(first.values())


_first_days: WeakKeyDictionary[Knowledge, dict[str, date]] = WeakKeyDictionary()


def _known_from(knowledge: Knowledge) -> dict[str, date]:
    if knowledge not in _first_days:
        _first_days[knowledge] = {cve.id: cve.known_from for cve in knowledge.cves}
    return _first_days[knowledge]


def _change_days(whole: _Set) -> Iterator[date]:
    """Every day on which class, level or support may change."""
    known = whole.knowledge
    yield known.covered_from
    yield patch_day_after(known.covered_until)
    for cve in whole.decisive:
        yield _known_from(known)[cve.id]
    for member in whole.members:
        yield from _level_days(known, member)
    for key in _places(whole):
        for phase in known.support.get(key, ()):
            yield phase.since
            yield phase.until + _DAY


def _level_days(known: Knowledge, member: _Member) -> Iterator[date]:
    yield member.lacks_from
    end = public_support_end(known, member.row.line)
    if end is None or member.lacks_from <= end:
        return  # what successors got counts only while nothing of the own line is missing
    yield end + _DAY
    for line in ON_PREMISES:
        if line.rank >= member.row.line.rank:
            yield from (family.released for family in families(known, line))


def _places(whole: _Set) -> Iterable[tuple[ProductLine, str]]:
    """The lines and CUs it may be of; without builds, all CUs of the possible lines."""
    if whole.members:
        return {(member.row.line, member.row.cu) for member in whole.members}
    return [key for key in whole.knowledge.support if key[0] in whole.lines]


def _span(whole: _Set, day: date) -> Span:
    known_from = _known_from(whole.knowledge)
    levels = tuple(_behind(whole.knowledge, member, day) for member in whole.members)
    supports = tuple({support_at(whole.knowledge, *place, day) for place in _places(whole)})
    cves = tuple(cve for cve in whole.decisive if known_from[cve.id] <= day)
    doubts = (*limits_at(whole.knowledge, day), *whole.doubts)
    found = classify(levels, cves, supports, doubts)[0] if levels else ServerClass.UNDETERMINED
    days = [level.since or NEVER for level in levels]
    behind_for = Bounds(max(days), min(days)) if days else UNKNOWN
    blind = patch_day_after(whole.knowledge.covered_until)
    if blind <= day:  # an update that nobody here knows may be missing since then
        behind_for = Bounds(behind_for.low, min(behind_for.high, blind))
    if day < whole.knowledge.covered_from:  # and what came out before that not all is known of
        behind_for = Bounds(behind_for.low, ALWAYS)
    return Span(day, found, behind_for, frozenset(support.phase for support in supports))


def _behind(knowledge: Knowledge, member: _Member, day: date) -> Behind:
    """As `behind`, which need not be asked when the own line's first missing update decides.

    Updates of successors that count are all later than those of the own line.
    """
    if member.lacks_from <= day:
        return Behind(member.lacks_from, (day - member.lacks_from).days, 0, ())
    return behind(knowledge, member.build, member.row, day)


def _bounds(
    whole: _Set,
    since: Callable[[CveVerdict], date],
    matters: Callable[[CveVerdict], tuple[bool, bool]],
) -> Bounds:
    """From when such a flaw is open: on every member surely, on any member possibly.

    From the first patch day that the knowledge does not cover, any may be. `matters`
    says whether a flaw is surely, and possibly, of the sort that is asked for.
    """
    if not whole.members:
        return UNKNOWN
    low, high = ALWAYS, patch_day_after(whole.knowledge.covered_until)
    for member in whole.members:
        surely = NEVER
        for cve in member.open:
            is_surely, is_maybe = matters(cve)
            if is_surely and cve.status is Status.AFFECTED:
                surely = min(surely, since(cve))
            if is_maybe:
                high = min(high, since(cve))
        low = max(low, surely)
    return Bounds(low, high)
