"""What the URL Rewrite module does with a request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.collect.iis.configs import host, location, read, rewriting, rule, web

from patchstand.assess.rewrite.evaluate import Answer, answer
from patchstand.assess.rewrite.machine import Steps
from patchstand.model.rewrite import ActionKind
from patchstand.model.seen_mitigations import WebRequest


def _answer(inside: str, request: WebRequest, *, path: str = "") -> Answer:
    """What rules in one web.config do."""
    place = read({"web.config": web(rewriting(inside))}).places[0]
    return answer(place.rules, request, Steps())


def _inbound(*rules: str) -> str:
    return f"<rules>{''.join(rules)}</rules>"


def _to(path: str, name: str = "r", url: str = ".*", **more: str) -> str:
    return rule(name, url, "Rewrite", target=path, **more)


def _header(name: str, value: str, pattern: str = "(.*)", **more: str) -> str:
    said = "".join(f' {key}="{each}"' for key, each in more.items())
    return (
        f'<rule name="{name}"{said}><match serverVariable="RESPONSE_X" pattern="{pattern}" />'
        f'<action type="Rewrite" value="{value}" /></rule>'
    )


def _asking(input_text: str, pattern: str, **more: str) -> str:
    said = "".join(f' {key}="{each}"' for key, each in more.items())
    return f'<add input="{input_text}" pattern="{pattern}"{said} />'


GET = WebRequest("/a/b.aspx", "x=1", headers={"Cookie": "k=v", "Host": "mail.example:443"})


def test_without_rules_a_request_passes() -> None:
    """Path, query and answer stay as they are."""
    found = _answer(_inbound(), GET)

    assert (found.path, found.query, found.action) == ("/a/b.aspx", "x=1", ActionKind.NONE)
    assert found.reaches_application


@given(st.lists(st.booleans(), min_size=1, max_size=6))
def test_rules_apply_in_their_order_until_one_stops(stops: list[bool]) -> None:
    """Each rule works on what the one before left; after a stop there are no more."""
    rules = [
        _to(f"/{number}/{{R:0}}", str(number), stopProcessing=str(stop).lower())
        for number, stop in enumerate(stops)
    ]
    found = _answer(_inbound(*rules), WebRequest("/x"))

    last = stops.index(True) if True in stops else len(stops) - 1
    assert found.path == "".join(f"/{number}" for number in range(last, -1, -1)) + "/x"
    assert [each.name for each in found.applied] == [str(n) for n in range(last + 1)]


@given(st.lists(st.sampled_from(["on", "off"]), max_size=5))
def test_disabled_rules_do_nothing(states: list[str]) -> None:
    """A rule that is off is as if it were not there."""
    rules = [
        _to("/{R:0}x", str(n), enabled="true" if state == "on" else "false")
        for n, state in enumerate(states)
    ]

    assert _answer(_inbound(*rules), WebRequest("/x")).path == "/x" + "x" * states.count("on")


def _refusing(status: int) -> str:
    return (
        '<rule name="r"><match url=".*" />'
        f'<action type="CustomResponse" statusCode="{status}" /></rule>'
    )


@pytest.mark.parametrize(
    ("action", "blocked"),
    [
        (rule("r"), True),
        (_refusing(403), True),
        (_refusing(200), False),
        (rule("r", ".*", "Redirect", target="/else"), False),
    ],
)
def test_actions_that_end_a_request(action: str, blocked: bool) -> None:
    """After them no rule is looked at; dropped or refused requests count as blocked."""
    found = _answer(_inbound(action, _to("/later", "later")), GET)

    assert (found.path, found.reaches_application) == (GET.path, False)
    assert found.is_blocked is blocked


def test_back_references_of_rule_and_condition() -> None:
    """`{R:n}` are the rule's groups, `{C:n}` those of the condition that matched last."""
    conditions = _asking("{QUERY_STRING}", "x=(.)") + _asking("{C:1}{HTTP_COOKIE}", "(1)(k)=(.)")
    found = _answer(_inbound(_to("/{R:1}/{C:2}/{C:3}", url="^a/(b)", conditions=conditions)), GET)

    assert found.path == "/b/k/v"


def test_all_conditions_or_any() -> None:
    """MatchAll needs every condition, MatchAny one of them."""
    conditions = _asking("{HTTP_COOKIE}", "k") + _asking("{HTTP_COOKIE}", "nothing")
    any_of = rule("r", conditions=conditions).replace(
        "<conditions>", '<conditions logicalGrouping="MatchAny">'
    )

    assert not _answer(_inbound(rule("r", conditions=conditions)), GET).is_blocked
    assert _answer(_inbound(any_of), GET).is_blocked


