"""Mitigations are seen by what they do."""

import json
from typing import Any

import pytest
from tests.collect.iis.configs import FACTS, host, inside, location, read, rewriting, rule, web

from patchstand import knowledge
from patchstand.assess.mitigations import seen_mitigations
from patchstand.knowledge.files import read_data_file
from patchstand.knowledge.inside import MitigationsFile
from patchstand.model import Build
from patchstand.model.seen_mitigations import MitigationState, SeenMitigation

EXAMPLES = [
    (row.id, example.web_config, example.state)
    for row in read_data_file("mitigations-seen.json", MitigationsFile).mitigations
    for example in row.examples
]
M2, M1, COOKIES = "m2_cve_2026_42897", "m1_cve_2022_41040", "eomt_cve_2021_26855"
NAME, GUARD = "EOMT OWA CSP - outbound", "EOMT OWA SPA HTML shell - precondition"
PAGES = r"^/owa/?($|\?|default\.aspx|projection\.aspx|readingPane\.aspx|popout\.aspx)"
VALUE = "{R:1}; script-src-attr 'none'"
OPEN, FIRST_FIX, LATER = "15.2.2562.37", "15.2.2562.43", "15.2.2562.45"


def policy_rule(
    name: str = NAME, *, value: str = VALUE, enabled: str = "true", guard: str = "whole"
) -> str:
    """The outbound rule of M2; `guard`: whole, without_uri, undefined or none."""
    uri = f'<add input="{{REQUEST_URI}}" pattern="{PAGES}" />' if guard == "whole" else ""
    defined = (
        f'<preConditions><preCondition name="{GUARD}" logicalGrouping="MatchAll" '
        f'patternSyntax="ECMAScript"><add input="{{RESPONSE_CONTENT_TYPE}}" '
        f'pattern="^text/html" />{uri}</preCondition></preConditions>'
    )
    named = f' preCondition="{GUARD}"' if guard != "none" else ""
    return (
        f'<outboundRules><rule name="{name}" enabled="{enabled}"{named} '
        'patternSyntax="ECMAScript" stopProcessing="false">'
        '<match serverVariable="RESPONSE_Content_Security_Policy" pattern="(.*)" />'
        f'<action type="Rewrite" value="{value}" /></rule>'
        f"{defined if guard in ('whole', 'without_uri') else ''}</outboundRules>"
    )


OTHER = "{R:1}; img-src 'self'"
CASES = {
    "rule+precondition exact": policy_rule(),
    "other rule name (EEMS M2.1 OWA CSP - outbound), same behaviour": policy_rule(
        "EEMS M2.1 OWA CSP - outbound"
    ),
    "action value {R:1}; script-src 'none'": policy_rule(value="{R:1}; script-src 'none'"),
    "precondition missing": policy_rule(guard="undefined"),
    "precondition lacks REQUEST_URI": policy_rule(guard="without_uri"),
    "no rules": "",
    "exact but enabled=false": policy_rule(enabled="false"),
    "other name, enabled=false": policy_rule("Something else", enabled="false"),
    "our name, other behaviour": policy_rule(value=OTHER),
    "other name, other behaviour": policy_rule("Something else", value=OTHER),
}
OWA, SITE = "DefaultWebSite-OWA_web.config", "DefaultWebSite_web.config"


def _facts() -> list[dict[str, Any]]:
    if not FACTS.is_file():
        return []
    return list(json.loads(FACTS.read_text("utf-8"))["eomt_cve_2026_42897"]["cases"])


def _seen(which: str, files: dict[str, bytes], build: str = OPEN) -> SeenMitigation:
    found = seen_mitigations(inside(files, build))
    return next(each for each in found if each.id == which)


def whole_server(owa: str = "", front: str = "", **more: bytes) -> dict[str, bytes]:
    """A server of which every file that matters is there."""
    others = ("ECP", "AutoD", "PowerShell")
    return {
        "applicationHost.config": host(),
        SITE: web(rewriting(front)),
        OWA: web(rewriting(owa)),
        **{f"DefaultWebSite-{name}_web.config": web("") for name in others},
        **more,
    }


@pytest.mark.skipif(not _facts(), reason="the facts file is not here")
@pytest.mark.parametrize("case", _facts(), ids=lambda case: str(case["case"]))
@pytest.mark.parametrize("alone", [True, False])
def test_the_cases_of_microsofts_tool(case: dict[str, Any], alone: bool) -> None:
    """Applied, disabled and misnamed rules are those that the vendor's tests expect."""
    config = CASES[case["case"]]
    files = {"FrontEnd/HttpProxy/owa/web.config": web(rewriting(config))}
    seen = _seen(M2, files if alone else whole_server(config))

    assert seen.applied is case["MitigationApplied"]
    assert seen.disabled_rules == case["DisabledRules"]
    if case["RuleNameMatch"] is not None:
        assert seen.name_taken is case["RuleNameMatch"]


@pytest.mark.parametrize(("which", "config", "state"), EXAMPLES)
def test_the_examples_in_the_knowledge_hold(
    which: str, config: str, state: MitigationState
) -> None:
    """Each mitigation carries configurations and what they amount to."""
    assert _seen(which, {"web.config": config.encode()}).state is state


def test_a_directive_that_stands_before_wins() -> None:
    """Browsers take the first of a name, so one behind it has no effect."""
    weak = policy_rule(value="script-src-attr 'unsafe-inline'; {R:1}; script-src-attr 'none'")

    assert _seen(M2, whole_server(weak)).applied is False


