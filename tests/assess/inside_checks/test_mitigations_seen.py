"""Mitigations as findings: those that work, those that only look so, those that can go."""

import pytest
from tests.assess.test_mitigations import FIRST_FIX, LATER, OPEN, policy_rule, whole_server
from tests.collect.iis.configs import inside

from patchstand.assess.inside import Unread
from patchstand.assess.inside_checks.mitigations_seen import CHECK
from patchstand.model import Finding, Severity

CVE = "CVE-2026-42897"


def _found(rules: str, build: str) -> list[Finding]:
    server = inside(whole_server(rules), build)
    return [e for e in CHECK.run(server) if isinstance(e, Finding) and e.cves == (CVE,)]


@pytest.mark.parametrize(
    ("rules", "build", "finding", "severity"),
    [
        (policy_rule(), OPEN, "mitigation_active", Severity.INFO),
        (policy_rule(), FIRST_FIX, "mitigation_active", Severity.INFO),
        (policy_rule(), LATER, "mitigation_left_over", Severity.LOW),
        (policy_rule(guard="none"), OPEN, "mitigation_incomplete", Severity.CRITICAL),
        (policy_rule(enabled="false"), OPEN, "mitigation_disabled", Severity.CRITICAL),
        (policy_rule(value="x"), OPEN, "mitigation_without_effect", Severity.CRITICAL),
        ("", OPEN, "mitigation_missing", Severity.CRITICAL),
    ],
)
def test_each_state_is_a_finding(rules: str, build: str, finding: str, severity: Severity) -> None:
    """Where an exploited flaw is open without a working mitigation, that is critical."""
    assert [(each.id, each.severity) for each in _found(rules, build)] == [(finding, severity)]


def test_where_nothing_is_needed_and_nothing_stands_nothing_is_said() -> None:
    """A patched server without rules has no finding."""
    assert _found("", LATER) == []


def test_what_is_left_over_is_removed_by_a_command() -> None:
    """The remedy names the rule, and where it stands."""
    (found,) = _found(policy_rule(), LATER)

    assert dict(found.remedy[0].values) == {
        "rule": "EOMT OWA CSP - outbound",
        "filter": "system.webServer/rewrite/outboundRules/rule[@name='EOMT OWA CSP - outbound']",
        "place": r"Default Web Site\owa",
    }


def test_what_cannot_be_told_is_asked_where_it_is_needed() -> None:
    """The missing file is named; nothing is called missing or active."""
    said = list(CHECK.run(inside({}, OPEN)))

    assert said == [Unread("applicationHost.config")]