def test_negation_and_case() -> None:
    """`negate` turns a test round; case counts where the rule says so."""
    negated = rule("r", conditions=_asking("{HTTP_COOKIE}", "k", negate="true"))
    strict = rule("r", conditions=_asking("{HTTP_COOKIE}", "K=V", ignoreCase="false"))
    loose = rule("r", conditions=_asking("{HTTP_COOKIE}", "K=V"))

    assert not _answer(_inbound(negated), GET).is_blocked
    assert not _answer(_inbound(strict), GET).is_blocked
    assert _answer(_inbound(loose), GET).is_blocked


def test_functions_and_maps() -> None:
    """Decoding, encoding, lower case and tables work inside each other."""
    table = (
        '<rewriteMaps><rewriteMap name="M" defaultValue="none">'
        '<add key="a b" value="Found" /></rewriteMap></rewriteMaps>'
    )
    encoded = WebRequest("/x", "q=A%20B")
    lookup = "/{ToLower:{M:{UrlDecode:{C:1}}}}/{UrlEncode:{M:z}}"
    found = _answer(
        table + _inbound(_to(lookup, conditions=_asking("{QUERY_STRING}", "q=(.*)"))), encoded
    )

    assert found.path == "/found/none"


@pytest.mark.parametrize(
    ("input_text", "why"),
    [
        ("{REMOTE_ADDR}", "which no request tells"),
        ("{Provider:{URL}}", "a provider or map that was not read"),
    ],
)
def test_what_a_request_does_not_say_is_told(input_text: str, why: str) -> None:
    """A condition on it makes the rule unsure, not ineffective."""
    found = _answer(_inbound(rule("r", conditions=_asking(input_text, "x"))), GET)

    assert why in found.unsure[0].why
    assert found.unsure[0].blocks


def test_a_condition_that_fails_settles_one_that_is_unknown() -> None:
    """All have to hold; one that does not is enough to know."""
    conditions = _asking("{REMOTE_ADDR}", "x") + _asking("{HTTP_COOKIE}", "nothing")

    assert _answer(_inbound(rule("r", conditions=conditions)), GET).unsure == ()


def test_files_on_the_disk_are_not_asked() -> None:
    """IsFile and IsDirectory cannot be evaluated."""
    conditions = '<add input="{REQUEST_FILENAME}" matchType="IsFile" />'

    assert "disk" in _answer(_inbound(_to("/x", conditions=conditions)), GET).unsure[0].why


def test_the_url_as_sent_after_a_rewrite_is_not_certain() -> None:
    """Whether {REQUEST_URI} then changes is documented nowhere."""
    second = rule("s", conditions=_asking("{REQUEST_URI}", "b"))
    found = _answer(_inbound(_to("/x"), second), GET)

    assert [each.rule for each in found.unsure] == ["s"]


def test_a_redirect_that_does_not_stop_is_not_certain() -> None:
    """Later rules may or may not be looked at."""
    redirect = rule("r", ".*", "Redirect", target="/x")

    assert _answer(_inbound(redirect), GET).unsure == ()
    assert _answer(_inbound(redirect, rule("s")), GET).unsure != ()


def test_queries_are_kept_unless_the_action_drops_them() -> None:
    """The query of the target comes first."""
    drops = _to("/x?y=2").replace('type="Rewrite"', 'type="Rewrite" appendQueryString="false"')

    assert _answer(_inbound(_to("/x?y=2")), GET).query == "y=2&x=1"
    assert _answer(_inbound(drops), GET).query == "y=2"


def test_variables_that_rules_set_are_seen_by_later_ones() -> None:
    """The request has the header from then on."""
    sets = rule("r", action="None").replace(
        "</conditions>",
        '</conditions><serverVariables><set name="HTTP_X" value="set" /></serverVariables>',
    )
    found = _answer(_inbound(sets, rule("s", conditions=_asking("{HTTP_X}", "^set$"))), GET)

    assert found.is_blocked


def test_a_variable_that_is_not_allowed_makes_the_rule_unsure() -> None:
    """IIS answers with an error where a rule sets a variable that the server does not list."""
    sets = _to("/x").replace(
        "</conditions>",
        '</conditions><serverVariables><set name="HTTP_X" value="1" /></serverVariables>',
    )
    allowed = rewriting('<allowedServerVariables><add name="http_x" /></allowedServerVariables>')
    files = {"DefaultWebSite_web.config": web(rewriting(_inbound(sets)))}
    refused = read(files | {"applicationHost.config": host()}).places[0]
    fine = read(files | {"applicationHost.config": host(server=allowed)}).places[0]

    assert "allowed" in answer(refused.rules, GET, Steps()).unsure[0].why
    assert answer(fine.rules, GET, Steps()).path == "/x"


