from datetime import date, timedelta
from time import process_time

from hypothesis import given, settings
from hypothesis import strategies as st

from patchstand import knowledge
from patchstand.assess import judge_build, judge_set
from patchstand.model import Build, ServerClass, Status

KNOWN = knowledge.load()
BUILDS = st.sampled_from([update.build for update in KNOWN.updates])
DAYS = st.dates(date(2000, 1, 1), date(2027, 12, 31))


@given(BUILDS, DAYS, st.integers(0, 400))
@settings(max_examples=150, deadline=None)
def test_a_build_never_gets_better_with_time(build: Build, day: date, later: int) -> None:
    """With the same build, days behind never shrink and no CVE heals as time passes.

    One exception follows from the definition: updates of successors count until the line
    gets one of its own after its support, as 2010 did in March 2021.
    """
    first = judge_build(KNOWN, build, day)
    second = judge_build(KNOWN, build, day + timedelta(days=later))

    assert first is not None
    assert second is not None
    if second.behind.days < first.behind.days:
        assert all(update.unsupported for update in first.behind.missing)
        assert any(not update.unsupported for update in second.behind.missing)
    affected = {cve.id for cve in first.cves if cve.status is Status.AFFECTED}
    assert affected <= {cve.id for cve in second.cves if cve.status is Status.AFFECTED}


@given(st.lists(BUILDS, min_size=2, max_size=5, unique=True), DAYS)
@settings(max_examples=100, deadline=None)
def test_a_set_is_bounded_by_its_members(builds: list[Build], day: date) -> None:
    """A set is vulnerable only if no member is fine, and fine only if every member is."""
    chosen = tuple(sorted(builds))
    joined = judge_set(KNOWN, chosen, None, day)
    classes = {member.server_class for member in joined.members}

    if joined.server_class is ServerClass.VULNERABLE:
        assert ServerClass.NOT_VULNERABLE not in classes
    if joined.server_class is ServerClass.NOT_VULNERABLE:
        assert classes == {ServerClass.NOT_VULNERABLE}
    assert joined.low is not None
    assert joined.high is not None
    assert joined.low.days == min(member.behind.days for member in joined.members)
    assert joined.high.days == max(member.behind.days for member in joined.members)


@given(st.lists(BUILDS, min_size=2, max_size=4, unique=True), DAYS)
@settings(max_examples=60, deadline=None)
def test_joined_cves_hold_for_every_member(builds: list[Build], day: date) -> None:
    """A CVE is affected (or safe) for a set exactly when it is for every member."""
    joined = judge_set(KNOWN, tuple(sorted(builds)), None, day)
    safe = {Status.FIXED, Status.NOT_AFFECTED}

    for verdict in joined.cves:
        members = {
            next(cve.status for cve in member.cves if cve.id == verdict.id)
            for member in joined.members
        }
        assert (verdict.status is Status.AFFECTED) == (members == {Status.AFFECTED})
        assert (verdict.status in safe) == (members <= safe)


@given(BUILDS, st.dates(date(2026, 11, 10), date(2040, 1, 1)))
@settings(max_examples=100, deadline=None)
def test_stale_knowledge_never_says_fine(build: Build, day: date) -> None:
    """Once a patch day has passed uncovered, nothing is "not vulnerable"."""
    found = judge_build(KNOWN, build, day)

    assert found is not None
    assert found.server_class is not ServerClass.NOT_VULNERABLE
    assert "knowledge_stale" in found.reasons


@given(BUILDS, st.dates(date(1996, 1, 1), date(2018, 3, 12)))
@settings(max_examples=100, deadline=None)
def test_before_the_knowledge_begins_nothing_is_fine(build: Build, day: date) -> None:
    """For days before the tables are complete no build is "not vulnerable"."""
    found = judge_build(KNOWN, build, day)

    assert found is not None
    assert found.server_class is not ServerClass.NOT_VULNERABLE
    assert "knowledge_incomplete" in found.reasons


@given(BUILDS, DAYS, st.sampled_from(["unlisted_build", "knowledge_too_old"]))
@settings(max_examples=100, deadline=None)
def test_a_doubted_set_is_never_fine(build: Build, day: date, doubt: str) -> None:
    """What casts doubt on a set is kept as a reason, and keeps it from being fine."""
    joined = judge_set(KNOWN, (build,), doubt, day)

    assert joined.server_class is not ServerClass.NOT_VULNERABLE
    assert doubt in joined.reasons


def test_an_empty_set_is_undetermined_with_its_reason() -> None:
    """Without a member nothing is judged; the reason is kept."""
    joined = judge_set(KNOWN, (), "knowledge_too_old", date(2026, 10, 13))

    assert joined.server_class is ServerClass.UNDETERMINED
    assert joined.reasons == ("knowledge_too_old",)


def test_judging_a_build_takes_under_two_milliseconds() -> None:
    """Judging one build afresh, without remembering, takes under 2 ms of CPU when warm."""
    fresh = judge_build.__wrapped__
    builds = [update.build for update in KNOWN.updates[::5]]
    day = date(2026, 10, 13)

    rounds = []
    for _ in range(5):  # the quickest round: a busy machine only ever makes it slower
        start = process_time()
        for build in builds:
            fresh(KNOWN, build, day)
        rounds.append((process_time() - start) / len(builds))

    assert min(rounds) < 0.002
