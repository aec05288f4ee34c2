"""Known faults of the installed update."""

from datetime import date

import pytest
from tests.assess.inside_checks.servers import DAY, SE, Server, obj, run

from patchstand import knowledge
from patchstand.assess.inside_checks.known_issues import CHECK
from patchstand.model import Finding, KnownIssue

ISSUES = {issue.id: issue for issue in knowledge.load().known_issues}
GERMAN, BRITISH = 0x0407, 0x0809


def found(server: Server) -> dict[str, Finding]:
    said = run(CHECK, server).said
    findings = (each for each in said if isinstance(each, Finding))
    return {dict(each.values)["issue"]: each for each in findings}


@pytest.mark.parametrize("issue", ISSUES.values(), ids=lambda issue: issue.id)
def test_every_example_is_told_of_the_server(issue: KnownIssue) -> None:
    """What the knowledge says of a build, the audit says of a server with it."""
    german = {"Win32_OperatingSystem": [obj(BuildNumber=17763, OSLanguage=GERMAN)]}

    for build, has in issue.examples:
        assert (issue.id in found(Server(str(build), german))) is has, build


def test_the_fix_is_named() -> None:
    """The update that repairs it, and the vendor's article."""
    finding = found(Server("15.1.2507.43"))["november_2024"]

    assert dict(finding.values)["fixed_in"] == "Nov24SUv2"
    assert "November 2024" in finding.references[0]


def test_a_fault_without_repair_is_told_too() -> None:
    """Then only another cumulative update helps."""
    finding = found(Server("15.2.922.27"))["service_host"]

    assert [remedy.action for remedy in finding.remedy] == ["install_updates_first"]


def test_what_came_to_light_later_is_not_known_earlier() -> None:
    """A day before the repair was published, the fault is not told."""
    build = "15.1.2507.43"

    assert "november_2024" not in found(Server(build, day=date(2024, 11, 20)))
    assert "november_2024" in found(Server(build, day=DAY))


def test_some_faults_hang_on_the_language_of_windows() -> None:
    """English of any country is English; an unknown language leaves the question."""
    build = "15.1.2507.31"
    system = "Win32_OperatingSystem"

    assert "august_2023_languages" in found(Server(build, {system: [obj(OSLanguage=GERMAN)]}))
    assert "august_2023_languages" not in found(Server(build, {system: [obj(OSLanguage=BRITISH)]}))
    assert run(CHECK, Server(build)).unread == {system: set()}


def test_the_newest_build_has_none() -> None:
    """As far as we know."""
    assert found(Server(SE)) == {}