def test_patterns_see_the_path_below_their_place() -> None:
    """A rule of a directory sees what follows it; where the base matters, nothing is certain."""
    files = {
        "applicationHost.config": host(
            location("Default Web Site/ecp", rewriting(_inbound(rule("own", "^x$")))),
        ),
        "DefaultWebSite_web.config": web(rewriting(_inbound(rule("site", "^ecp/")))),
    }
    place = next(e for e in read(files).places if e.full_path == "Default Web Site/ecp")
    found = answer(place.rules, WebRequest("/ecp/x"), Steps())

    assert [each.rule for each in found.unsure] == ["site"]
    assert [each.name for each in found.applied] == ["own"]


def test_server_rules_come_first_on_the_whole_path() -> None:
    """What they rewrite, the rules of the place see."""
    files = {
        "applicationHost.config": host(
            server=rewriting(f"<globalRules>{_to('/new', url='^a/b')}</globalRules>")
        ),
        "DefaultWebSite_web.config": web(rewriting(_inbound(rule("s", "^new$")))),
    }

    assert answer(read(files).places[0].rules, GET, Steps()).is_blocked


def test_without_the_module_rules_do_nothing() -> None:
    """They stand there, and IIS does not look at them."""
    files = {
        "applicationHost.config": host(modules=""),
        "DefaultWebSite_web.config": web(rewriting(_inbound(rule("s")))),
    }

    assert answer(read(files).places[0].rules, GET, Steps()).reaches_application


def _out(*rules: str) -> str:
    return f"<outboundRules>{''.join(rules)}</outboundRules>"


HTML = WebRequest("/a", answer_headers={"X": "old"})


def test_outbound_rules_change_headers_one_after_the_other() -> None:
    """The second works on what the first made of the header."""
    found = _answer(_out(_header("a", "{R:1}+1"), _header("b", "{R:1}+2")), HTML)

    assert found.response["x"] == "old+1+2"


def test_a_header_that_was_not_sent_is_empty() -> None:
    """A rule on it can add it."""
    found = _answer(_out(_header("a", "[{R:1}]")), WebRequest("/a"))

    assert found.response["x"] == "[]"


def test_preconditions_decide_about_outbound_rules() -> None:
    """One that does not fit leaves the answer alone; one that is missing breaks the rule."""
    guarded = _header("a", "new", preCondition="Html")
    html = (
        '<preConditions><preCondition name="html">'
        '<add input="{RESPONSE_CONTENT_TYPE}" pattern="^text/html" />'
        "</preCondition></preConditions>"
    )
    as_json = WebRequest("/a", content_type="application/json", answer_headers={"X": "old"})

    assert _answer(_out(guarded, html), HTML).response["x"] == "new"
    assert _answer(_out(guarded, html), as_json).response["x"] == "old"
    broken = _answer(_out(guarded), HTML)
    assert broken.response["x"] == "old"
    assert "not defined" in broken.broken[0].why


def test_rules_on_the_body_are_told_as_not_evaluated() -> None:
    """They change no header, so what is said of headers stays certain."""
    tags = '<rule name="t"><match filterByTags="A" pattern="." /></rule>'
    found = _answer(_out(tags, _header("a", "new")), HTML)

    assert [(each.rule, each.touches) for each in found.unsure] == [("t", "")]
    assert found.response["x"] == "new"


def test_a_part_of_a_value_is_not_certain() -> None:
    """Whether IIS replaces the part or the whole is not documented."""
    found = _answer(_out(_header("a", "new", pattern="l")), HTML)

    assert [(each.rule, each.touches) for each in found.unsure] == [("a", "x")]


def test_doubts_about_a_list_are_doubts_about_the_answer() -> None:
    """Rules in a file that was not read may do anything."""
    inbound = _answer('<rules configSource="rules.config" />', GET)
    outbound = _answer('<outboundRules configSource="rules.config" />', GET)

    assert [each.of_response for each in inbound.unsure] == [False]
    assert [each.of_response for each in outbound.unsure] == [True]


def test_rules_that_grow_without_end_are_stopped() -> None:
    """A URL that each rule doubles is given up, not built."""
    doubling = [_to("/{R:0}{R:0}", str(number)) for number in range(40)]
    found = _answer(_inbound(*doubling), WebRequest("/xxxxxxxx"))

    assert any("characters" in each.why for each in found.unsure)


def test_a_hostile_number_of_rules_uses_up_the_steps() -> None:
    """The limit holds for all rules together, and is told."""
    place = read(
        {"web.config": web(rewriting(_inbound(*(rule(str(n), "(x)*b") for n in range(9)))))}
    )
    found = answer(place.places[0].rules, WebRequest("/" + "x" * 50), Steps(left=500))

    assert any("too many steps" in each.why for each in found.unsure)