@pytest.mark.parametrize("url", ["^ecp", ".*", "^autodiscover", "^owa/auth"])
def test_a_rule_that_closes_a_directory_is_no_mitigation(url: str) -> None:
    """It blocks attacks with everything else, and nobody is told to remove it."""
    files = whole_server(front=f"<rules>{rule('Internal only', url)}</rules>")
    found = [_seen(which, files, LATER) for which in (COOKIES, M1)]

    assert [each.left_over for each in found] == [False, False]
    assert {each.state for each in found} == {MitigationState.ABSENT}


def test_what_the_site_inherits_counts_where_the_request_goes() -> None:
    """A rule of the site works in its directories, unless one of them clears it."""
    conditions = (
        '<add input="{UrlDecode:{REQUEST_URI}}" pattern="(?=.*autodiscover)(?=.*powershell)" />'
    )
    rules = f"<rules>{rule('Own name', conditions=conditions, stopProcessing='true')}</rules>"
    cleared = {"DefaultWebSite-AutoD_web.config": web(rewriting("<rules><clear /></rules>"))}

    assert _seen(M1, whole_server(front=rules)).state is MitigationState.ACTIVE
    state = _seen(M1, whole_server(front=rules) | cleared).state
    assert state is MitigationState.ABSENT


def test_a_rule_in_the_servers_configuration_counts_too() -> None:
    """Microsoft's service can put it there."""
    files = whole_server()
    files["applicationHost.config"] = host(
        location("Default Web Site/owa", rewriting(policy_rule()))
    )

    assert _seen(M2, files).state is MitigationState.ACTIVE


def test_without_the_module_no_rule_protects() -> None:
    """A rule of the right name then has no effect, and the reason is told."""
    files = whole_server(policy_rule())
    files["applicationHost.config"] = host(modules="")
    seen = _seen(M2, files)

    assert seen.state is MitigationState.WITHOUT_EFFECT
    assert "module is not loaded" in seen.why[0]


def test_a_server_without_its_files_leaves_it_open() -> None:
    """Nothing read: nothing is called absent or active."""
    for files in ({}, {"applicationHost.config": host()}):
        seen = _seen(M2, files)

        assert (seen.state, seen.applied) == (MitigationState.UNDETERMINED, None)
        assert seen.unread != ()


@pytest.mark.parametrize("file", [OWA, SITE, "DefaultWebSite-ECP_web.config"])
def test_a_trial_that_leads_nowhere_settles_nothing(file: str) -> None:
    """Requests whose place was not read are not taken for passed."""
    found = {e.id: e.state for e in seen_mitigations(inside({file: web("")}, "15.2.792.3"))}

    assert MitigationState.ACTIVE not in found.values()
    if file != SITE:
        assert found[M1] is found[COOKIES] is MitigationState.UNDETERMINED


def test_rules_in_a_file_that_was_not_followed_leave_it_open() -> None:
    """They may be the mitigation."""
    seen = _seen(M2, whole_server('<outboundRules configSource="rules.config" />'))

    assert seen.state is MitigationState.UNDETERMINED
    assert "rules.config" in seen.why[0]


def test_a_rule_before_it_that_cannot_be_evaluated_leaves_it_open() -> None:
    """It may end the request, or rewrite the URL, before the mitigation sees it."""
    first = rule("first", action="Rewrite", target="/x", conditions='<add input="{P:x}" />')
    conditions = '<add input="{UrlDecode:{REQUEST_URI}}" pattern="autodiscover.*powershell" />'
    rules = f"<rules>{first}{rule('second', conditions=conditions)}</rules>"

    assert _seen(M1, whole_server(front=rules)).state is MitigationState.UNDETERMINED


def test_it_is_needed_while_the_flaw_is_open_and_left_over_once_it_can_go() -> None:
    """M2 is applied up to and including the first fix; after it the rule is left over."""
    found = [_seen(M2, whole_server(policy_rule()), build) for build in (OPEN, FIRST_FIX, LATER)]

    assert [(each.needed, each.left_over) for each in found] == [
        (True, False),
        (False, False),
        (False, True),
    ]
    assert {each.state for each in found} == {MitigationState.ACTIVE}


def test_where_nothing_stands_nothing_is_left_over() -> None:
    """Absent is not left over."""
    assert _seen(M2, whole_server(), LATER).left_over is False


@pytest.mark.skipif(not FACTS.is_file(), reason="the facts file is not here")
def test_builds_with_the_fix_are_those_of_microsofts_tool() -> None:
    """EOMT takes its mitigation back from these builds on."""
    wanted = json.loads(FACTS.read_text("utf-8"))["eomt_cve_2026_42897"]["code_fix"]
    known = next(each for each in knowledge.load().mitigations if each.id == M2)

    assert {b: Build.parse(b).has_reached(known.not_needed_from) for b in wanted} == wanted


def test_hostile_rules_do_not_hang_the_audit() -> None:
    """Thousands of rules that backtrack end at the limit, and nothing is called active."""
    bad = "".join(rule(f"r{n}", r"^(o*)*(w*)*\1\2x") for n in range(2000))
    seen = _seen(COOKIES, whole_server(front=f"<rules>{bad}</rules>"))

    assert seen.applied is not True


def test_all_places_of_a_site_have_the_rules_of_the_site() -> None:
    """What EOMT writes into the site's web.config reaches every directory."""
    rules = f"<rules>{rule('x')}</rules>"
    places = read({"applicationHost.config": host(), SITE: web(rewriting(rules))}).places

    having = {each.site for each in places if each.rules.inbound.rules}
    assert having == {"Default Web Site"}
    assert all(e.rules.inbound.rules for e in places if e.site == "Default Web Site")
