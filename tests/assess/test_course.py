"""The course of a verdict: what it says of each day is what a verdict of that day says."""

from datetime import date, timedelta
from random import Random

import pytest

from patchstand import knowledge
from patchstand.assess import Course, course, judge_set
from patchstand.assess.course import ALWAYS, NEVER
from patchstand.assess.dates import patch_day_after
from patchstand.model import (
    Assessment,
    Build,
    CveVerdict,
    Knowledge,
    ProductLine,
    ServerClass,
    Status,
)

BEGIN = date(2015, 1, 1)
END = date(2026, 11, 23)


@pytest.fixture(scope="module")
def known() -> Knowledge:
    return knowledge.load()


def drawn(known: Knowledge, random: Random) -> tuple[Build, ...]:
    """A set as evidence gives it: neighbours mostly, sometimes builds from anywhere."""
    builds = [update.build for update in known.updates]
    size, at = random.choice((1, 1, 2, 3, 6)), random.randrange(len(builds))
    chosen = builds[at : at + size] if random.random() < 0.7 else random.sample(builds, size)
    return tuple(sorted(set(chosen)))


def open_on(judged: Assessment, low: bool, sort: str) -> bool:
    """Whether every member surely (any member possibly) has such a flaw, by the verdict."""

    def matters(cve: CveVerdict) -> bool:
        if sort == "kev":
            return cve.kev is not None
        return sort == "any" or (cve.rce is True if low else cve.rce is not False)

    statuses = (Status.AFFECTED,) if low else (Status.AFFECTED, Status.UNDETERMINED)
    each = [
        any(c.counts_for_class and c.status in statuses and matters(c) for c in member.cves)
        for member in judged.members
    ]
    return all(each) if low else any(each)


def test_a_course_says_of_each_day_what_the_verdict_says(known: Knowledge) -> None:
    """For 600 random sets, periods and days: class, level, support and open flaws agree."""
    random = Random(5)
    for _ in range(600):
        first = BEGIN + timedelta(days=random.randrange(4000))
        last = min(END, first + timedelta(days=random.randrange(2500)))
        day = first + timedelta(days=random.randrange((last - first).days + 1))
        builds, reason = drawn(known, random), random.choice((None, None, "conflict"))
        found = course(
            knowledge=known, builds=builds, lines=(), reason=reason, first=first, last=last
        )
        judged = judge_set(known, builds, reason, day)
        span = [each for each in found.spans if each.since <= day][-1]
        since = [member.behind.since for member in judged.members]
        assert span.server_class is judged.server_class
        assert span.behind.low == (NEVER if None in since else max(filter(None, since)))
        blind = patch_day_after(known.covered_until)
        unknown = [blind] if blind <= day else []  # what came out since then nobody here knows
        early = [ALWAYS] if day < known.covered_from else []  # of then not all is known
        assert span.behind.high == min([*filter(None, since), *unknown, *early], default=NEVER)
        assert span.phases == {member.support.phase for member in judged.members}
        for sort, bounds in (
            ("any", found.any_cve), ("rce", found.rce), ("kev", found.known_exploited),
        ):  # fmt: skip
            assert (bounds.low <= day) == open_on(judged, True, sort)
            assert (bounds.high <= day) == (bool(unknown) or open_on(judged, False, sort))


def test_nothing_later_than_the_last_day_is_looked_at(known: Knowledge) -> None:
    """Without the updates and advisories of later days the course is the same."""
    random = Random(6)
    for _ in range(20):
        last = BEGIN + timedelta(days=random.randrange(1500, 4200))
        earlier = until(known, last)
        builds = tuple(b for b in drawn(known, random) if earlier.update(b) is not None)
        assert spans_of(known, builds, last) == spans_of(earlier, builds, last)


def spans_of(known: Knowledge, builds: tuple[Build, ...], last: date) -> Course:
    return course(knowledge=known, builds=builds, lines=(), reason=None, first=BEGIN, last=last)


def until(known: Knowledge, day: date) -> Knowledge:
    return Knowledge(
        version=known.version,
        covered_from=known.covered_from,
        covered_until=known.covered_until,
        updates=[update for update in known.updates if update.released <= day],
        cves=[cve for cve in known.cves if cve.known_from <= day],
        support=[phase for phases in known.support.values() for phase in phases],
        rejected=known.rejected.values(),
    )


def test_a_set_without_builds_may_be_anything(known: Knowledge) -> None:
    """Nothing is sure of it; its support phase is told where all of its lines agree."""
    found = course(
        knowledge=known,
        builds=(),
        lines=(ProductLine.V2010,),
        reason="no_build",
        first=date(2024, 1, 1),
        last=date(2024, 2, 1),
    )

    (span,) = found.spans
    assert span.server_class is ServerClass.UNDETERMINED
    assert (span.behind.low, span.behind.high) == (NEVER, ALWAYS)
    assert (found.rce.low, found.rce.high) == (NEVER, ALWAYS)
    assert [phase.value for phase in span.phases] == ["ended"]
