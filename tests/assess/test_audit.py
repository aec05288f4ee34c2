"""Decisions of settings over CVEs, and what they do to the class."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.assess.inside_checks.servers import E2016, E2016_CU22, SE, Server
from tests.assess.overriding import by_server

from patchstand import knowledge
from patchstand.assess.audit import audit, decided
from patchstand.assess.inside import Decision, Inside
from patchstand.model import Assessment, ServerClass, Status, Why

EXTENDED_PROTECTION, SIGNING = "CVE-2024-21410", "CVE-2023-36039"
ALL = [cve.id for cve in knowledge.load().cves]


def status(assessment: Assessment, cve: str) -> Status:
    return next(each.status for each in assessment.cves if each.id == cve)


def test_what_hangs_on_a_setting_is_decided_by_it() -> None:
    """Undetermined becomes affected or fixed, and counts for the class from then on."""
    inside = Server(E2016).inside()

    open_one = decided(inside, [Decision((EXTENDED_PROTECTION,), True)])
    closed = decided(inside, [Decision((EXTENDED_PROTECTION,), False)])

    assert status(inside.assessment, EXTENDED_PROTECTION) is Status.UNDETERMINED
    assert status(open_one, EXTENDED_PROTECTION) is Status.AFFECTED
    assert status(closed, EXTENDED_PROTECTION) is Status.FIXED
    assert open_one.server_class is ServerClass.VULNERABLE


def test_a_safe_default_can_be_undone() -> None:
    """Fixed by default is fixed until a setting says otherwise."""
    inside = Server(SE).inside()

    for cve in (EXTENDED_PROTECTION, SIGNING):
        undone = decided(inside, [Decision((cve,), True)])
        kept = decided(inside, [Decision((cve,), False)])
        verdict = next(each for each in undone.cves if each.id == cve)

        assert (verdict.status, verdict.why) == (Status.AFFECTED, Why.CONFIGURATION)
        assert undone.server_class is ServerClass.VULNERABLE
        assert next(each for each in kept.cves if each.id == cve).why is Why.DEFAULT


def test_a_setting_closes_no_flaw_that_the_build_has() -> None:
    """A build that lacks the fix stays affected."""
    inside = Server(E2016_CU22).inside()

    assert status(decided(inside, [Decision((SIGNING,), False)]), SIGNING) is Status.AFFECTED


@pytest.mark.parametrize("answers", [(True, False), (False, True)])
def test_of_two_answers_the_worse_holds(answers: tuple[bool, bool]) -> None:
    """In whatever order the checks run."""
    decisions = [Decision((EXTENDED_PROTECTION,), answer) for answer in answers]

    found = decided(Server(E2016).inside(), decisions)

    assert status(found, EXTENDED_PROTECTION) is Status.AFFECTED


@given(
    st.dictionaries(st.sampled_from(ALL), st.booleans()), st.sampled_from([SE, E2016, E2016_CU22])
)
def test_decisions_touch_only_what_hangs_on_settings(answers: dict[str, bool], build: str) -> None:
    """Whatever checks decide: a build's own verdicts never change, and none is lost."""
    inside = Server(build).inside()
    hanging = set(inside.hanging(ALL))

    found = decided(inside, [Decision((cve,), answer) for cve, answer in answers.items()])

    for before, after in zip(inside.assessment.cves, found.cves, strict=True):
        assert before.id == after.id
        if before.id not in hanging or before.id not in answers:
            assert before == after
        elif answers[before.id]:
            assert after.status is Status.AFFECTED


def test_a_flaw_before_log_in_is_told_as_such() -> None:
    """An open flaw carries what its severity follows from."""
    found = decided(Server(E2016).inside(), [Decision((EXTENDED_PROTECTION,), True)])

    assert next(each for each in found.cves if each.id == EXTENDED_PROTECTION).pre_authentication


def test_no_check_ever_raises_or_calls_an_empty_bundle_safe() -> None:
    """Of a server of which nothing was exported nothing is found, and no CVE is closed."""
    inside = Server(E2016).inside()

    found = audit(inside)

    before = {each.id: each.status for each in inside.assessment.cves}
    assert {each.id: each.status for each in found.assessment.cves} == before
    assert found.decisions == ()
    assert len({each.wanted for each in found.unread}) == len(found.unread)
    open_questions = {cve for each in found.unread for cve in each.cves}
    undecided = {cve for cve in before if before[cve] is Status.UNDETERMINED}
    asked = set(inside.hanging(undecided)) - _of_others(inside)
    assert asked <= open_questions


def _of_others(inside: Inside) -> set[str]:
    """CVEs of Extended Protection, which have a check of their own."""
    return {
        each.id
        for each in inside.assessment.cves
        if each.condition is not None and each.condition.value == "extended_protection"
    }


def test_findings_come_in_the_order_of_urgency() -> None:
    """And each only once."""
    inside = Server(
        SE, **by_server(("Data", "EnableSerializationDataSigning", "Enabled=false"))
    ).inside()

    found = audit(replace(inside)).findings

    assert [each.severity.rank for each in found] == sorted(each.severity.rank for each in found)
    assert len(set(found)) == len(found)
